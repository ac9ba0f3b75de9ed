import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { weaknessOf } from './weak-rsa.ts'

export const HMAC_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const
export const PUBLIC_KEY_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const
export type JwsAlgorithm = (typeof HMAC_ALGORITHMS)[number] | (typeof PUBLIC_KEY_ALGORITHMS)[number]

/** A key that verifies, made ready at load. */
export interface JwsKey {
  readonly key: KeyObject
  readonly kid: string | undefined
  /** The name that the config gives it. */
  readonly name: string | undefined
  /** Epoch milliseconds. */
  readonly expires: number | undefined
  /** Those that it may be used with: a key never decides by itself what a token's alg makes of it. */
  readonly algorithms: readonly JwsAlgorithm[]
}

/** Why a key or a set of them can't be used. Never holds the key. */
export class KeyFault {
  /** As it follows the key's or the document's name. */
  readonly message: string
  readonly mend: string
  constructor(message: string, mend: string) {
    this.message = message
    this.mend = mend
  }
}

const NONE: readonly JwsKey[] = []

/** Keys by what a token says of them: alg and, where it has one, kid. */
export class JwsKeys {
  readonly #byAlgorithm = new Map<string, { readonly all: JwsKey[]; readonly byKid: Map<string, JwsKey[]> }>()

  constructor(keys: readonly JwsKey[]) {
    for (const key of keys)
      for (const algorithm of key.algorithms) {
        const entry = this.#byAlgorithm.get(algorithm) ?? { all: [], byKid: new Map<string, JwsKey[]>() }
        this.#byAlgorithm.set(algorithm, entry)
        entry.all.push(key)
        if (key.kid !== undefined) entry.byKid.set(key.kid, [...(entry.byKid.get(key.kid) ?? []), key])
      }
  }

  /** A kid only looks a key up. Where no key of the config has one, the token's is passed over. */
  candidates(algorithm: string, kid: string | undefined): readonly JwsKey[] {
    const entry = this.#byAlgorithm.get(algorithm)
    if (entry === undefined) return NONE
    return kid === undefined || entry.byKid.size === 0 ? entry.all : (entry.byKid.get(kid) ?? NONE)
  }
}

interface Naming {
  readonly name?: string | undefined
  readonly expires?: number | undefined
}

/** A public key in PEM: SubjectPublicKeyInfo, or a certificate, of which only the key counts. */
export function keyFromPem(
  pem: string,
  allowed: readonly JwsAlgorithm[],
  { name, expires }: Naming,
): JwsKey | KeyFault {
  // Node would derive the public key from a private one without a word.
  if (pem.includes('PRIVATE KEY'))
    return new KeyFault('is a private key', 'put the public key there, and make a new pair: this one was handed about')
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    return new KeyFault('is no public key in PEM', 'write it as -----BEGIN PUBLIC KEY-----')
  }
  const algorithms = algorithmsOf(key)
  if (typeof algorithms === 'string') return new KeyFault(`can not be used: ${algorithms}`, 'use a key of another kind')
  const usable = algorithms.filter(one => allowed.includes(one))
  if (usable.length === 0)
    return new KeyFault(`is a key for ${algorithms.join(', ')}`, 'list the one that the issuer uses under algorithms')
  return { key, kid: undefined, name, expires, algorithms: usable }
}

/** @param bytes the secret: at least as long as the hash of every HMAC that it is for (RFC 7518 section 3.2). */
export function keyFromSecret(
  bytes: Buffer,
  allowed: readonly JwsAlgorithm[],
  { name, expires }: Naming,
): JwsKey | KeyFault {
  const algorithms = allowed.filter(one => one.startsWith('HS'))
  const short = algorithms.find(one => bytes.length * 8 < Number(one.slice(2)))
  if (short !== undefined)
    return new KeyFault(
      `has ${bytes.length} bytes, and ${short} needs ${Number(short.slice(2)) / 8}`,
      'make a longer one: a short one can be guessed from a single token',
    )
  return { key: createSecretKey(bytes), kid: undefined, name, expires, algorithms }
}

/** A public key of a JSON Web Key (RFC 7517); or why it is passed over, as RFC 7517 section 5 asks. */
export function keyFromJwk(jwk: Readonly<Record<string, unknown>>, allowed: readonly JwsAlgorithm[]): JwsKey | string {
  const { kid, use, key_ops: operations, alg } = jwk
  if (kid !== undefined && typeof kid !== 'string') return 'its kid is not a text'
  if (use !== undefined && use !== 'sig') return 'it is not for signatures'
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'it is not for verifying'
  let key: KeyObject
  try {
    key = createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return 'it can not be read'
  }
  const algorithms = algorithmsOf(key)
  if (typeof algorithms === 'string') return algorithms
  const usable = algorithms.filter(one => allowed.includes(one) && (alg === undefined || alg === one))
  if (usable.length === 0) return `it is for ${typeof alg === 'string' ? alg.slice(0, 32) : algorithms.join(', ')}`
  return { key, kid, name: undefined, expires: undefined, algorithms: usable }
}

const CURVES: Readonly<Record<string, JwsAlgorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

/** What a key can verify; or why nothing. */
function algorithmsOf(key: KeyObject): readonly JwsAlgorithm[] | string {
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const curve = key.asymmetricKeyDetails?.namedCurve ?? ''
      const algorithm = CURVES[curve]
      return algorithm === undefined ? `an elliptic curve (${curve}) that no algorithm here uses` : [algorithm]
    }
    case 'ed25519':
      return ['EdDSA', 'Ed25519']
    case 'rsa': {
      const modulus = BigInt(`0x${Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url').toString('hex')}`)
      const weakness = weaknessOf(modulus, key.asymmetricKeyDetails?.publicExponent ?? 0n)
      return weakness ?? PUBLIC_KEY_ALGORITHMS.filter(one => one.startsWith('RS') || one.startsWith('PS'))
    }
    default:
      return `a key of a kind (${key.asymmetricKeyType ?? 'unknown'}) that no algorithm here uses`
  }
}
