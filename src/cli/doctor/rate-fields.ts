import { type Finding, ok, warn } from '../../core/finding.ts'
import type { PaceConfig } from '../../forward/pace-config.ts'
import type { Answer } from './ask.ts'

/** A limit as a receiver announces it. */
interface Announced {
  readonly count: number
  /** `undefined` where it does not say for how long. */
  readonly periodMs: number | undefined
}

const NAMES = /^(?:(?:x-)?rate-?limit(?:-.*)?|x-rate-limit-.*|retry-after)$/

/** What an answer says of the receiver's rate limit, and whether the route keeps to it. */
export function rateFindings(
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  pace: PaceConfig | undefined,
): Finding[] {
  const fields = Object.entries(headers).filter(([name]) => NAMES.test(name))
  if (status === 429 && fields.length === 0)
    return [
      warn(
        'rate.exhausted',
        "the receiver's limit is used up (429), and it does not say how much it allows",
        'set pace to what its manual says, with shared where several routes use one account',
      ),
    ]
  if (fields.length === 0) return []
  const evidence = Object.fromEntries(fields)
  const said = fields.map(([name, value]) => `${name}: ${value}`).join(', ')
  if (status === 429)
    return [
      warn(
        'rate.exhausted',
        `the receiver's limit is used up (${said})`,
        'set pace to what it allows, with shared where several routes use one account',
        { evidence },
      ),
    ]
  const limit = announced(headers)
  if (limit && pace === undefined)
    return [
      warn(
        'rate.no-pace',
        `the receiver announces a limit (${said}), and the route keeps to none`,
        `add pace: { rate: ${text(limit)} } to forward`,
        { evidence },
      ),
    ]
  if (limit?.periodMs !== undefined && pace && pace.rate.count / pace.rate.periodMs > limit.count / limit.periodMs)
    return [
      warn(
        'rate.pace-above-limit',
        `pace sends ${pace.rate.count} in ${pace.rate.periodMs / 1000} s, and the receiver announces ${limit.count} in ${limit.periodMs / 1000} s`,
        `write pace: { rate: ${text(limit)} }`,
        { evidence },
      ),
    ]
  return [ok('rate.announced', `the receiver says of its limit: ${said}`, evidence)]
}

/** RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), or the older fields, which tell no period. */
function announced(headers: Answer['headers']): Announced | undefined {
  const policy = headers['ratelimit-policy'] ?? ''
  const count = /;\s*q=(\d{1,9})/.exec(policy)?.[1] ?? /^(\d{1,9})\s*(?:;|$)/.exec(policy)?.[1]
  const seconds = /;\s*w=(\d{1,9})/.exec(policy)?.[1]
  if (count !== undefined)
    return { count: Number(count), periodMs: seconds === undefined ? undefined : Number(seconds) * 1000 }
  const old = headers['ratelimit-limit'] ?? headers['x-ratelimit-limit'] ?? headers['x-rate-limit-limit']
  return old !== undefined && /^\d{1,9}$/.test(old) ? { count: Number(old), periodMs: undefined } : undefined
}

const PERIODS: readonly (readonly [ms: number, unit: string])[] = [
  [1000, 's'],
  [60_000, 'min'],
  [3_600_000, 'h'],
  [86_400_000, 'd'],
]

/** As the config writes it; of an odd period, the rate of a minute. */
function text({ count, periodMs = 60_000 }: Announced): string {
  const unit = PERIODS.find(([ms]) => ms === periodMs)?.[1]
  return unit === undefined ? `${Math.max(1, Math.floor((count * 60_000) / periodMs))}/min` : `${count}/${unit}`
}
