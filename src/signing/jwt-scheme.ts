import { hash, timingSafeEqual } from 'node:crypto'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import { decodeInto } from './encoding.ts'
import { type Jws, readJsonObject, readJws } from './jws.ts'
import type { JwtProof, JwtProver, JwtSigning } from './jwt-signing.ts'
import {
  type DescribedScheme,
  fault,
  type Message,
  type SignatureFault,
  type SignatureMatch,
  type SigningKey,
  type SyncVerifier,
} from './scheme.ts'

export type JwtClaims = Readonly<Record<string, unknown>>

/** A service that signs a JSON Web Token (RFC 7519), whose claims hold digests of what it sends. */
export interface JwtDescription {
  readonly header: string
  /** What stands before the token, e.g. `Bearer`; its letters in either case (RFC 9110 section 11.1). */
  readonly prefix?: string
  readonly signing: JwtSigning
  /** Absent where the service names none. */
  readonly issuer?: string
  /**
   * What dates the token, and must be there. `lifetime`: from nbf to exp, either of them moved by the tolerance. `issued`:
   * iat, at most the tolerance old or ahead. `none`: the service dates nothing.
   */
  readonly dated: 'lifetime' | 'issued' | 'none'
  /** Milliseconds. */
  readonly tolerance?: number
  /** Whether jti must be there; it is then the event's id. */
  readonly named: boolean
  /** Why the claims are not those of this request: a token alone says nothing of the body. */
  unbound(claims: JwtClaims, request: BodyRequest): string | undefined
  /** The claims that a message is sent with, beside the issuer. */
  claims(message: Message): JwtClaims
}

const LONGEST_TOKEN = 8192
/** Of a token that need not be dated and is. */
const LEEWAY_MS = 60_000
const ID = /^[\x21-\x7e]{1,256}$/

export function jwtScheme(description: JwtDescription): DescribedScheme {
  const { header, prefix, signing, issuer, tolerance } = description
  const [alg] = signing.algorithms
  return {
    kind: 'jwt',
    headers: [header],
    tolerance,
    verifier: (keys, toleranceMs) => new JwtVerifier(description, keys, toleranceMs),
    sign(key, message) {
      const head = base64url({ alg, typ: 'JWT', ...signing.head(key) })
      const text = `${head}.${base64url({ iss: issuer, ...description.claims(message) })}`
      const signature = signing.sign(key, text).toString('base64url')
      return [[header, `${prefix === undefined ? '' : `${prefix} `}${text}.${signature}`]]
    },
  }
}

/** Whether a claim is the SHA-256 of these bytes in lower-case hex. */
export function isHash(claim: unknown, bytes: string | Buffer): boolean {
  const told = Buffer.alloc(32)
  if (typeof claim !== 'string' || !decodeInto('hex', claim, 0, claim.length, told)) return false
  return timingSafeEqual(told, hash('sha256', bytes, 'buffer'))
}

export const sha256Hex = (bytes: string | Buffer): string => hash('sha256', bytes, 'hex')

const base64url = (value: JwtClaims): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Proved = SignatureMatch & { readonly claims: JwtClaims }

/** The head holds all that is signed, so a forged token is refused before its body is read. */
class JwtVerifier implements SyncVerifier {
  readonly #jwt: JwtDescription
  readonly #lower: string
  readonly #prover: JwtProver
  readonly #toleranceMs: number | undefined
  #readOf: HeadRequest['headers'] | undefined
  #proved: Proved | SignatureFault | undefined

  constructor(description: JwtDescription, keys: readonly SigningKey[], toleranceMs: number | undefined) {
    this.#jwt = description
    this.#lower = description.header.toLowerCase()
    this.#prover = description.signing.prover(keys, description.header)
    this.#toleranceMs = toleranceMs
  }

  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined {
    const proved = this.#prove(request, nowMs)
    this.#readOf = request.headers
    this.#proved = proved
    return proved.ok ? this.#outOfTime(proved.claims, nowMs) : proved
  }

  verify(request: BodyRequest, nowMs: number): Proved | SignatureFault {
    const known = this.#readOf === request.headers ? this.#proved : undefined
    this.#readOf = undefined
    const proved = known ?? this.#prove(request, nowMs)
    if (!proved.ok) return proved
    const why = this.#jwt.unbound(proved.claims, request)
    if (why !== undefined)
      return fault('signature.mismatch', { header: this.#jwt.header, why, 'body-bytes': request.raw.length })
    // Asked again, as a slow body may have taken longer than the tolerance left.
    return this.#outOfTime(proved.claims, nowMs) ?? proved
  }

  #prove(request: HeadRequest, nowMs: number): Proved | SignatureFault {
    const { header } = this.#jwt
    const value = request.headers.one(this.#lower)
    if (value === undefined || value === '') return fault('signature.missing', { header })
    if (value === null) return this.#malformed('the header comes more than once')
    const token = this.#tokenOf(value)
    if (token === undefined) return this.#malformed(`it is not "${this.#jwt.prefix} " and a token`)
    const jws = token.length > LONGEST_TOKEN ? undefined : readJws(token)
    if (jws === undefined) return this.#malformed(`the token is longer than ${LONGEST_TOKEN} characters`)
    return 'fault' in jws ? this.#malformed(jws.because) : this.#verified(jws, nowMs)
  }

  #tokenOf(value: string): string | undefined {
    const { prefix } = this.#jwt
    if (prefix === undefined) return value
    const length = prefix.length + 1
    return value.slice(0, length).toLowerCase() === `${prefix.toLowerCase()} ` ? value.slice(length) : undefined
  }

  #verified(jws: Jws, nowMs: number): Proved | SignatureFault {
    const { algorithms } = this.#jwt.signing
    // The config decides what a key is for, never the token.
    if (!algorithms.includes(jws.alg)) return this.#malformed(`its alg is not ${algorithms.join(' or ')}`)
    const proof = this.#prover.prove(jws, nowMs)
    return 'ok' in proof ? proof : this.#read(jws, proof)
  }

  /** Only what has been authenticated is parsed. */
  #read(jws: Jws, proof: JwtProof): Proved | SignatureFault {
    const { issuer, named, dated } = this.#jwt
    const claims = readJsonObject(jws.payload)
    if (claims === undefined) return this.#malformed('its claims are not a JSON object, or one has a name twice')
    for (const name of ['exp', 'nbf', 'iat'] as const)
      if (claims[name] !== undefined && !isDate(claims[name]))
        return this.#malformed(`its ${name} is no number of seconds`)
    const needed = { lifetime: ['nbf', 'exp'], issued: ['iat'], none: [] }[dated]
    const lacks = needed.find(name => claims[name] === undefined)
    if (lacks !== undefined) return this.#malformed(`it has no ${lacks}`)
    if (issuer !== undefined && claims.iss !== issuer) return this.#malformed(`its iss is not "${issuer}"`)
    const jti = claims.jti
    if (named && !(typeof jti === 'string' && ID.test(jti)))
      return this.#malformed('it has no jti, or one that is no id of at most 256 characters')
    const last = { lifetime: claims.exp, issued: claims.iat, none: undefined }[dated]
    const timestamp = isDate(last) ? last * 1000 : undefined
    return { ok: true, ...proof, id: named ? String(jti) : undefined, timestamp, claims }
  }

  #outOfTime({ exp, nbf, iat }: JwtClaims, nowMs: number): SignatureFault | undefined {
    const { header, dated } = this.#jwt
    const tolerance = this.#toleranceMs ?? LEEWAY_MS
    // Senders cut to whole seconds: so must we.
    const now = Math.floor(nowMs / 1000) * 1000
    const starts = Math.max(...[nbf, iat].map(at => (isDate(at) ? at * 1000 : 0)))
    const ends = Math.min(
      isDate(exp) ? exp * 1000 : Number.POSITIVE_INFINITY,
      dated === 'issued' && isDate(iat) ? iat * 1000 : Number.POSITIVE_INFINITY,
    )
    if (now >= starts - tolerance && now <= ends + tolerance) return undefined
    return fault('signature.expired', {
      header,
      'timestamp-skew-s': Math.round((nowMs - (now < starts - tolerance ? starts : ends)) / 1000),
      'tolerance-s': tolerance / 1000,
    })
  }

  #malformed(why: string): SignatureFault {
    return fault('signature.malformed', { header: this.#jwt.header, why })
  }
}

/** RFC 7519 section 2 NumericDate, which `Date` can say. */
function isDate(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 8_640_000_000_000
}
