import type { Secret } from '../../core/secret.ts'
import { signingKeyOf, signStandardWebhooks } from '../../forward/normalise.ts'
import { type Letterhead, linkTo } from '../../observe/alerts/message.ts'
import type { Channel } from './channel.ts'

/**
 * An event of Standard Webhooks: `type`, `timestamp` and `data`; its `webhook-id` is the same for every attempt.
 * @throws SecretFault where the secret is not one of Standard Webhooks
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhook(url: string, secret: Secret, { host, link }: Letterhead): Channel {
  const key = signingKeyOf(secret)
  const { pathname: path } = new URL(url)
  return {
    fitting: () => 1,
    write(messages, now) {
      const [message] = messages
      if (message === undefined) throw new Error('no message to write')
      const { id, phase, alert, rule, subject, route, what, evidence, mend, startedAt, endedAt } = message
      const body = JSON.stringify({
        type: `alert.${phase}`,
        timestamp: iso(endedAt ?? startedAt),
        data: {
          alert,
          rule,
          subject,
          route,
          what,
          evidence,
          mend,
          'started-at': iso(startedAt),
          'ended-at': endedAt === undefined ? undefined : iso(endedAt),
          host,
          link: link === undefined ? undefined : linkTo(link, route),
        },
      })
      const headers: string[] = []
      signStandardWebhooks(headers, key, id, Buffer.from(body), now)
      return { path, headers, body }
    },
    judge: status =>
      status >= 200 && status < 300
        ? { ok: true }
        : {
            ok: false,
            said: `it answered ${status}`,
            mend: 'See whether url is right, and whether its receiver verifies with the same secret.',
          },
  }
}

const iso = (at: number): string => new Date(at).toISOString()
