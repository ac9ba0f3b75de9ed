import { hash } from 'node:crypto'
import { defineCheck } from '../core/check.ts'
import { type Decision, type Denial, deny, type Evidence } from '../core/decision.ts'
import type { HeadRequest } from '../core/request.ts'
import { type Jws, readJsonObject, readJws, verifyJws } from '../signing/jws.ts'
import type { JwsKey } from '../signing/jws-keys.ts'
import { type ClaimRules, type Claims, checkClaims, secondsOf } from './claims.ts'
import { ExpiringCache } from './expiring-cache.ts'
import { type JwtConfig, jwtConfig } from './jwt-config.ts'
import { loadKeys } from './jwt-keys.ts'
import { presentedToken } from './presented-token.ts'
import { BOUND, ENDED, INSUFFICIENT, REFUSED } from './token-denials.ts'

/** Tokens whose signature is remembered as verified, each until it ends. */
const MOST_REMEMBERED = 1_000
/** A header's text as evidence. */
const MOST_SHOWN = 128

type Code = `jwt.${
  | 'missing'
  | 'malformed'
  | 'header'
  | 'algorithm'
  | 'type'
  | 'key'
  | 'signature'
  | 'claims'
  | 'expired'
  | 'not-yet'
  | 'issuer'
  | 'audience'
  | 'bound'
  | 'scope'
  | 'unavailable'}`

/** What a signature has proved. */
interface Proved {
  readonly claims: Claims
  readonly key: JwsKey
}

export const jwt = defineCheck({
  name: 'jwt',
  stage: 'head',
  summary:
    'Admits requests with a JSON Web Token that a key of the issuer signed, alive, for this audience and with the needed scopes (RFC 7519, RFC 8725). A token never chooses its key or its algorithm. One that is bound to a client certificate (RFC 8705) is taken from that certificate alone.',
  example:
    'jwt: { issuer: https://id.example.com, audience: crm, algorithms: [ES256], jwks: { file: keys/jwks.json }, scopes: [articles:write] }',
  config: jwtConfig,
  denials: {
    'jwt.missing': {
      status: 401,
      title: 'Token required',
      meaning: 'The request has no token where the route looks for one; the evidence names the header.',
      remedy: 'Have the sender get a token from the issuer and send it as "Authorization: Bearer TOKEN".',
      headers: [['WWW-Authenticate', 'Bearer']],
    },
    'jwt.malformed': {
      ...REFUSED,
      title: 'Malformed token',
      meaning: 'What was sent is no signed JSON Web Token in compact form; the evidence says what is wrong with it.',
      remedy: 'Look in the sender for a token of another kind, one that was cut, or "Bearer" written twice.',
    },
    'jwt.header': {
      ...REFUSED,
      meaning: "The token's header asks for an extension (crit), or brings a key of its own (jwk, jku, x5c, x5u).",
      remedy:
        'A token that brings its key is what a forger sends. If the issuer always writes such a parameter, set own-keys: ignore; the key is not used then either.',
    },
    'jwt.algorithm': {
      ...REFUSED,
      meaning: 'The token is signed with an algorithm that the route does not list, or with none.',
      remedy: 'If the issuer has changed its algorithm, add that to algorithms together with its key.',
    },
    'jwt.type': {
      ...REFUSED,
      meaning: 'The token is of another type (typ) than the route takes, e.g. an ID token in place of an access token.',
      remedy: 'Have the sender send the access token. If the issuer writes another typ, set typ to it.',
    },
    'jwt.key': {
      ...REFUSED,
      meaning: "No key of the route fits the token's alg and kid, or the one that fits has passed its end.",
      remedy: "Compare the kid in the evidence with the issuer's key set: the copy that the route has may be old.",
    },
    'jwt.signature': {
      ...REFUSED,
      meaning: 'The token is well formed, and its signature was made over other bytes or with another key.',
      remedy: 'Is it a token of this issuer? One of a test system is signed by the keys of that system.',
    },
    'jwt.claims': {
      ...REFUSED,
      meaning: 'The token is signed by the issuer, and lacks a claim that the route needs or has one of a wrong form.',
      remedy:
        'The evidence names the claim. Have the issuer write it, or set principal to the claim that names the sender.',
    },
    'jwt.expired': {
      ...ENDED,
      meaning: 'The token has passed its exp, or is older than max-age.',
    },
    'jwt.not-yet': {
      ...REFUSED,
      meaning: 'The token is not valid yet: its nbf or iat lies further ahead than skew.',
      remedy: 'Compare the clocks of issuer and gate; the evidence has the date that the token gives.',
    },
    'jwt.issuer': {
      ...REFUSED,
      meaning: 'The token names another issuer (iss) than the route trusts.',
      remedy: 'Compare both in the evidence, letter by letter: a "/" at the end makes another issuer.',
    },
    'jwt.audience': {
      ...REFUSED,
      meaning: 'The token was issued for somebody else: its aud holds none of the audiences of the route.',
      remedy:
        'Have the sender ask the issuer for a token for this audience. A token for others must not be let in here.',
    },
    'jwt.bound': BOUND,
    'jwt.scope': {
      ...INSUFFICIENT,
      meaning: 'The token is valid, and lacks a scope that the route needs; the evidence names it.',
      remedy: 'Have the issuer grant the scope to this sender if it may do this; else the sender uses the wrong token.',
    },
    'jwt.unavailable': {
      status: 503,
      title: 'Try again later',
      meaning: "There is no copy of the issuer's key set, or the last good one is older than max-stale.",
      remedy: 'The evidence says why it could not be fetched. Mend that, or name the set as a file.',
      headers: [['Retry-After', '30']],
    },
  },
  async *doctor(config, resources) {
    yield* (await import('./key-set-doctor.ts')).lookAtKeySet(config, resources)
  },
  create(config, resources) {
    const { clock } = resources
    const header = config.header.toLowerCase()
    const source = loadKeys(config, resources)
    const rules = rulesOf(config)
    const allowed: ReadonlySet<string> = new Set(config.algorithms)
    const reading = { ignoreOwnKeys: config['own-keys'] === 'ignore' }
    const isType = typeTest(config.typ)
    const proved = new ExpiringCache<Proved>(clock, MOST_REMEMBERED)

    const judge = ({ claims, key }: Proved, request: HeadRequest): Decision<Code> => {
      const now = clock.now()
      if (key.expires !== undefined && now > key.expires)
        return deny('jwt.key', { key: key.name ?? null, expired: new Date(key.expires).toISOString() })
      const verdict = checkClaims(claims, rules, now, () => request.clientCertificate())
      if ('fault' in verdict) return deny(`jwt.${verdict.fault}`, verdict.evidence)
      const keyName = key.name ?? key.kid
      const facts = { principal: verdict.principal, principalBy: 'jwt' }
      return { ok: true, facts: keyName === undefined ? facts : { ...facts, keyName } }
    }

    let provedBy = source.current()
    const verify = async (jws: Jws, digest: string, request: HeadRequest): Promise<Decision<Code>> => {
      let keys = source.current() ?? (await source.refresh())
      let verified = keys && (await verifyJws(jws, keys))
      if (keys !== undefined && verified !== undefined && 'fault' in verified && verified.fault === 'key') {
        // The issuer may have begun to use a new key; asked at most once a cooldown, whatever strangers send.
        const before = keys
        keys = await source.refresh()
        if (keys !== undefined && keys !== before) verified = await verifyJws(jws, keys)
      }
      if (keys === undefined || verified === undefined) return deny('jwt.unavailable', { because: source.because })
      if ('fault' in verified) return deny(`jwt.${verified.fault}`, { ...told(jws), because: verified.because })
      const claims = readJsonObject(jws.payload)
      if (claims === undefined)
        return deny('jwt.claims', { because: 'they are not a JSON object, or have a name twice' })
      const found = { claims, key: verified.key }
      const exp = secondsOf(claims, 'exp')
      if (exp !== undefined && keys === provedBy) proved.set(digest, found, exp * 1000 + rules.skew - clock.now())
      return judge(found, request)
    }

    return {
      decide(request) {
        const presented = presentedToken(request, header)
        if ('fault' in presented)
          return deny(`jwt.${presented.fault}`, {
            header: config.header,
            ...(presented.because === undefined ? {} : { because: presented.because }),
          })
        const keys = source.current()
        if (keys !== provedBy) {
          // What a key has proved that may have been withdrawn since is proved anew.
          proved.clear()
          provedBy = keys
        }
        const digest = hash('sha256', presented.token, 'base64url')
        const before = proved.get(digest)
        if (before !== undefined) return judge(before, request)
        const jws = readJws(presented.token, reading)
        if ('fault' in jws) return refuseUnread(jws)
        if (!allowed.has(jws.alg)) return deny('jwt.algorithm', { ...told(jws), listed: config.algorithms })
        if (!isType(jws.typ))
          return deny('jwt.type', {
            typ: jws.typ?.slice(0, MOST_SHOWN) ?? null,
            expected: config.typ ?? 'JWT or at+jwt',
          })
        return verify(jws, digest, request)
      },
    }
  },
  explain: async (config, asked, resources) => (await import('./explain/jwt.ts')).explainJwt(config, asked, resources),
})

function refuseUnread({ fault, because }: { readonly fault: string; readonly because: string }): Denial<Code> {
  return deny(fault === 'header' ? 'jwt.header' : 'jwt.malformed', { because })
}

/** What an unverified header says, short. */
function told({ alg, kid }: Jws): Evidence {
  return { alg: alg.slice(0, MOST_SHOWN), kid: kid?.slice(0, MOST_SHOWN) ?? null }
}

function rulesOf(config: JwtConfig): ClaimRules {
  return {
    issuers: config.issuer,
    audiences: config.audience,
    scopes: config.scopes,
    skew: config.skew,
    maxAge: config['max-age'],
    expires: true,
    principal: [config.principal],
    bound: config['certificate-bound'],
  }
}

/** Compared as RFC 7515 section 4.1.9 does: without regard to case, and "application/" may be left out. */
function typeTest(expected: string | undefined): (typ: string | undefined) => boolean {
  const short = (typ: string): string => typ.toLowerCase().replace(/^application\//, '')
  if (expected !== undefined) return typ => typ !== undefined && short(typ) === short(expected)
  return typ => typ === undefined || short(typ) === 'jwt' || short(typ) === 'at+jwt'
}
