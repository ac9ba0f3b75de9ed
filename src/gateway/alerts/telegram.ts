import type { Secret } from '../../core/secret.ts'
import type { TelegramConfig } from '../../observe/alerts/config.ts'
import { type AlertMessage, type Letterhead, textOfAll } from '../../observe/alerts/message.ts'
import { type Channel, piled, type Verdict } from './channel.ts'

/** Characters of one message, https://core.telegram.org/bots/api#sendmessage. */
const MOST = 4096

/**
 * The Bot API's sendMessage. Without `parse_mode` the text is taken as it stands, whatever is in it.
 * @see https://core.telegram.org/bots/api#making-requests
 */
export function telegram({ api, chat }: TelegramConfig, token: Secret, letterhead: Letterhead): Channel {
  const textOf = (messages: readonly AlertMessage[]): string => textOfAll(messages, letterhead)
  const base = new URL(api).pathname.replace(/\/$/, '')
  return {
    fitting: messages => piled(messages, MOST, textOf),
    write: messages => ({
      // The token is part of the path: no path of this channel is ever told.
      path: `${base}/bot${token.text()}/sendMessage`,
      headers: [],
      body: JSON.stringify({
        chat_id: chat,
        text: textOf(messages).slice(0, MOST),
        link_preview_options: { is_disabled: true },
      }),
    }),
    judge: (status, text) => judge(status, read(text)),
  }
}

interface Answer {
  readonly ok: boolean
  readonly description: string
  readonly retryAfter: number | undefined
  /** The number that a group has had since it became a supergroup. */
  readonly movedTo: number | undefined
}

function judge(status: number, { ok, description, retryAfter, movedTo }: Answer): Verdict {
  if (status === 200 && ok) return { ok: true }
  const said = `it answered ${status}${description === '' ? '' : `: ${description.slice(0, 200)}`}`
  const afterMs = retryAfter === undefined ? undefined : retryAfter * 1000
  return { ok: false, said, afterMs, mend: mendOf(status, movedTo) }
}

function mendOf(status: number, movedTo: number | undefined): string {
  if (movedTo !== undefined) return `The group has become a supergroup: write chat: ${movedTo}.`
  if (status === 401 || status === 404) return 'See whether bot-token is the one that @BotFather shows.'
  if (status === 403) return 'Add the bot to the chat, and let it write there.'
  if (status === 400) return 'See whether chat is right and the bot is a member of it.'
  return 'It is sent again; nothing needs to be done unless this goes on.'
}

function read(text: string): Answer {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const { ok, description, parameters } = fields(value)
  const { retry_after: retryAfter, migrate_to_chat_id: movedTo } = fields(parameters)
  return {
    ok: ok === true,
    description: typeof description === 'string' ? description : '',
    retryAfter: numberOf(retryAfter),
    movedTo: numberOf(movedTo),
  }
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
