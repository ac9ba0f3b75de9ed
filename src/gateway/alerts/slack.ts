import { type AlertMessage, type Letterhead, textOfAll } from '../../observe/alerts/message.ts'
import { type Channel, piled } from './channel.ts'

/** Characters of one message, https://docs.slack.dev/changelog/2018-truncating-really-long-messages. */
const MOST = 40_000

/**
 * One of Slack's incoming webhooks. Only `&`, `<` and `>` can begin a mention or a link, and with `mrkdwn` off nothing
 * else is markup.
 * @param path of the webhook's URL, which is a secret: it is never told
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
export function slack(path: string, letterhead: Letterhead): Channel {
  const textOf = (messages: readonly AlertMessage[]): string => escaped(textOfAll(messages, letterhead))
  return {
    fitting: messages => piled(messages, MOST, textOf),
    write: messages => ({
      path,
      headers: [],
      body: JSON.stringify({
        text: textOf(messages).slice(0, MOST),
        mrkdwn: false,
        unfurl_links: false,
        unfurl_media: false,
      }),
    }),
    judge: (status, text) =>
      status === 200
        ? { ok: true }
        : {
            ok: false,
            // It answers with a word, e.g. no_service or channel_is_archived.
            said: `it answered ${status}${/^[a-z_]{1,64}$/.test(text) ? `: ${text}` : ''}`,
            mend: 'Make a new incoming webhook at api.slack.com/apps, and put its URL in place of this one.',
          },
  }
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
