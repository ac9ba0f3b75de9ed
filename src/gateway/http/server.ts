import { createServer as createTcpServer, type ServerOpts, type Socket, type Server as TcpServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls'
import { HttpConnection } from './connection.ts'
import type { Incoming } from './incoming.ts'
import type { ParserFault } from './request-parser.ts'

/** How often the deadlines are looked at: a slow sender outstays them by this much at most. Milliseconds. */
const DEADLINE_CHECK_MS = 500

export interface ServerLimits {
  /** Bytes of a head, with its request line and line ends. */
  readonly headBytes: number
  /** Milliseconds for a head, from its first byte, or from the accept. */
  readonly head: number
  /** Milliseconds for a request with its body. */
  readonly request: number
  /** Milliseconds for which nothing moves on a connection. */
  readonly idle: number
  /** Open at once; more are closed. */
  readonly connections: number
}

/** What a server's owner does. Nothing here may throw. */
export interface ServerOwner {
  request(request: Incoming): void
  /** What came is no request, or not in time; nothing was answered. */
  unreadable(connection: HttpConnection, fault: ParserFault | 'timeout', bytes: Buffer): void
  /** The connection failed, or never came to stand; it is closed. */
  failed(socket: Socket, error: NodeJS.ErrnoException): void
  /** Whether a connection is taken; called once for each. */
  opened(connection: HttpConnection): void
  closed(connection: HttpConnection): void
}

const OPTIONS: ServerOpts = { allowHalfOpen: true, noDelay: true, keepAlive: true, highWaterMark: 64 * 1024 }

/** Takes connections on one socket, plain or over TLS, and reads requests of HTTP/1.1 from them. */
export class HttpServer {
  readonly net: TcpServer | TlsServer
  readonly connections = new Set<HttpConnection>()
  readonly #owner: ServerOwner
  /** Those on which a head or body has begun to come. */
  readonly #waiting = new Set<HttpConnection>()
  #sweeper: NodeJS.Timeout | undefined
  #limits: ServerLimits

  /** @param tls `undefined`: plain */
  constructor(limits: ServerLimits, tls: TlsOptions | undefined, owner: ServerOwner) {
    this.#limits = limits
    this.#owner = owner
    if (tls) {
      const server = createTlsServer({ ...OPTIONS, ...tls, handshakeTimeout: limits.head })
      this.net = server
      server.on('tlsClientError', (error, socket) => owner.failed(socket, error))
    } else this.net = createTcpServer(OPTIONS)
    this.#sweeper = setInterval(() => this.#sweep(), DEADLINE_CHECK_MS).unref()
    this.limits = limits
  }

  get limits(): ServerLimits {
    return this.#limits
  }

  set limits(limits: ServerLimits) {
    this.#limits = limits
    this.net.maxConnections = limits.connections
  }

  /** Reads requests from a connection that stands. */
  serve(accepted: Socket): void {
    const connection = new HttpConnection(accepted, this)
    this.connections.add(connection)
    this.#waiting.add(connection)
    this.#owner.opened(connection)
  }

  /** Ends the connections on which nothing is under way. */
  closeIdle(): void {
    for (const connection of this.connections) if (connection.idle) connection.socket.destroy()
  }

  /** Ends all. */
  closeAll(): void {
    clearInterval(this.#sweeper)
    for (const { socket } of this.connections) socket.destroy()
  }

  request(request: Incoming): void {
    this.#owner.request(request)
  }

  unreadable(connection: HttpConnection, fault: ParserFault, bytes: Buffer): void {
    this.#owner.unreadable(connection, fault, bytes)
  }

  failed(connection: HttpConnection, error: NodeJS.ErrnoException): void {
    this.#owner.failed(connection.socket, error)
  }

  waits(connection: HttpConnection, waits: boolean): void {
    if (waits) this.#waiting.add(connection)
    else this.#waiting.delete(connection)
  }

  closed(connection: HttpConnection): void {
    this.connections.delete(connection)
    this.#waiting.delete(connection)
    this.#owner.closed(connection)
  }

  /** One look at all of them, where a timer of each would be put off by whatever it reads and writes. */
  #sweep(): void {
    const now = performance.now()
    const { head, request, idle } = this.#limits
    for (const connection of this.connections) {
      const { quietSince } = connection
      if (quietSince !== undefined && now - quietSince >= idle) connection.socket.destroy()
    }
    for (const connection of this.#waiting) {
      const waited = now - connection.waitsSince
      if (connection.waitsForBody ? waited < request : waited < head) continue
      this.#waiting.delete(connection)
      if (connection.waitsForBody) connection.late()
      else this.#owner.unreadable(connection, 'timeout', Buffer.alloc(0))
    }
  }
}
