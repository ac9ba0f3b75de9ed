import { z } from 'zod'
import { late } from '../../core/late-schema.ts'
import { type SecretRef, secretRef } from '../../core/secret.ts'
import { duration, share } from '../../core/units.ts'

/** What is worth telling somebody, and whom. Times in milliseconds, shares between 0 and 1. */
export interface AlertsConfig {
  /** Absolute URL that messages lead to; absent: the admin listener's, where its port is fixed. */
  readonly link?: string | undefined
  readonly to: readonly ReceiverConfig[]
  readonly rules: readonly AlertRule[]
}

export type ReceiverConfig =
  | { readonly telegram: TelegramConfig }
  | { readonly webhook: { readonly url: string; readonly secret: SecretRef } }
  | { readonly slack: { readonly url: SecretRef } }

export interface TelegramConfig {
  readonly api: string
  readonly 'bot-token': SecretRef
  readonly chat: number | string
}

/** Routes that a rule is for; absent: all. */
export interface Limited {
  readonly routes?: readonly string[] | undefined
}

/** A share of requests that may be refused. */
export interface ShareRule extends Limited {
  readonly over: number
  readonly 'of-at-least': number
  readonly within: number
}

export interface SilentRule extends Limited {
  readonly for: number
}

export interface UpstreamRule extends Limited {
  readonly for: number
}

export interface ExpiresRule extends Limited {
  readonly within: number
}

export type AlertRule =
  | { readonly refused: ShareRule }
  | { readonly 'upstream-refusing': ShareRule }
  | { readonly silent: SilentRule }
  | { readonly 'upstream-failing': UpstreamRule }
  | { readonly expires: ExpiresRule }
  | { readonly breaker: Limited }

const DAY = 86_400_000

const time = (least: number, most: number, words: string) =>
  duration().refine(value => value >= least && value <= most, {
    error: `is not between ${words}`,
    params: { mend: `write a duration between ${words}` },
  })

export const alertsConfig = late(() => {
  const routes = z
    .array(z.string())
    .min(1)
    .optional()
    .describe('The names of the routes that it is for. Default: every route.')
  const telegram = z
    .strictObject({
      api: z
        .string()
        .default('https://api.telegram.org')
        .describe("The Bot API's server. Default https://api.telegram.org."),
      'bot-token': secretRef.describe('The token that @BotFather gave.'),
      chat: z
        .union([z.int(), z.string().regex(/^@[A-Za-z][A-Za-z0-9_]{3,31}$/, 'is no chat: write its number, or @name')])
        .describe('The number of the chat, or the @name of a channel. The bot must be a member.'),
    })
    .describe("A message of a Telegram bot, by the Bot API's sendMessage.")
  const webhook = z
    .strictObject({
      url: z.string().describe('Where the event is posted.'),
      secret: secretRef.describe('Signs it (Standard Webhooks): whsec_ and base64; see "sallyport secret new".'),
    })
    .describe('A JSON event, signed by Standard Webhooks.')
  const slack = z
    .strictObject({ url: secretRef.describe("The incoming webhook's URL, which is a secret.") })
    .describe("A message by one of Slack's incoming webhooks.")
  const ofShare = (who: string) =>
    z.strictObject({
      over: share().describe(`The share of its requests that ${who} has to refuse, e.g. 20%.`),
      'of-at-least': z
        .int()
        .min(1)
        .default(10)
        .describe('How many requests there have to be before a share tells anything. Default 10.'),
      within: time(1000, DAY, '1s and 24h').describe('The time that is looked back on, e.g. 5m.'),
      routes,
    })
  const rules = z.union([
    z.strictObject({
      refused: ofShare('a route').describe('A route refuses more than a share of its requests.'),
    }),
    z.strictObject({
      'upstream-refusing': ofShare('an upstream').describe(
        'The upstream of a route answers more than a share of what it is sent with a 4xx.',
      ),
    }),
    z.strictObject({
      silent: z
        .strictObject({
          for: time(1000, DAY, '1s and 24h').describe('How long a route has to be silent, e.g. 30m.'),
          routes,
        })
        .describe('A route that usually hears something by this time of day has heard nothing that it lets in.'),
    }),
    z.strictObject({
      'upstream-failing': z
        .strictObject({
          for: time(1000, DAY, '1s and 24h').describe('How long nothing has to have got through, e.g. 1m.'),
          routes,
        })
        .describe('Requests of a route fail at its upstream, or are answered 5xx, and none gets through.'),
    }),
    z.strictObject({
      expires: z
        .strictObject({
          within: time(60_000, 366 * DAY, '1m and 366d').describe('How long before the end, e.g. 7d.'),
          routes,
        })
        .describe('A certificate, token or secret ends soon, or a CRL or OCSP staple has ended.'),
    }),
    z.strictObject({
      breaker: z.strictObject({ routes }).describe('The breaker of a route has opened.'),
    }),
  ])
  return z
    .strictObject({
      link: z
        .string()
        .optional()
        .describe(
          'The URL that messages lead to, e.g. of the admin listener as operators reach it. Default: where the admin listener is, if its port is fixed.',
        ),
      to: z
        .array(z.union([z.strictObject({ telegram }), z.strictObject({ webhook }), z.strictObject({ slack })]))
        .min(1)
        .describe('Who is told: telegram, webhook or slack, each as often as needed.'),
      rules: z
        .array(rules)
        .min(1)
        .describe('What is told: refused, upstream-refusing, silent, upstream-failing, expires and breaker.'),
    })
    .describe('Tells somebody when something starts, and when it ends. Left out: nobody is told.')
})
