import type { HttpConnection } from './connection.ts'
import type { Incoming } from './incoming.ts'
import type { ParserFault } from './request-parser.ts'

export interface ConnectionLimits {
  /** Bytes of a head. */
  readonly headBytes: number
}

/** Who serves the requests of connections. Nothing here may throw. */
export interface ConnectionOwner {
  readonly limits: ConnectionLimits
  request(request: Incoming): void
  /** What came is no request; nothing was answered. */
  unreadable(connection: HttpConnection, fault: ParserFault, bytes: Buffer): void
  /** The socket failed. */
  failed(connection: HttpConnection, error: NodeJS.ErrnoException): void
  /** A head or body has begun to come and is not whole, or no longer. */
  waits(connection: HttpConnection, waits: boolean): void
  closed(connection: HttpConnection): void
}
