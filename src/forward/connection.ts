import { connect as connectTcp, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { connect as connectTls } from 'node:tls'
import { handleReads, readTogether, writeTogether } from '../core/turn.ts'
import { AddressFault } from './address-guard.ts'
import { AnswerParser, UNASKED } from './answer-parser.ts'
import { type Destination, described, open, tcpOptions, tlsOptions } from './dial.ts'
import { type Exchange, UNSENT, type UpstreamFailure } from './exchange.ts'
import { requestHead } from './request-head.ts'
import { BodyPump } from './streamed-body.ts'
import { openTunnel, TunnelFault } from './tunnel.ts'

/** Who keeps the connections. */
export interface ConnectionOwner {
  /** It stands, and may serve its first request. */
  opened(connection: Connection): void
  /** The answer has ended, and it may serve another request. */
  free(connection: Connection): void
  /** It never stood; `gone` follows. */
  failed(failure: UpstreamFailure): void
  /** It has ended, or is to be ended: it serves no other request. */
  gone(connection: Connection): void
}

/** Bytes that one read takes at most. */
const READ_BYTES = 32 * 1024
/** Up to here head and body go out in one piece; above, copying the body costs more than a second piece. */
const ONE_PIECE_BYTES = 32 * 1024
/** How long an idle connection is kept where the upstream says nothing: below the limit of most servers. Milliseconds. */
const KEPT_MS = 4_000
const KEPT_AT_MOST_MS = 60_000
/** So much earlier than the upstream says, since a request may be on its way when it closes. Milliseconds. */
const KEPT_MARGIN_MS = 2_000

/** One keep-alive connection to an upstream, with at most one request under way. */
export class Connection {
  /** `performance.now` until which it may be used again. */
  usableUntil = 0
  readonly #destination: Destination
  readonly #owner: ConnectionOwner
  /** To the proxy, until that has opened the way. */
  #socket: Socket
  readonly #parser = new AnswerParser()
  readonly #timer: NodeJS.Timeout
  #exchange: Exchange | undefined
  /** Writes a body that streams. */
  #pump: BodyPump | undefined
  #stands = false
  #ended = false
  #error: NodeJS.ErrnoException | undefined
  /** Why nothing more can be written, while what has come is still read. */
  #broken: Error | undefined
  #endSocket: ((error?: Error) => void) | undefined

  constructor(destination: Destination, owner: ConnectionOwner) {
    this.#destination = destination
    this.#owner = owner
    this.#timer = setTimeout(() => this.#late(), destination.connectMs)
    const { proxy } = destination
    if (proxy === undefined) {
      this.#socket = open(destination, {
        // Read into one buffer, again and again: a stream would make a buffer and an event of every read.
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => {
          readTogether('answers', this.#read, buffer as Buffer, length, true)
          return true
        },
      })
      this.#attach()
      return
    }
    this.#socket = connectTcp({ ...tcpOptions(destination), host: proxy.host, port: proxy.port })
    this.#socket.on('error', this.#failed)
    openTunnel(this.#socket, proxy, destination.host, destination.port).then(() => this.#through(), this.#blocked)
  }

  /** Sends it whole; its answer or failure goes to the exchange. @throws where it can't be written; nothing was sent. */
  send(exchange: Exchange): void {
    const { outbound } = exchange
    const head = requestHead(outbound, this.#destination.fields)
    const { body, method } = outbound
    this.#exchange = exchange
    exchange.connection = this
    this.#parser.expect(method, exchange)
    const socket = this.#socket
    const streamed = outbound.streams?.body
    if (streamed) {
      socket.write(head, 'latin1')
      this.#pump = new BodyPump(streamed, socket, () => exchange.moved())
    } else if (body === undefined) writeTogether(socket, head)
    else if (body.length <= ONE_PIECE_BYTES) {
      const piece = Buffer.allocUnsafe(head.length + body.length)
      piece.write(head, 'latin1')
      body.copy(piece, head.length)
      writeTogether(socket, piece)
    } else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
  }

  /** Whether all that came of a streaming body is written, and more of it is to come. */
  get waitsForSender(): boolean {
    return this.#pump?.ended === false && this.#socket.writableLength === 0
  }

  /** Reads on, where the receiver had asked to wait. */
  resume(): void {
    if (!this.#parser.waits) return
    this.#parser.waits = false
    this.#socket.resume()
    if (this.#broken) this.#endWhenRead()
  }

  /** Ends it; whoever waits for an answer on it has been told. */
  destroy(): void {
    if (this.#ended) return
    this.#ended = true
    this.#exchange = undefined
    this.#pump?.stop()
    this.#pump = undefined
    clearTimeout(this.#timer)
    this.#socket.destroy()
    this.#owner.gone(this)
  }

  /** Ends it, and tells whoever waits for it or on it. */
  fail(failure: UpstreamFailure): void {
    if (this.#ended) return
    if (!this.#stands) this.#owner.failed({ ...failure, ...UNSENT })
    this.#exchange?.fail(this.#unsent ? { ...failure, ...UNSENT } : failure)
    this.destroy()
  }

  /** The proxy has opened the way: what follows on the socket is the upstream's. */
  #through(): void {
    if (this.#ended) return
    const raw = this.#socket
    const { secure } = this.#destination
    if (secure) this.#socket = connectTls({ ...tlsOptions(this.#destination), socket: raw })
    this.#attach()
    // Over another socket the library knows no buffer of ours.
    this.#socket.on('data', (chunk: Buffer) => readTogether('answers', this.#read, chunk, chunk.length, false))
    if (secure) return
    this.#socket.resume()
    this.#ready()
  }

  readonly #blocked = (error: unknown): void => {
    this.#error ??= error instanceof Error ? error : new TunnelFault(String(error))
    this.#closed()
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    handleReads()
    this.#error ??= error
  }

  #attach(): void {
    const socket = this.#socket
    const destination = this.#destination
    this.#endSocket = socket.destroy.bind(socket)
    socket.destroy = error => {
      if (!this.#readsOn(error)) this.#endSocket?.(error)
      return socket
    }
    socket.once(destination.secure ? 'secureConnect' : 'connect', () => this.#ready())
    socket.on('error', this.#failed)
    socket.on('end', () => this.#end())
    socket.on('close', () => this.#closed())
    if (destination.secure)
      socket.on('session', (session: Buffer) => {
        destination.session = session
      })
  }

  /**
   * Whether the socket stays, for the answer that may have come before the upstream closed: it refuses a body without reading
   * it to the end (RFC 9112 section 9.5), and what is written then fails. Node would end the socket at once, with the
   * answer unread in the kernel.
   */
  #readsOn(error: NodeJS.ErrnoException | undefined): boolean {
    if (this.#ended || this.#exchange === undefined || error?.syscall !== 'write') return false
    if (this.#broken !== undefined) return true
    this.#broken = error
    this.#pump?.stop()
    this.#endWhenRead()
    return true
  }

  /** A turn of the loop reads what has come, up to a number of pieces; the first `setImmediate` may run in this one. */
  #endWhenRead(): void {
    const before = this.#socket.bytesRead
    setImmediate(() =>
      setImmediate(() => {
        handleReads()
        // Who reads slowly says when to read on.
        if (this.#ended || this.#parser.waits) return
        if (this.#socket.bytesRead > before) this.#endWhenRead()
        else this.#endSocket?.(this.#broken)
      }),
    )
  }

  #ready(): void {
    clearTimeout(this.#timer)
    this.#stands = true
    this.usableUntil = performance.now() + KEPT_MS
    this.#owner.opened(this)
  }

  readonly #read = (bytes: Buffer, from: number, end: number): void => {
    if (this.#ended) return
    // What comes before a request is written is no answer to it.
    const fault = this.#unsent ? UNASKED : this.#parser.feed(bytes, from, end)
    if (fault)
      this.fail({ ok: false, code: 'forward.malformed', message: `the answer is not HTTP/1.1: ${fault.message}` })
    else if (this.#exchange !== undefined && this.#parser.idle) this.#answered()
    if (this.#parser.waits) this.#socket.pause()
  }

  /** Whether of the request under way nothing is written yet. */
  get #unsent(): boolean {
    return this.#exchange !== undefined && this.#socket.writableCorked > 0
  }

  #answered(): void {
    this.#exchange = undefined
    // What has not been read when the answer comes will not be: the rest of the request would be taken for the next one.
    const head = this.#parser.lastHead
    const unwritten = this.#socket.writableLength > 0 || this.#pump?.ended === false || this.#broken !== undefined
    if (!head?.reusable || unwritten) {
      this.destroy()
      return
    }
    this.#pump = undefined
    const { keptMs } = head
    const kept = keptMs === undefined ? KEPT_MS : Math.min(keptMs - KEPT_MARGIN_MS, KEPT_AT_MOST_MS)
    if (this.#parser.waits) this.resume()
    this.usableUntil = performance.now() + kept
    this.#owner.free(this)
  }

  #end(): void {
    handleReads()
    if (this.#parser.close()) this.destroy()
    else this.#closed()
  }

  #late(): void {
    const { connectMs } = this.#destination
    this.fail({ ok: false, code: 'forward.timeout', message: `the connection did not stand within ${connectMs} ms` })
  }

  #closed(): void {
    handleReads()
    const error = this.#error
    // A ticket is no more than a hint (RFC 8446 section 4.6.1): an upstream that fails over it would fail for good.
    if (error !== undefined || this.#parser.lastHead === undefined) this.#destination.session = undefined
    const message = error === undefined ? 'the upstream closed the connection' : described(error)
    this.fail({ ok: false, code: error instanceof AddressFault ? 'forward.address' : 'forward.unreachable', message })
  }
}
