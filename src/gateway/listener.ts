import type { AddressInfo, Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { TLSSocket, Server as TlsServer } from 'node:tls'
import type { Bind, ListenerConfig } from '../config/model.ts'
import { Headers } from '../core/headers.ts'
import { requestId } from '../core/request-id.ts'
import type { ListenerCounters } from '../observe/metrics.ts'
import { type Refusal, refuse } from '../pipeline/walk.ts'
import { isValidation } from '../tls/acme/alpn.ts'
import { explainHandshake } from '../tls/handshake.ts'
import { clientCertificateOf } from '../tls/identity.ts'
import type { ServerTls } from '../tls/server.ts'
import { auditOf } from './audit.ts'
import { dismissDistrusted } from './dismiss.ts'
import { answerBelowTls } from './http/below-tls.ts'
import type { HttpConnection } from './http/connection.ts'
import type { Incoming } from './http/incoming.ts'
import type { ParserFault } from './http/request-parser.ts'
import { HttpServer, type ServerOwner } from './http/server.ts'
import type { ListenerLive, Shared } from './live.ts'
import { parserRefusal } from './parser-refusal.ts'
import { sourceOf, speaksProxy } from './peer.ts'
import { Proxied } from './proxied.ts'
import { problemBody } from './reply.ts'
import { Exchange } from './serve.ts'
import { spokenInstead } from './spoken-instead.ts'
import { takeOver } from './take-over.ts'
import { BACKLOG, listenOn, type SharedPort } from './unix.ts'

/** How long a closing listener takes connections that wait for it, where there is no end of them. Milliseconds. */
const ACCEPT_MS = 500

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i

/**
 * The Keep-Alive field of answers: a second less than the limit, since a request that is sent at the last moment would meet
 * the end of its connection. `undefined` where that leaves nothing.
 */
function keepAliveOf(idleMs: number): string | undefined {
  const seconds = Math.floor(idleMs / 1000) - 1
  return seconds > 0 ? `timeout=${seconds}` : undefined
}

/** One listening socket. Its live part can be replaced at any moment; its bind, once opened, can't. */
export class Listener implements ServerOwner {
  readonly bind: Bind
  readonly secure: boolean
  readonly #server: HttpServer
  readonly #shared: Shared
  /** Beneath TLS, or before their PROXY header: nobody else knows those that never get through, and they would outlive a drain. */
  readonly #raw = new Set<Socket>()
  #name: string
  #live: ListenerLive
  #proxied: Proxied | undefined
  #tls: ServerTls | undefined
  #draining = false
  #maxRequests = Number.POSITIVE_INFINITY
  #accepted = 0
  /** Read by metrics; plain numbers, so that counting costs nothing. */
  #counters: ListenerCounters = { connections: 0, inFlight: 0 }
  #idle: (() => void) | undefined

  constructor(config: ListenerConfig, live: ListenerLive, tls: ServerTls | undefined, shared: Shared) {
    this.#name = config.name
    this.bind = config.bind
    this.secure = tls !== undefined
    this.#live = this.#liveOf(config, live)
    this.#tls = tls
    this.#shared = shared
    this.#maxRequests = config.limits.requests
    this.#server = new HttpServer(config.limits, tls?.options, this)
    const { net } = this.#server
    net.on('drop', () => shared.turnedAway(this.name, net.maxConnections))
    if (tls) this.#takeSecure(net as TlsServer, tls)
    else net.on('connection', (socket: Socket) => this.#accept(socket, () => this.#server.serve(socket)))
  }

  get name(): string {
    return this.#name
  }

  /** Resolves once it listens. @throws CannotListen */
  async listen(sharing?: SharedPort): Promise<AddressInfo | string> {
    await listenOn(this.#server.net, this.bind, sharing)
    this.#tellErrors()
    return this.#server.net.address() ?? ''
  }

  /** Listens in the place of another, which accepts nothing any more and is to be drained. */
  succeed(old: Listener): void {
    this.#tellErrors()
    takeOver(this.#server.net, old.#server.net, BACKLOG)
    // The old one is idle when its own requests have ended.
    old.#counters = { ...old.#counters }
  }

  #tellErrors(): void {
    this.#server.net.on('error', error => this.#shared.fault(`listener ${this.name}`, error))
  }

  /** Takes on a new config with the same bind. Open connections stay. */
  update(config: ListenerConfig, live: ListenerLive, tls: ServerTls | undefined): void {
    this.#name = config.name
    this.#live = this.#liveOf(config, live)
    const before = this.#tls?.trust
    if (tls) this.#tls?.update(tls, this.#server.net as TlsServer)
    const trust = this.#tls?.trust
    if (trust !== undefined && trust !== before)
      void dismissDistrusted(this.#server.connections, trust, () => this.#tls?.trust).catch(error =>
        this.#shared.fault(`listener ${this.name}`, error),
      )
    this.#maxRequests = config.limits.requests
    this.#server.limits = config.limits
  }

  /** Puts certificates in force that a CA has issued since. @throws TlsProblem; then the old ones still are */
  renew(): void {
    this.#tls?.renew(this.#server.net as TlsServer)
  }

  get port(): number | undefined {
    const address = this.#server.net.address()
    return address === null || typeof address === 'string' ? undefined : address.port
  }

  /** Whether this TLS can be put in force on the server that is there; else another succeeds it. */
  accepts(tls: ServerTls | undefined): boolean {
    return (
      (tls?.trust === undefined) === (this.#tls?.trust === undefined) &&
      (tls === undefined) === (this.#tls === undefined)
    )
  }

  /** Hands in the counters that metrics read; what was counted so far is carried over. */
  count(counters: ListenerCounters): void {
    if (counters === this.#counters) return
    counters.connections = this.#counters.connections
    counters.inFlight = this.#counters.inFlight
    this.#counters = counters
  }

  /**
   * Stops accepting, lets requests end and keep-alive connections make their last one, then closes.
   *
   * @param graceMs after which what is left is cut.
   */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    await this.#acceptAll(performance.now() + Math.min(ACCEPT_MS, graceMs))
    this.#server.net.close()
    const deadline = performance.now() + graceMs
    const quiet = Math.min(1_000, graceMs / 2)
    await this.#untilIdle(quiet, deadline)
    this.#server.closeIdle()
    await this.#untilIdle(0, deadline)
    this.#server.closeAll()
    for (const socket of this.#raw) socket.destroy()
  }

  /** Takes the connections that the kernel holds: it resets them when the socket closes, with the requests on them. */
  async #acceptAll(deadline: number): Promise<void> {
    let before = -1
    while (before !== this.#accepted && performance.now() < deadline) {
      before = this.#accepted
      // Node accepts one connection in each turn of the loop; the first turn may be the one that is ending.
      for (let turn = 0; turn < 2; turn++) await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** What proxies said outlives a reload, as their connections do. */
  #liveOf({ limits }: ListenerConfig, live: ListenerLive): ListenerLive {
    if (live.proxies !== undefined) this.#proxied ??= new Proxied()
    return { ...live, proxied: this.#proxied, keepAlive: keepAliveOf(limits.idle) }
  }

  /** Hands on a connection that was accepted, once its PROXY header is read where it is to have one. */
  #accept(socket: Socket, take: () => void): void {
    this.#accepted++
    if (this.#proxied === undefined || !speaksProxy(socket, this.#live.proxies)) {
      take()
      return
    }
    this.#watch(socket)
    this.#proxied.await(socket, this.#server.limits.head, take, fault =>
      this.#recordRefusal(socket, refuse('request.proxy-header', { rule: fault.rule }), 0),
    )
  }

  #watch(socket: Socket): void {
    if (this.#raw.has(socket)) return
    this.#raw.add(socket)
    socket.on('close', () => this.#raw.delete(socket))
  }

  /** TLS begins with what Node does with a connection that it has accepted. */
  #takeSecure(server: TlsServer, tls: ServerTls): void {
    tls.attend(server)
    const [begin] = server.listeners('connection')
    if (begin === undefined) throw new Error('the server takes no connections')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (this.#isNobodys(socket)) {
        socket.destroy()
        return
      }
      this.#watch(socket)
      this.#accept(socket, () => begin.call(server, socket))
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      // What OpenSSL finds wrong with a client's chain stays in this thread's list of errors, and the next read of a
      // connection would take it for its own fault. Asking for the certificate empties the list.
      if (this.#tls?.trust) socket.getPeerX509Certificate()
      if (isValidation(socket)) socket.end(() => socket.destroy())
      else this.#server.serve(socket)
    })
  }

  opened({ socket }: HttpConnection): void {
    this.#counters.connections++
    if (this.#isNobodys(socket)) socket.destroy()
  }

  /**
   * Whether the kernel can't tell any more whom a connection is from: it was reset before it was taken. What it has sent could
   * still be read, and would count as sent from this host. The first look is the one that Node keeps.
   */
  #isNobodys(socket: Socket): boolean {
    return !('unix' in this.bind) && socket.remoteAddress === undefined
  }

  closed(): void {
    this.#counters.connections--
  }

  async #untilIdle(atLeastMs: number, deadline: number): Promise<void> {
    const until = performance.now() + atLeastMs
    while (performance.now() < deadline && this.#open > 0) {
      if (this.#counters.inFlight === 0 && performance.now() >= until && this.#written()) return
      await new Promise<void>(resolve => {
        this.#idle = resolve
        setTimeout(resolve, 20)
      })
    }
  }

  get #open(): number {
    return this.#server.connections.size + this.#raw.size
  }

  /** Whether the kernel has every answer. */
  #written(): boolean {
    for (const { socket } of this.#server.connections) if (socket.writableLength > 0) return false
    return true
  }

  /** Any other Upgrade field is the sender's wish, and answered as if it were not there (RFC 9110 section 7.8). */
  #mayUpgrade(req: Incoming): boolean {
    if (!req.upgrade || !this.#live.websockets || req.method !== 'GET') return false
    return new Headers(req.fields).all('upgrade').join().toLowerCase() === 'websocket'
  }

  request(req: Incoming): void {
    const exchange = new Exchange(this.name, this.#live, this.#shared, req)
    if (req.waitsToContinue && !CONTINUE.test(req.expect)) {
      exchange.refuse(refuse('request.expectation'))
      return
    }
    if (this.#counters.inFlight >= this.#maxRequests) {
      exchange.refuse(refuse('gateway.overloaded', { 'under-way': this.#counters.inFlight }))
      return
    }
    this.#counters.inFlight++
    // The trust in force now, and not the one of the handshake.
    const trust = this.#tls?.trust
    const certificate = trust && ((socket: TLSSocket) => clientCertificateOf(socket, trust))
    // Nothing in it may throw; if it does, this request ends without an answer and no other is touched.
    const failed = (error: unknown): void => {
      this.#shared.fault('request', error)
      req.socket.destroy()
      this.#ended()
    }
    let late: Promise<void> | undefined
    try {
      const upgrading = this.#mayUpgrade(req)
      // An upgrade that is refused is the last request on its connection.
      late = exchange.run(certificate, upgrading ? ALWAYS : this.#isDraining, upgrading)
    } catch (error) {
      failed(error)
      return
    }
    if (late === undefined) this.#ended()
    else late.then(this.#ended, failed)
  }

  readonly #isDraining = (): boolean => this.#draining

  readonly #ended = (): void => {
    this.#counters.inFlight--
    if (this.#counters.inFlight === 0) this.#idle?.()
  }

  failed(socket: Socket, error: NodeJS.ErrnoException): void {
    const { code = '' } = error
    if (code === 'ERR_SSL_HTTP_REQUEST') this.#tellPlain(socket)
    else if (this.secure && /^ERR_(SSL|TLS)_/.test(code)) {
      const { message, mend } = explainHandshake(error)
      this.#recordRefusal(socket, refuse('request.handshake', { handshake: message, mend: mend ?? null, code }), 0)
    }
    // Any other only opened and closed, or was reset: it made no request.
    socket.destroy()
  }

  /** A sender whose URL says http: in the answer it reads so. */
  #tellPlain(socket: Socket): void {
    const refusal = refuse('request.plain-http')
    const id = requestId(this.#shared.clock.now())
    const text = problemBody(refusal, id)
    const answered = answerBelowTls(socket, refusal.spec.status, problemFields(id), text)
    this.#recordRefusal(socket, refusal, answered ? text.length : 0, id)
  }

  unreadable(connection: HttpConnection, fault: ParserFault | 'timeout', bytes: Buffer): void {
    const timeout = fault === 'timeout'
    const spoke = spokenInstead(bytes)
    const evidence = { parser: timeout ? TIMEOUT : fault.code, ...(spoke === undefined ? {} : { spoke }) }
    this.#answerRaw(connection, refuse(timeout ? 'request.timeout' : parserRefusal(fault.code), evidence))
  }

  /** Answers what never became a request. */
  #answerRaw(connection: HttpConnection, refusal: Refusal): void {
    const { socket } = connection
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const id = requestId(this.#shared.clock.now())
    const text = problemBody(refusal, id)
    connection.end(refusal.spec.status, problemFields(id), text)
    this.#recordRefusal(socket, refusal, text.length, id)
  }

  /** Tells of what was refused before it was a request. @param bytes that were answered; 0 where none were */
  #recordRefusal(socket: Socket, refusal: Refusal, bytes: number, id = requestId(this.#shared.clock.now())): void {
    const { capturing, record: tell } = this.#shared
    const source = sourceOf(socket, this.#live.proxied?.of(socket)).text
    const result = { route: undefined, walk: undefined, stop: refusal, answer: undefined, upstreamMs: 0 }
    const code = capturing.wants(result, source)
    const record = auditOf({
      id,
      listener: this.name,
      method: '',
      path: '',
      source,
      result,
      status: bytes === 0 ? 0 : refusal.spec.status,
      bytesIn: 0,
      bytesOut: bytes,
      totalMs: 0,
      captured: code !== undefined,
    })
    if (code !== undefined)
      capturing.keep(code, { req: undefined, context: undefined, result, body: undefined }, record)
    tell(record)
  }
}

const problemFields = (id: string): string[] => ['Content-Type', 'application/problem+json', 'X-Request-Id', id]

const ALWAYS = (): boolean => true
/** As Node names it. */
const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT'
