import type { KeyObject } from 'node:crypto'
import type { Evidence } from '../core/decision.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import type { Resources } from '../core/resources.ts'
import type { AsymmetricDescription } from './asymmetric.ts'
import type { HmacDescription } from './hmac.ts'

/** A secret or a public key in the form that a scheme computes with, and the name that logs show. */
export interface SigningKey {
  readonly name: string
  /** The secret; of a public key, its DER (SPKI). */
  readonly bytes: Buffer
  /** Absent for a secret. */
  readonly publicKey?: KeyObject
  /** What requests call a public key, where the config says it. */
  readonly id?: string | undefined
  /** Epoch milliseconds after which it verifies nothing. */
  readonly expires: number | undefined
}

export type SignatureCode =
  | 'signature.missing'
  | 'signature.malformed'
  | 'signature.mismatch'
  | 'signature.incomplete'
  | 'signature.expired'
  | 'signature.unavailable'

/** Why a signature is not taken. Evidence never holds a secret or a signature. */
export interface SignatureFault {
  readonly ok: false
  readonly code: SignatureCode
  readonly evidence: Evidence
}

export interface SignatureMatch {
  readonly ok: true
  /** The key that verified. */
  readonly key: string
  /**
   * What can't be made again without the key: the MAC in hex, or the digest of what a private key signed, as such a
   * signature may have several spellings. `undefined` for a bare token, which is always the same.
   */
  readonly nonce: string | undefined
  /** The signed id, where the scheme signs one. */
  readonly id: string | undefined
  /** Who signs with that key, where the config says it; `undefined`: the route's one sender. */
  readonly principal?: string | undefined
  /** Epoch milliseconds of the signed timestamp; `undefined` where there is none. */
  readonly timestamp: number | undefined
}

export type SignatureVerdict = SignatureMatch | SignatureFault

/** One route's verifier, compiled at load. */
export interface Verifier {
  /** What the head alone rules out. */
  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined
  /** Answers at once, except where a key has to be fetched first. */
  verify(request: BodyRequest, nowMs: number): SignatureVerdict | Promise<SignatureVerdict>
}

/** A verifier that always answers at once. */
export interface SyncVerifier extends Verifier {
  verify(request: BodyRequest, nowMs: number): SignatureVerdict
}

/** What is to be signed. */
export interface Message {
  readonly method: string
  /** Whole, as the receiver was given it. */
  readonly url: string
  readonly body: Buffer
  /** Empty where there is none. */
  readonly contentType: string
  /** What is sent besides, for schemes that sign any field. */
  readonly headers?: SignedHeaders
  readonly nowMs: number
  /** The event's id, for schemes that sign one. */
  readonly id: string
}

export type SignedHeaders = readonly (readonly [name: string, value: string])[]

/** A scheme as data: see `hmacScheme` and `asymmetricScheme`. */
export type Description = HmacDescription | AsymmetricDescription

/** How requests are signed: a sender's side. */
export interface Signer {
  /** One word for evidence, e.g. `hmac-sha256`. */
  readonly kind: string
  /** The headers that carry it, as the service writes them; of several families, all. */
  readonly headers: readonly string[]
  /** Milliseconds either way, where the scheme signs a timestamp and the config names no tolerance. */
  readonly tolerance: number | undefined
  /** How it signs, as data: of several families, each. Absent where it is code. Near misses are made from it. */
  readonly described?: readonly Description[]
  /** Whether it leaves a part of the body unsigned, which whoever captures a request can change. */
  readonly partOfBody?: boolean
  /** Whether it reads the body as text, so that a compressed one can't be signed, or is refused where it is verified. */
  readonly textBody?: true
  /**
   * The headers that sign `message`. A scheme that signs the URL, or signs inside the body, may have to change them: see
   * `url` and `body`, or let `signMessage` do it all.
   * @param key a secret's bytes; a private key's DER (PKCS#8)
   * @throws UnsignableFault where the message lacks what is signed
   */
  sign(key: Buffer, message: Message): SignedHeaders
  /** The URL that `sign` expects to be called, e.g. with a body digest in its query; absent: as it is. */
  url?(message: Message): string
  /** The body that `sign` expects to be sent, e.g. with the signature in one of its fields; absent: as it is. */
  body?(message: Message, key: Buffer): Buffer
  /** The content type of what `body` makes; absent: that of the message. */
  readonly bodyType?: string
}

/** How a service signs: both directions of one description. */
export interface Scheme extends Signer {
  /** @param resources for keys that are no part of the config, such as a certificate at a URL. */
  verifier(keys: readonly SigningKey[], toleranceMs: number | undefined, resources: Resources): Verifier
}

/** A scheme that needs nothing but its keys. */
export interface DescribedScheme extends Scheme {
  verifier(keys: readonly SigningKey[], toleranceMs: number | undefined): SyncVerifier
}

/** A message as it is to be sent: URL and body as the scheme changed them, with its type, and the headers that sign it. */
export function signMessage(
  scheme: Signer,
  key: Buffer,
  message: Message,
): { readonly url: string; readonly body: Buffer; readonly contentType: string; readonly headers: SignedHeaders } {
  const body = scheme.body?.(message, key) ?? message.body
  const contentType = scheme.bodyType ?? message.contentType
  const made = { ...message, body, contentType }
  const url = scheme.url?.(made) ?? message.url
  return { url, body, contentType, headers: scheme.sign(key, { ...made, url }) }
}

export const fault = (code: SignatureCode, evidence: Evidence): SignatureFault => ({ ok: false, code, evidence })

/**
 * Why a signed time is too far from now, either way; `undefined` within the tolerance, or where there is none.
 * @param place for the evidence: the header or member that holds the time
 */
export function outOfTime(
  place: Evidence,
  at: number,
  nowMs: number,
  toleranceMs: number | undefined,
): SignatureFault | undefined {
  if (toleranceMs === undefined || Math.abs(nowMs - at) <= toleranceMs) return undefined
  return fault('signature.expired', {
    ...place,
    'timestamp-skew-s': Math.round((nowMs - at) / 1000),
    'tolerance-s': toleranceMs / 1000,
  })
}

/** The keys that may still verify, and for the evidence the names of those that ended. */
export function currentKeys<Key extends Pick<SigningKey, 'expires'>>(
  keys: readonly Key[],
  nowMs: number,
): readonly Key[] {
  for (const key of keys)
    if (key.expires !== undefined && key.expires < nowMs)
      return keys.filter(({ expires }) => expires === undefined || expires >= nowMs)
  return keys
}

/** For the evidence of a mismatch. */
export function triedKeys(
  keys: readonly Pick<SigningKey, 'name' | 'expires' | 'publicKey'>[],
  nowMs: number,
): Evidence {
  const current = currentKeys(keys, nowMs)
  if (current !== keys) return toldOf(keys, current)
  let told = toldOfAll.get(keys)
  if (told === undefined) {
    told = toldOf(keys, keys)
    toldOfAll.set(keys, told)
  }
  return told
}

type Tried = readonly Pick<SigningKey, 'name' | 'publicKey'>[]

const toldOfAll = new WeakMap<Tried, Evidence>()

function toldOf(keys: Tried, current: Tried): Evidence {
  const ended = keys.filter(key => !current.includes(key)).map(key => key.name)
  const word = keys[0]?.publicKey === undefined ? 'secrets' : 'keys'
  return {
    [`${word}-tried`]: current.map(key => key.name),
    ...(ended.length > 0 ? { [`${word}-expired`]: ended } : {}),
  }
}
