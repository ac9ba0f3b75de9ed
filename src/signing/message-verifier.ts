import type { KeyObject } from 'node:crypto'
import { hash } from 'node:crypto'
import type { Headers } from '../core/headers.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import { type Component, covers } from './component.ts'
import { digestFault, isDigestAlgorithm } from './content-digest.ts'
import { type MessageAlgorithm, verifyBase } from './message-algorithm.ts'
import { currentKeys, fault, type SignatureFault, type SignatureMatch, triedKeys, type Verifier } from './scheme.ts'
import { type FieldTypes, signatureBase } from './signature-base.ts'
import {
  INPUT,
  type LabelledSignature,
  type ReceivedSignature,
  readSignature,
  readSignatures,
  SIGNATURE,
} from './signature-input.ts'

export const CONTENT_DIGEST = 'Content-Digest'

/** A key that verifies, and the one algorithm that it is for: what a message says of its algorithm is never believed. */
export interface MessageKey {
  readonly name: string
  /** The keyid that signatures by this key carry; `undefined` where any may. */
  readonly id: string | undefined
  /** Who signs with it; `undefined` where the config gives the key no name. */
  readonly principal: string | undefined
  readonly algorithm: MessageAlgorithm
  /** Public, or the shared secret. */
  readonly key: KeyObject
  /** Epoch milliseconds after which it verifies nothing. */
  readonly expires: number | undefined
  /** See `verifyBase`. */
  readonly anySalt?: boolean
}

/** What a route demands of a signature. */
export interface MessagePolicy {
  /** What must be covered, whatever else is. */
  readonly required: readonly Component[]
  /** Besides that, Content-Digest of every request with a body. */
  readonly bindBody: boolean
  /** The label that is looked at; absent: any. */
  readonly label?: string | undefined
  /** The tag that is looked at; absent: any. */
  readonly tag?: string | undefined
  /** Milliseconds after `created` for which a signature is taken. */
  readonly maxAgeMs: number
  /** Milliseconds that `created` may lie ahead, as clocks differ. */
  readonly skewMs: number
  readonly types: FieldTypes
}

/** A signature that holds for the head; its body is still to be held against the digest. */
interface HeadMatch {
  readonly ok: true
  readonly key: MessageKey
  readonly received: ReceivedSignature
  readonly base: string
}

/**
 * One route's verifier of HTTP message signatures (RFC 9421 section 3.2). The signature covers nothing but the head, and
 * of the body its digest, so all but the digest is decided before a byte of the body is read.
 */
export class MessageVerifier implements Verifier {
  readonly #keys: readonly MessageKey[]
  readonly #policy: MessagePolicy
  /** What `foresee` found, for the request's `verify`: a public key's work is not done twice. */
  readonly #heads = new WeakMap<Headers, HeadMatch | SignatureFault>()

  constructor(keys: readonly MessageKey[], policy: MessagePolicy) {
    this.#keys = keys
    this.#policy = policy
  }

  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined {
    const found = this.#verifyHead(request, nowMs, request.contentLength !== 0)
    this.#heads.set(request.headers, found)
    return found.ok ? undefined : found
  }

  verify(request: BodyRequest, nowMs: number): SignatureMatch | SignatureFault {
    const found = this.#heads.get(request.headers) ?? this.#verifyHead(request, nowMs, request.raw.length > 0)
    if (!found.ok) return found
    const { key, received, base } = found
    // Asked again, as a slow body may have taken longer than there was left.
    const refused = this.#outOfTime(received, nowMs) ?? digestRefusal(request, received)
    if (refused) return refused
    return {
      ok: true,
      key: key.name,
      principal: key.principal,
      // Of what was signed, and not of the signature: some algorithms let anyone write a valid one in a second way.
      nonce: hash('sha256', base, 'hex'),
      id: received.nonce,
      timestamp: received.created === undefined ? undefined : received.created * 1000,
    }
  }

  /** The first signature of those meant for this route that holds; else what is wrong with the first of them. */
  #verifyHead(request: HeadRequest, nowMs: number, hasBody: boolean): HeadMatch | SignatureFault {
    const read = readSignatures(request.headers)
    if ('ok' in read) return read
    const chosen = this.#choose(read)
    if ('ok' in chosen) return chosen
    let first: SignatureFault | undefined
    for (const candidate of chosen) {
      const found = this.#verifyOne(request, candidate, nowMs, hasBody)
      if (found.ok) return found
      first ??= found
    }
    return first ?? fault('signature.missing', { header: SIGNATURE })
  }

  #choose(read: readonly LabelledSignature[]): readonly LabelledSignature[] | SignatureFault {
    const { label, tag } = this.#policy
    const meant = read.filter(
      one => (label === undefined || one.label === label) && (tag === undefined || one.tag === tag),
    )
    if (meant.length === 0)
      return fault('signature.missing', {
        header: INPUT,
        ...(label === undefined ? {} : { 'label-wanted': label }),
        ...(tag === undefined ? {} : { 'tag-wanted': tag }),
        labels: read.map(one => one.label),
      })
    const known = meant.filter(({ keyid }) => this.#keys.some(key => fits(key, keyid)))
    if (known.length > 0) return known
    return fault('signature.mismatch', {
      header: INPUT,
      why: 'no key has this keyid',
      keyid: meant.map(({ keyid }) => keyid ?? null),
      'keyids-known': this.#keys.map(({ id }) => id ?? null),
    })
  }

  #verifyOne(
    request: HeadRequest,
    labelled: LabelledSignature,
    nowMs: number,
    hasBody: boolean,
  ): HeadMatch | SignatureFault {
    const received = readSignature(labelled)
    if ('ok' in received) return received
    const refused = this.#uncovered(received, hasBody) ?? this.#outOfTime(received, nowMs)
    if (refused) return refused
    const { label, components, params, keyid, alg, signature } = received
    const base = signatureBase(request, components, params, this.#policy.types)
    if (typeof base !== 'string')
      return fault('signature.mismatch', { header: INPUT, label, component: base.component, why: base.why })
    const keys = this.#keys.filter(key => fits(key, keyid))
    const able = keys.filter(({ algorithm }) => alg === undefined || alg === algorithm)
    for (const key of currentKeys(able, nowMs))
      if (verifyBase(key.algorithm, key.key, base, signature, key.anySalt)) return { ok: true, key, received, base }
    return fault('signature.mismatch', {
      header: SIGNATURE,
      label,
      ...(able.length === 0
        ? { why: 'alg names another algorithm than the key is for', alg: alg ?? null }
        : triedKeys(able, nowMs)),
      algorithms: [...new Set(keys.map(({ algorithm }) => algorithm))],
      covered: components.map(({ text }) => text),
    })
  }

  #uncovered({ label, components }: ReceivedSignature, hasBody: boolean): SignatureFault | undefined {
    const { required, bindBody } = this.#policy
    const missing = required.filter(one => !components.some(covered => covers(covered, one))).map(({ text }) => text)
    if (bindBody && hasBody && !components.some(bindsBody)) missing.push('"content-digest"')
    if (missing.length === 0) return undefined
    return fault('signature.incomplete', {
      header: INPUT,
      label,
      missing,
      covered: components.map(({ text }) => text),
    })
  }

  #outOfTime({ label, created, expires }: ReceivedSignature, nowMs: number): SignatureFault | undefined {
    const { maxAgeMs, skewMs } = this.#policy
    if (created === undefined) return fault('signature.expired', { header: INPUT, label, why: 'created is missing' })
    // Signers cut to whole seconds: so must we, or a request of exactly the greatest age would be refused.
    const now = Math.floor(nowMs / 1000)
    const age = now - created
    if (age * 1000 > maxAgeMs || -age * 1000 > skewMs)
      return fault('signature.expired', {
        header: INPUT,
        label,
        'timestamp-skew-s': age,
        'max-age-s': maxAgeMs / 1000,
        'skew-s': skewMs / 1000,
      })
    if (expires === undefined || now <= expires) return undefined
    return fault('signature.expired', {
      header: INPUT,
      label,
      why: 'expires has passed',
      'expired-for-s': now - expires,
    })
  }
}

const fits = (key: MessageKey, keyid: string | undefined): boolean =>
  key.id === undefined || keyid === undefined || key.id === keyid

const isDigest = ({ name }: Component): boolean => name === CONTENT_DIGEST.toLowerCase()

/** Whether the component ties the body: the whole field, or the one digest in it that will be compared. */
const bindsBody = (component: Component): boolean =>
  isDigest(component) && (component.key === undefined || isDigestAlgorithm(component.key))

/** Where the signature covers a digest, the body must be the one that it is of, whether the route demands it or not. */
function digestRefusal(request: BodyRequest, { label, components }: ReceivedSignature): SignatureFault | undefined {
  if (!components.some(isDigest)) return undefined
  const wrong = digestFault(request.headers.all(CONTENT_DIGEST.toLowerCase()).join(', '), request.raw)
  if (wrong === undefined) return undefined
  return fault(`signature.${wrong.kind}`, {
    header: CONTENT_DIGEST,
    label,
    why: wrong.why,
    'body-bytes': request.raw.length,
  })
}
