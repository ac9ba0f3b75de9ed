import type { Finding } from '../../core/finding.ts'
import { isOneStepAway } from '../../core/one-step-away.ts'
import { type Claims, secondsOf } from '../claims.ts'
import { ago, likely, listed, possible, proven } from './finding.ts'

/** Seconds within which a token that has just ended, or is not valid yet, points at a clock. */
const CLOCK_S = 600
/** A date beyond the year 5000 is one in milliseconds. */
const FAR_S = 100_000_000_000
/** Claims in which issuers write what others call scopes. */
const SCOPES_ELSEWHERE = ['permissions', 'roles', 'groups', 'scopes', 'authorities', 'entitlements', 'role'] as const

type Tell = (make: typeof proven, cause: string, because: string, mend: string) => Finding

/** Of a token that names another issuer, or is for others. */
function whose(tell: Tell, reason: 'issuer' | 'audience', evidence: Readonly<Record<string, unknown>>): Finding {
  const texts = (value: unknown): string[] => [value].flat().filter(each => typeof each === 'string')
  const [has, expected] = [texts(evidence[reason]), texts(evidence.expected)]
  const plain = (text: string): string => text.toLowerCase().replace(/\/+$/, '')
  const slash = has.some(one => expected.some(other => plain(one) === plain(other)))
  return tell(
    proven,
    slash ? `${reason}-slash` : reason,
    has.length === 0
      ? `it names no ${reason}, and the route wants ${listed(expected)}`
      : `it names ${listed(has.slice(0, 4))} as its ${reason}, and the route wants ${listed(expected.slice(0, 4))}${slash ? ': they differ in case or in a slash' : ''}`,
    slash
      ? `write ${reason} as the token does`
      : `have the sender get a token of the right ${reason}; where it is right, change ${reason} of the route`,
  )
}

/** Where else the token holds what the route calls a scope. */
function scopePlace(claims: Claims, scope: string): string | undefined {
  const within = (holder: unknown, names: readonly string[], path: string): string | undefined => {
    if (typeof holder !== 'object' || holder === null) return undefined
    const name = names.find(one => [Reflect.get(holder, one)].flat().includes(scope))
    return name === undefined ? undefined : path + name
  }
  const { realm_access: realm, resource_access: resources } = claims
  const clients = typeof resources === 'object' && resources !== null ? Object.entries(resources) : []
  return (
    within(claims, SCOPES_ELSEWHERE, '') ??
    within(realm, ['roles'], 'realm_access.') ??
    clients.map(([client, access]) => within(access, ['roles'], `resource_access.${client}.`)).find(Boolean)
  )
}

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
  const ahead = Date.parse(String(evidence['not-before'] ?? evidence.issued)) / 1000 > FAR_S
  const named = (['iat', 'nbf', 'exp'] as const).filter(name => (secondsOf(claims, name) ?? 0) > FAR_S)
  const inMs = named.length > 0 ? named : [evidence['not-before'] === undefined ? 'iat' : 'nbf']
  if (reason === 'not-yet' && ahead)
    return [
      tell(
        proven,
        'milliseconds',
        `${listed(inMs)} ${inMs.length === 1 ? 'is' : 'are'} in milliseconds, and JSON Web Tokens count seconds (RFC 7519 section 2)`,
        'let the issuer divide by 1000: Date.now() of JavaScript counts milliseconds',
      ),
    ]
  if (reason === 'claims' && typeof evidence.because === 'string') {
    const missing = /^(?:it has no|no) (\S+)/.exec(evidence.because)
    return [
      tell(
        proven,
        missing ? 'claim-missing' : 'claim-type',
        `it is signed by the issuer, but ${evidence.because}`,
        missing
          ? `have the issuer write ${missing[1]} into its tokens`
          : 'have the issuer write the claim as RFC 7519 has it: dates are numbers of seconds',
      ),
    ]
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
    const place = scopePlace(claims, lacks)
    if (place !== undefined)
      return [
        tell(
          proven,
          'scope-elsewhere',
          `it has ${lacks} in ${place}, and a route reads scopes from scope or scp`,
          `have the issuer write it into scope (a mapper or a hook of its console does)`,
        ),
      ]
    if (has.some(each => each.split(/[,;|]\s*/).includes(lacks)))
      return [
        tell(
          proven,
          'scope-separator',
          `it has ${lacks} in a list that is not divided by blanks (RFC 6749 section 3.3)`,
          'have the issuer divide the scopes by blanks, or write scp as an array',
        ),
      ]
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
  if (reason === 'issuer' || reason === 'audience') return [whose(tell, reason, evidence)]
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
