import type { Explaining } from '../../core/captured.ts'
import type { EvidenceValue } from '../../core/decision.ts'
import type { Finding } from '../../core/finding.ts'
import { likely, possible, proven } from './finding.ts'
import { isPrivate, namesSender } from './source-ip.ts'

interface RateLimitConfig {
  readonly rate: { readonly count: number; readonly periodMs: number }
  readonly burst?: number | undefined
  readonly by: string | { readonly header: string }
}

/** Whose requests were counted together, and by which limit. */
export function explainRateLimit(
  config: RateLimitConfig,
  { request, refusal }: Explaining<RateLimitConfig>,
): readonly Finding[] {
  const { source, peer, headers } = request
  const { count, periodMs } = config.rate
  const burst = config.burst ?? count
  const findings: Finding[] = []
  const evidence = {
    rate: count,
    'period-s': periodMs / 1000,
    burst,
    'retry-after-s': refusal.evidence?.['retry-after-s'] ?? null,
  }
  const bySource = config.by === 'source-ip'
  if (typeof config.by === 'object') {
    const value = headers.one(config.by.header.toLowerCase())
    if (typeof value !== 'string')
      findings.push(
        proven({
          cause: 'rate-limit.header-missing',
          because: `the request has ${value === null ? 'more than one' : 'no'} ${config.by.header}, so it was counted by its address, ${source.text}`,
          evidence,
          mend: `let the sender send ${config.by.header} once, or count by something that every request has`,
        }),
      )
  }
  if (refusal.evidence?.principal === null)
    findings.push(
      proven({
        cause: 'rate-limit.nobody-yet',
        because: `nobody was known yet where the limit stands, so the request was counted by its address, ${source.text}`,
        evidence,
        mend: 'put the check that says who it is (a token, a signature) before rate-limit; a limit behind a signature needs another one before it',
      }),
    )
  const shared = peer?.text === source.text && (isPrivate(source) || namesSender(request))
  if ((bySource || findings.length > 0) && shared)
    findings.push(
      likely({
        cause: 'rate-limit.shared-address',
        because: `all that comes through ${source.text}, a proxy that the listener does not trust, shares one limit of ${count} in ${periodMs / 1000} s`,
        evidence,
        mend: 'add that address to trusted-proxies of the listener: each sender then has a limit of its own',
      }),
    )
  findings.push(
    possible({
      cause: 'rate-limit.own-limit',
      because: `it is the limit of this gate (${count} in ${periodMs / 1000} s, ${burst} at once), not of the service, that the requests of ${whose(config, request, refusal.evidence?.principal)} passed`,
      evidence,
      mend: 'raise burst, where a sender sends many at once; raise rate, where it sends more in all',
    }),
  )
  if (burst < count && periodMs >= 60_000)
    findings.push(
      possible({
        cause: 'rate-limit.burst',
        because: `only ${burst} may come at once, although ${count} may in ${periodMs / 1000} s: senders that work off a queue send many at once`,
        evidence,
        mend: `raise burst, up to ${count}`,
      }),
    )
  return findings
}

function whose(
  { by }: RateLimitConfig,
  { source }: Explaining<unknown>['request'],
  principal: EvidenceValue | undefined,
): string {
  if (by === 'route') return 'all senders of the route'
  if (typeof by === 'object') return `one ${by.header}`
  return by === 'principal' && typeof principal === 'string' ? principal : source.text
}
