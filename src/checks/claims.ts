import type { ClientCertificate } from '../core/client-certificate.ts'
import type { Evidence } from '../core/decision.ts'
import { lackingScope } from './scopes.ts'

/** What a token says, verified: the payload of a JWT, or an introspection answer. */
export type Claims = Readonly<Record<string, unknown>>

/** What a route demands of them. Times in milliseconds. */
export interface ClaimRules {
  /** Any of these; `undefined`: whatever the token says. */
  readonly issuers: readonly string[] | undefined
  readonly audiences: readonly string[] | undefined
  readonly scopes: readonly string[]
  readonly skew: number
  /** Since `iat`, which must then be there. */
  readonly maxAge: number | undefined
  /** Whether a token without `exp` is refused. */
  readonly expires: boolean
  /** The claims that may name the principal; the first that is there does. */
  readonly principal: readonly string[]
  /** Whether a token that is bound to no certificate is refused. */
  readonly bound: boolean
}

export type ClaimFault = {
  readonly fault: 'claims' | 'issuer' | 'audience' | 'expired' | 'not-yet' | 'bound' | 'scope'
  readonly evidence: Evidence
}

const MOST_SHOWN = 256
/** The last second of a year-275760 date: what `Date` can say. */
const LAST_SECOND = 8_640_000_000_000

/** Holds verified claims against the rules: RFC 7519 section 4.1, RFC 8705 section 3, scopes as RFC 8693 section 4.2. */
export function checkClaims(
  claims: Claims,
  rules: ClaimRules,
  nowMs: number,
  certificate: () => ClientCertificate | undefined,
): { readonly principal: string } | ClaimFault {
  const principal = principalOf(claims, rules.principal)
  if (principal === undefined)
    return { fault: 'claims', evidence: { because: `no ${rules.principal.join(' or ')} names the sender` } }
  return (
    whenFault(claims, rules, nowMs, principal) ??
    whoseFault(claims, rules, principal) ??
    boundFault(claims, rules, certificate, principal) ??
    scopeFault(claims, rules, principal) ?? { principal }
  )
}

function principalOf(claims: Claims, names: readonly string[]): string | undefined {
  const value = names.map(name => claims[name]).find(one => one !== undefined)
  return typeof value === 'string' && value !== '' && value.length <= MOST_SHOWN ? value : undefined
}

function whenFault(claims: Claims, rules: ClaimRules, nowMs: number, principal: string): ClaimFault | undefined {
  const { skew, maxAge } = rules
  for (const name of ['exp', 'nbf', 'iat'] as const)
    if (claims[name] !== undefined && secondsOf(claims, name) === undefined)
      return { fault: 'claims', evidence: { principal, because: `${name} is no number of seconds` } }
  const exp = secondsOf(claims, 'exp')
  const nbf = secondsOf(claims, 'nbf')
  const iat = secondsOf(claims, 'iat')
  const lacks =
    exp === undefined && rules.expires ? 'exp' : iat === undefined && maxAge !== undefined ? 'iat' : undefined
  if (lacks !== undefined) return { fault: 'claims', evidence: { principal, because: `it has no ${lacks}` } }
  if (exp !== undefined && nowMs >= exp * 1000 + skew)
    return { fault: 'expired', evidence: { principal, expired: dateOf(exp) } }
  if (iat !== undefined && maxAge !== undefined && nowMs >= iat * 1000 + maxAge + skew)
    return { fault: 'expired', evidence: { principal, issued: dateOf(iat), 'max-age-s': maxAge / 1000 } }
  if (nbf !== undefined && nowMs < nbf * 1000 - skew)
    return { fault: 'not-yet', evidence: { principal, 'not-before': dateOf(nbf) } }
  if (iat !== undefined && nowMs < iat * 1000 - skew)
    return { fault: 'not-yet', evidence: { principal, issued: dateOf(iat) } }
  return undefined
}

/** A claim of time, in seconds; `undefined` where it is absent or no date. */
export function secondsOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value = claims[name]
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND ? value : undefined
}

const dateOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

function whoseFault(claims: Claims, { issuers, audiences }: ClaimRules, principal: string): ClaimFault | undefined {
  const { iss, aud } = claims
  if (issuers !== undefined && !(typeof iss === 'string' && issuers.includes(iss)))
    return { fault: 'issuer', evidence: { principal, issuer: shown(iss), expected: issuers } }
  const named = typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud : []
  if (audiences !== undefined && !named.some(one => audiences.includes(one)))
    return { fault: 'audience', evidence: { principal, audience: named.slice(0, 8).map(shown), expected: audiences } }
  return undefined
}

/**
 * A token that is bound is worth nothing without its key, so one that is bound in a way that can't be seen here (a DPoP
 * key, RFC 9449) is refused as well, whatever the route asks for.
 */
function boundFault(
  { cnf }: Claims,
  { bound }: ClaimRules,
  certificate: () => ClientCertificate | undefined,
  principal: string,
): ClaimFault | undefined {
  const refuse = (because: string): ClaimFault => ({ fault: 'bound', evidence: { principal, because } })
  if (cnf === undefined) return bound ? refuse('it is bound to no certificate') : undefined
  const thumbprint = typeof cnf === 'object' && cnf !== null && 'x5t#S256' in cnf ? cnf['x5t#S256'] : undefined
  if (typeof thumbprint !== 'string') return refuse('it is bound to something else than a certificate')
  if (typeof cnf === 'object' && cnf !== null && Object.keys(cnf).length > 1)
    return refuse('it is bound to something else beside a certificate')
  const sent = certificate()
  if (sent === undefined) return refuse('the connection was made without a client certificate')
  if (Buffer.from(sent.fingerprint, 'hex').toString('base64url') !== thumbprint)
    return refuse('it is bound to another certificate than the one of the connection')
  return undefined
}

function scopeFault(claims: Claims, { scopes }: ClaimRules, principal: string): ClaimFault | undefined {
  if (scopes.length === 0) return undefined
  const has = [...listOf(claims.scope), ...listOf(claims.scp)]
  const lacks = lackingScope(scopes, has)
  return lacks === undefined
    ? undefined
    : { fault: 'scope', evidence: { principal, lacks, has: has.slice(0, 32).map(shown) } }
}

/** Names with blanks between them (RFC 8693), or a list, as some issuers write it. */
function listOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ').filter(name => name !== '')
  return Array.isArray(value) ? value.filter(name => typeof name === 'string') : []
}

const shown = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, MOST_SHOWN) : null)
