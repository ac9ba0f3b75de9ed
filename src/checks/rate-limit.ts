import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Address } from '../core/address.ts'
import { defineCheck } from '../core/check.ts'
import { type Decision, deny, type Facts } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import type { HeadRequest } from '../core/request.ts'
import type { RateResult } from '../core/stores.ts'
import { rate } from '../core/units.ts'

type Code = 'rate-limit.exceeded'

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

export const rateLimit = defineCheck({
  name: 'rate-limit',
  stage: 'head',
  beforeGreeting: true,
  summary:
    'Admits a number of requests a period, counted for each source address, principal or header value, or for the whole route. IPv6 sources are counted by /64. Where there is no principal yet, or not one such header, the source address is counted. Its refusals, and the answers to what all checks admit, tell what is left (RateLimit, draft-ietf-httpapi-ratelimit-headers).',
  example: 'rate-limit: { rate: 600/min, burst: 100, by: source-ip }',
  config: late(() =>
    z.strictObject({
      rate: rate().describe('How many requests a period, e.g. 600/min.'),
      burst: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .optional()
        .describe('How many may come at once. Default: the count of the rate.'),
      by: z
        .union([
          z.enum(['source-ip', 'principal', 'route']),
          z.strictObject({
            header: z
              .string()
              .regex(HEADER_NAME, 'is no header name')
              .describe('The header whose value is counted by.'),
          }),
        ])
        .default('source-ip')
        .describe('What is counted: source-ip, principal (after the check that names it), route, or { header: Name }.'),
    }),
  ),
  denials: {
    'rate-limit.exceeded': {
      status: 429,
      title: 'Too many requests',
      meaning:
        'More requests came than rate and burst allow; the evidence says what is counted by, and when the next may come.',
      remedy:
        'A genuine sender waits as Retry-After says. If its usual traffic is refused, raise burst for peaks or rate for more in all.',
    },
  },
  create(config, { route, rates }) {
    const { count, periodMs } = config.rate
    const burst = config.burst ?? count
    const intervalMs = periodMs / count
    const by = typeof config.by === 'string' ? config.by : 'header'
    const header = typeof config.by === 'string' ? '' : config.by.header.toLowerCase()
    // Two routes, or two limits of one route, never share a bucket.
    const limit = `${route}\n${count}/${periodMs}/${burst}/${by}/${header}`
    // Short, since the whole key is hashed for each request: 128 bits.
    const prefix = hash('sha256', limit, 'latin1').slice(0, 16)
    const policy = ['RateLimit-Policy', `"default";q=${count};w=${periodMs / 1000}`] as const

    // A flood comes from few: the same text is not hashed again.
    let lastSource: Address | undefined
    let lastKey = ''

    const keyOfSource = (source: Address): string => {
      if (source !== lastSource) {
        lastSource = source
        lastKey = `${prefix}@${networkOf(source)}`
      }
      return lastKey
    }

    const keyOf = (request: HeadRequest, facts: Facts): string => {
      if (by === 'source-ip') return keyOfSource(request.source)
      if (by === 'route') return prefix
      if (by === 'principal' && facts.principal !== undefined) return `${prefix}=${facts.principal}`
      const value = by === 'header' ? request.headers.one(header) : undefined
      // Hashed, as it may be a secret: time may tell how far a key agrees with another.
      return typeof value === 'string' ? `${prefix}=${hash('sha256', value, 'base64url')}` : keyOfSource(request.source)
    }

    const leftOf = ({ remaining, resetMs }: RateResult) =>
      ['RateLimit', `"default";r=${remaining};t=${Math.ceil(resetMs / 1000)}`] as const

    const refusal = (source: string, seconds: number, left: readonly [string, string], facts: Facts) => {
      const told = { by, source, rate: count, 'period-s': periodMs / 1000, burst, 'retry-after-s': seconds }
      const evidence = by === 'principal' ? { ...told, principal: facts.principal ?? null } : told
      return deny('rate-limit.exceeded', evidence, [['Retry-After', String(seconds)], left, policy])
    }

    // A flood is told the same for a second.
    let last: { source: string; seconds: number; resetS: number; denial: Decision<Code> } | undefined

    const answer = (result: RateResult, request: HeadRequest, facts: Facts): Decision<Code> => {
      if (result.allowed) return { ok: true, headers: [leftOf(result), policy] }
      const source = request.source.text
      const seconds = Math.max(1, Math.ceil(result.retryAfterMs / 1000))
      const resetS = Math.ceil(result.resetMs / 1000)
      if (last?.source === source && last.seconds === seconds && last.resetS === resetS) return last.denial
      const denial = refusal(source, seconds, leftOf(result), facts)
      if (by !== 'principal') last = { source, seconds, resetS, denial }
      return denial
    }

    return {
      decide(request, facts) {
        const result = rates.take(keyOf(request, facts), burst, intervalMs)
        return result instanceof Promise
          ? result.then(made => answer(made, request, facts))
          : answer(result, request, facts)
      },
    }
  },
  explain: async (config, asked) => (await import('./explain/rate-limit.ts')).explainRateLimit(config, asked),
})

/** IPv6 hosts have a /64 each at least (RFC 6177), so a single one could take a new address for every request. */
function networkOf(source: Address): string {
  if (source.family === 4) return source.text
  let text = ''
  for (let i = 0; i < 8; i++) text += String.fromCharCode(source.bytes[i] ?? 0)
  return text
}
