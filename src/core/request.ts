import type { Address } from './address.ts'
import type { ClientCertificate } from './client-certificate.ts'
import type { Headers } from './headers.ts'
import type { MediaType } from './media-type.ts'
import type { Trace } from './trace.ts'

/** What is known of a request before its body was read. Every field was checked by the request policy. */
export interface HeadRequest {
  /** The gate's own id of the request, a ULID. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly receivedAt: number
  readonly listener: string
  /** Whether it came over TLS (to the gate, or to a trusted proxy that says so). */
  readonly encrypted: boolean
  readonly method: string
  /** The origin-form target as received: path and query. */
  readonly target: string
  readonly path: string
  /** Without the question mark; empty where there is none. */
  readonly query: string
  /** Lower case, without the port. */
  readonly host: string
  /** The Host field as sent. */
  readonly authority: string
  /**
   * The name that the client asked for in its TLS handshake (SNI), lower case; `undefined` where it asked for none, over
   * plain HTTP, and in a resumed TLS 1.2 session, of which the TLS library does not tell it.
   */
  readonly serverName: string | undefined
  readonly headers: Headers
  /** Who sent it: the TCP peer, or what a trusted proxy says (rightmost untrusted address). */
  readonly source: Address
  /** The TCP peer. `undefined` on a Unix socket. */
  readonly peer: Address | undefined
  /** Bytes announced; `undefined` for a chunked body. */
  readonly contentLength: number | undefined
  /** `undefined` where there is no Content-Type, or none that can be read. */
  readonly mediaType: MediaType | undefined
  /** The URL that the sender was given, with this request's target: what URL-signing schemes sign. */
  readonly publicUrl: string
  /** The trace that it is part of; `undefined` where none are made. */
  readonly trace?: Trace | undefined
  /** The certificate that the TLS client proved to hold; `undefined` where it sent none. */
  clientCertificate(): ClientCertificate | undefined
}

/** A request whose body has been read, up to the cap, exactly as sent. */
export interface BodyRequest extends HeadRequest {
  /** The exact bytes, still content-encoded where a coding was applied: what a signature covers. */
  readonly raw: Buffer
  /**
   * The body parsed as JSON, once however often it's asked for; `undefined` where it is not (strict, unambiguous) JSON
   * or is content-encoded.
   */
  peekJson(): unknown
}

/** A request whose body has been decoded and understood. */
export interface ContentRequest extends BodyRequest {
  readonly content: Content
}

/** The body as the upstream will see it. */
export interface Content {
  /** JSON text, UTF-8: the sender's own bytes where they were JSON, so that no number or string changes. */
  readonly bytes: Buffer
  /** The same, parsed, once however often it's asked for. */
  value(): unknown
}
