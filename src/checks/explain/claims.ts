import type { Finding } from '../../core/finding.ts'
import { isOneStepAway } from '../../core/one-step-away.ts'
import { type Claims, secondsOf } from '../claims.ts'
import { ago, likely, listed, possible, proven } from './finding.ts'

/** Seconds within which a token that has just ended, or is not valid yet, points at a clock. */
const CLOCK_S = 600

/** Of a token that is the issuer's, and breaks a rule about its claims: `reason` is the refusal's. */
export function claimFindings(
  check: string,
  reason: string,
  evidence: Readonly<Record<string, unknown>>,
  claims: Claims,
  nowMs: number,
  skewMs: number,
): readonly Finding[] {
  const tell = (make: typeof proven, cause: string, because: string, mend: string): Finding =>
    make({ cause: `${check}.${cause}`, because, mend })
  if (reason === 'expired') {
    const at = Date.parse(String(evidence.expired ?? evidence.issued))
    const since = nowMs - at
    const exp = secondsOf(claims, 'exp')
    const iat = secondsOf(claims, 'iat')
    const life = exp !== undefined && iat !== undefined ? ` (it was good for ${ago((exp - iat) * 1000)})` : ''
    if (evidence.expired === undefined)
      return [
        tell(
          proven,
          'too-old',
          `it was issued ${ago(since)} ago, longer than max-age allows`,
          'have the sender get a new token, or raise max-age',
        ),
      ]
    const expired = tell(
      proven,
      'expired',
      `it expired ${ago(since)} ago${life}`,
      'have the sender get a new token before the old one ends, and not keep one for ever',
    )
    return since < CLOCK_S * 1000
      ? [
          expired,
          tell(
            possible,
            'clock',
            "the gate's clock is ahead of the issuer's",
            'set both clocks by NTP; timedatectl shows the state here',
          ),
        ]
      : [expired]
  }
  if (reason === 'not-yet') {
    const at = Date.parse(String(evidence['not-before'] ?? evidence.issued))
    return [
      tell(
        likely,
        'clock',
        `it is valid from ${ago(at - nowMs)} ahead, more than the skew of ${ago(skewMs)}: the issuer's clock is ahead, or the gate's is behind`,
        'set both clocks by NTP; timedatectl shows the state here',
      ),
    ]
  }
  if (reason === 'scope') {
    const lacks = String(evidence.lacks)
    const has = Array.isArray(evidence.has) ? evidence.has.filter(each => typeof each === 'string') : []
    const near = has.find(
      each => isOneStepAway(each.toLowerCase(), lacks.toLowerCase()) || each.toLowerCase() === lacks.toLowerCase(),
    )
    const because =
      near === undefined
        ? `it lacks the scope ${lacks}; ${has.length === 0 ? 'it has none' : `it has ${listed(has.slice(0, 8))}`}`
        : `it has the scope ${near}, and the route needs ${lacks}`
    return [
      tell(
        proven,
        near === undefined ? 'scope' : 'scope-mistyped',
        because,
        near === undefined
          ? `have the issuer grant ${lacks} to this sender, if it may do this`
          : `write the scope in both places alike`,
      ),
    ]
  }
  if (reason === 'bound')
    return [
      tell(
        likely,
        'bound',
        `${String(evidence.because)}`,
        'have the sender connect with the certificate that it got the token with; behind a proxy that ends TLS, let that pass the certificate on (proxy-client-cert of the listener)',
      ),
    ]
  return []
}
