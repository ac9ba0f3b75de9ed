import type { KeyObject } from 'node:crypto'
import { Headers } from '../core/headers.ts'
import type { Component } from './component.ts'
import { contentDigest, type DigestAlgorithm } from './content-digest.ts'
import { type MessageAlgorithm, signBase } from './message-algorithm.ts'
import { CONTENT_DIGEST } from './message-verifier.ts'
import type { SignedHeaders } from './scheme.ts'
import { FIELD_TYPES, type FieldTypes, signatureBase } from './signature-base.ts'
import { INPUT, SIGNATURE } from './signature-input.ts'
import { bytesText, stringText } from './structured-fields.ts'

/** How a sender signs its requests (RFC 9421 section 3.1). */
export interface MessageSigner {
  readonly algorithm: MessageAlgorithm
  /** Private, or the shared secret. */
  readonly key: KeyObject
  readonly keyid?: string | undefined
  /** Default `sig1`. */
  readonly label?: string | undefined
  readonly tag?: string | undefined
  /** In the order in which they are signed. */
  readonly components: readonly Component[]
  /** Milliseconds from `created` to `expires`; absent: no end. */
  readonly lifetimeMs?: number | undefined
  /** Whether the signature names its algorithm. A verifier knows it from the key, so that the default is no. */
  readonly tellAlgorithm?: boolean | undefined
  /** Default `sha-256`. */
  readonly digest?: DigestAlgorithm | undefined
  readonly types?: FieldTypes | undefined
}

/** A request before it is signed. */
export interface UnsignedRequest {
  readonly method: string
  /** Whole, as the receiver was given it. */
  readonly url: string
  /** Those that are sent besides; Content-Digest is made here, and the others that are covered must be there. */
  readonly headers: SignedHeaders
  readonly body: Buffer
  readonly nowMs: number
  /** Signed as `nonce`: what tells this request from every other. Empty: none. */
  readonly nonce: string
}

/** A request that can't be signed so: the component, and what is wrong with it. */
export interface UnsignableRequest {
  readonly component: string
  readonly why: string
}

const PRINTABLE = /^[\x20-\x7e]*$/

/** The fields that sign `request`: Content-Digest where it is covered, Signature-Input, Signature. */
export function signRequest(signer: MessageSigner, request: UnsignedRequest): SignedHeaders | UnsignableRequest {
  const { algorithm, key, keyid, label = 'sig1', tag, components, lifetimeMs, tellAlgorithm, digest, types } = signer
  const name = CONTENT_DIGEST.toLowerCase()
  const covered = components.some(component => component.name === name)
  const digests: SignedHeaders = covered ? [[CONTENT_DIGEST, contentDigest(request.body, digest)]] : []
  const created = Math.floor(request.nowMs / 1000)
  const texts = { nonce: request.nonce, keyid: keyid ?? '', alg: tellAlgorithm ? algorithm : '', tag: tag ?? '' }
  let params = `(${components.map(({ text }) => text).join(' ')});created=${created}`
  if (lifetimeMs !== undefined) params += `;expires=${created + Math.ceil(lifetimeMs / 1000)}`
  for (const [parameter, text] of Object.entries(texts)) {
    if (!PRINTABLE.test(text)) return { component: '"@signature-params"', why: `${parameter} is not printable ASCII` }
    if (text !== '') params += `;${parameter}=${stringText(text)}`
  }
  const target = targetOf(request.url)
  const [path = '', query = ''] = target.split(/\?(.*)/s, 2)
  const sent = [...request.headers.filter(([field]) => field.toLowerCase() !== name), ...digests]
  const base = signatureBase(
    {
      method: request.method,
      publicUrl: request.url,
      target,
      path,
      query,
      headers: new Headers(sent.flat()),
    },
    components,
    params,
    types ?? FIELD_TYPES,
  )
  if (typeof base !== 'string') return base
  return [
    ...digests,
    [INPUT, `${label}=${params}`],
    [SIGNATURE, `${label}=${bytesText(signBase(algorithm, key, base))}`],
  ]
}

/** Path and query as they are sent: a URL that was taken apart and put together again may be another. */
function targetOf(url: string): string {
  const [, target = ''] = /^[a-z]+:\/\/[^/?#]*([^#]*)/i.exec(url) ?? []
  return target.startsWith('/') ? target : `/${target}`
}
