import type { Evidence } from '../core/decision.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'

/** A secret in the form that a scheme computes with, and the name that logs show. */
export interface SigningKey {
  readonly name: string
  readonly bytes: Buffer
  /** Epoch milliseconds after which it verifies nothing. */
  readonly expires: number | undefined
}

export type SignatureCode =
  | 'signature.missing'
  | 'signature.malformed'
  | 'signature.mismatch'
  | 'signature.incomplete'
  | 'signature.expired'

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
  /** What can't be made again without the key: the MAC in hex. `undefined` for a bare token, which is always the same. */
  readonly nonce: string | undefined
  /** The signed id, where the scheme signs one. */
  readonly id: string | undefined
  /** Epoch milliseconds of the signed timestamp; `undefined` where there is none. */
  readonly timestamp: number | undefined
}

/** One route's verifier, compiled at load. */
export interface Verifier {
  /** What the head alone rules out. */
  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined
  verify(request: BodyRequest, nowMs: number): SignatureMatch | SignatureFault
}

/** What is to be signed. */
export interface Message {
  readonly method: string
  /** Whole, as the receiver was given it. */
  readonly url: string
  readonly body: Buffer
  /** Empty where there is none. */
  readonly contentType: string
  readonly nowMs: number
  /** The event's id, for schemes that sign one. */
  readonly id: string
}

export type SignedHeaders = readonly (readonly [name: string, value: string])[]

/** How a service signs: both directions of one description. */
export interface Scheme {
  /** One word for evidence, e.g. `hmac-sha256`. */
  readonly kind: string
  /** The headers that carry it, as the service writes them; of several families, all. */
  readonly headers: readonly string[]
  /** Milliseconds either way, where the scheme signs a timestamp and the config names no tolerance. */
  readonly tolerance: number | undefined
  verifier(keys: readonly SigningKey[], toleranceMs: number | undefined): Verifier
  /** The headers that sign `message`. A scheme that signs the URL may have to change it: see `url`. */
  sign(key: Buffer, message: Message): SignedHeaders
  /** The URL that `sign` expects to be called, e.g. with a body digest in its query; absent: as it is. */
  url?(message: Message): string
  /** The body that `sign` expects to be sent, e.g. with a timestamp in it; absent: as it is. */
  body?(message: Message): Buffer
}

export const fault = (code: SignatureCode, evidence: Evidence): SignatureFault => ({ ok: false, code, evidence })

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
export function triedKeys(keys: readonly Pick<SigningKey, 'name' | 'expires'>[], nowMs: number): Evidence {
  const current = currentKeys(keys, nowMs)
  const ended = keys.filter(key => !current.includes(key)).map(key => key.name)
  return { 'secrets-tried': current.map(key => key.name), ...(ended.length > 0 ? { 'secrets-expired': ended } : {}) }
}
