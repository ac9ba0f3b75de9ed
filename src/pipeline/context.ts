import type { Address } from '../core/address.ts'
import type { ClientCertificate } from '../core/client-certificate.ts'
import { readCoding } from '../core/content-coding.ts'
import type { Headers } from '../core/headers.ts'
import { checkJson } from '../core/json.ts'
import { isJson, type MediaType, parseMediaType } from '../core/media-type.ts'
import type { Content, ContentRequest, HeadRequest } from '../core/request.ts'
import type { Trace } from '../core/trace.ts'

/** What the listener knows of a request when its head has arrived and passed the request policy. */
export interface HeadParts extends Omit<HeadRequest, 'mediaType' | 'publicUrl' | 'clientCertificate'> {
  /** Reads the peer's certificate when a check first asks for it. */
  readonly certificate: (() => ClientCertificate | undefined) | undefined
}

const EMPTY = Buffer.alloc(0)

/**
 * One request through all stages. Checks see it as HeadRequest, BodyRequest or ContentRequest, so that the compiler
 * keeps a head check from the body; `raw` and `content` are set once, by the pipeline.
 */
export class RequestContext implements ContentRequest {
  readonly id: string
  readonly receivedAt: number
  readonly listener: string
  readonly encrypted: boolean
  readonly method: string
  readonly target: string
  readonly path: string
  readonly query: string
  readonly host: string
  readonly authority: string
  readonly serverName: string | undefined
  readonly headers: Headers
  readonly source: Address
  readonly peer: Address | undefined
  readonly contentLength: number | undefined
  readonly trace: Trace | undefined
  readonly mediaType: MediaType | undefined
  /** The Content-Type field as sent; empty where there is none. */
  readonly contentType: string
  /** Lower case; empty where there is none. */
  readonly coding: string
  publicUrl = ''
  raw: Buffer = EMPTY
  content: Content = { bytes: EMPTY, value: () => undefined }
  readonly #certificate: (() => ClientCertificate | undefined) | undefined
  #peeked: { readonly value: unknown } | undefined | null = null

  constructor(parts: HeadParts) {
    this.id = parts.id
    this.receivedAt = parts.receivedAt
    this.listener = parts.listener
    this.encrypted = parts.encrypted
    this.method = parts.method
    this.target = parts.target
    this.path = parts.path
    this.query = parts.query
    this.host = parts.host
    this.authority = parts.authority
    this.serverName = parts.serverName
    this.headers = parts.headers
    this.source = parts.source
    this.peer = parts.peer
    this.contentLength = parts.contentLength
    this.trace = parts.trace
    this.#certificate = parts.certificate
    this.contentType = parts.headers.one('content-type') ?? ''
    this.mediaType = this.contentType === '' ? undefined : parseMediaType(this.contentType)
    this.coding = readCoding(parts.headers) ?? ''
  }

  clientCertificate(): ClientCertificate | undefined {
    return this.#certificate?.()
  }

  peekJson(): unknown {
    return this.peeked()?.value
  }

  /** The value of a body that is strict JSON as it stands, parsed once. */
  peeked(): { readonly value: unknown } | undefined {
    if (this.#peeked === null) {
      this.#peeked = undefined
      const plain = this.coding === '' || this.coding === 'identity'
      if (plain && this.raw.length > 0 && this.mediaType && isJson(this.mediaType) && checkJson(this.raw) === undefined)
        this.#peeked = { value: JSON.parse(this.raw.toString('utf8')) }
    }
    return this.#peeked
  }

  /** What was parsed before, without parsing now. */
  alreadyPeeked(): { readonly value: unknown } | undefined {
    return this.#peeked ?? undefined
  }
}
