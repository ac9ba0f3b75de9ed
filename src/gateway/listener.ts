import type { Server as HttpServer, ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https'
import { type AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Bind, ListenerConfig } from '../config/model.ts'
import { Headers } from '../core/headers.ts'
import { http } from '../core/http.ts'
import { requestId } from '../core/request-id.ts'
import type { ListenerCounters } from '../observe/metrics.ts'
import { type Refusal, refuse } from '../pipeline/walk.ts'
import { isValidation } from '../tls/acme/alpn.ts'
import { explainHandshake } from '../tls/handshake.ts'
import { clientCertificateOf } from '../tls/identity.ts'
import type { ServerTls } from '../tls/server.ts'
import { auditOf } from './audit.ts'
import { dismissDistrusted } from './dismiss.ts'
import { HTTP_OPTIONS, keepAliveOf } from './http-options.ts'
import type { Incoming } from './incoming.ts'
import type { ListenerLive, Shared } from './live.ts'
import { speaksProxy } from './peer.ts'
import { Proxied } from './proxied.ts'
import { rawAnswer, rawCode } from './raw-answer.ts'
import { problemBody } from './reply.ts'
import { busyOf, Exchange } from './serve.ts'
import { spokenInstead } from './spoken-instead.ts'
import { takeOver } from './take-over.ts'
import { BACKLOG, listenOn, type SharedPort } from './unix.ts'

/** How long a closing listener takes connections that wait for it, where there is no end of them. Milliseconds. */
const ACCEPT_MS = 500

type Server = HttpServer<typeof Incoming>
type TlsServer = HttpsServer<typeof Incoming>

/** One listening socket. Its live part can be replaced at any moment; its bind, once opened, can't. */
export class Listener {
  readonly bind: Bind
  readonly secure: boolean
  readonly #server: Server | TlsServer
  readonly #shared: Shared
  readonly #sockets = new Set<Duplex>()
  #name: string
  #live: ListenerLive
  #proxied: Proxied | undefined
  #headMs: number
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
    this.#headMs = config.limits.head
    this.#tls = tls
    this.#shared = shared
    const upgrades = { shouldUpgradeCallback: (req: Incoming) => this.#mayUpgrade(req) }
    this.#server = tls
      ? createTlsServer({ ...HTTP_OPTIONS, ...upgrades, ...tls.options, handshakeTimeout: config.limits.head })
      : http.createServer({ ...HTTP_OPTIONS, ...upgrades })
    tls?.attend(this.#server as TlsServer)
    // No count: Node drops fields beyond it unseen, and our policy would judge what is left.
    this.#server.maxHeadersCount = 0
    // Node would end the connection of a sender that has ended its side, and the answer that is due with it.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    this.#apply(config)
    const serve = (expects: boolean) => (req: Incoming, res: ServerResponse) => this.#serve(req, res, expects)
    this.#server.on('request', serve(false))
    this.#server.on('checkContinue', serve(true))
    this.#server.on('checkExpectation', (req, res) => this.#exchange(req, res).refuse(refuse('request.expectation')))
    this.#server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head))
    this.#server.on('clientError', (error, socket) => this.#clientError(error, socket))
    this.#server.on('timeout', (socket: Socket) => {
      // Nothing moved for a while: not our client's fault only where it waits for an answer that is not there yet.
      if (busyOf(socket).active === 0 || socket.writableLength > 0) socket.destroy()
    })
    this.#server.on(this.secure ? 'secureConnection' : 'connection', (socket: Duplex) => {
      if (isValidation(socket)) {
        socket.end(() => socket.destroy())
        return
      }
      this.#accepted++
      this.#sockets.add(socket)
      this.#counters.connections++
      // One for both, as every idle connection holds it.
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#counters.connections--
      })
    })
    // Of a connection that never ends its handshake nobody else knows; it would outlive the drain.
    if (this.secure)
      this.#server.on('connection', (socket: Duplex) => {
        this.#accepted++
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
      })
    this.#readProxyHeaders()
    // Node answers CONNECT by closing the connection where nobody listens for it.
    this.#server.on('dropRequest', (_req, socket) => socket.destroy())
  }

  get name(): string {
    return this.#name
  }

  /** Resolves once it listens. @throws the system's error, e.g. EADDRINUSE. */
  async listen(sharing?: SharedPort): Promise<AddressInfo | string> {
    await listenOn(this.#server, this.bind, sharing)
    this.#tellErrors()
    return this.#server.address() ?? ''
  }

  /** Listens in the place of another, which accepts nothing any more and is to be drained. */
  succeed(old: Listener): void {
    this.#tellErrors()
    takeOver(this.#server, old.#server, BACKLOG)
    // The old one is idle when its own requests have ended.
    old.#counters = { ...old.#counters }
  }

  #tellErrors(): void {
    this.#server.on('error', error => this.#shared.fault(`listener ${this.name}`, error))
  }

  /** Takes on a new config with the same bind. Open connections stay. */
  update(config: ListenerConfig, live: ListenerLive, tls: ServerTls | undefined): void {
    this.#name = config.name
    this.#live = this.#liveOf(config, live)
    const before = this.#tls?.trust
    if (tls) this.#tls?.update(tls, this.#server as TlsServer)
    const trust = this.#tls?.trust
    if (trust !== undefined && trust !== before)
      void dismissDistrusted(this.#sockets, trust, () => this.#tls?.trust).catch(error =>
        this.#shared.fault(`listener ${this.name}`, error),
      )
    this.#apply(config)
  }

  /** Puts certificates in force that a CA has issued since. @throws TlsProblem; then the old ones still are */
  renew(): void {
    this.#tls?.renew(this.#server as TlsServer)
  }

  get port(): number | undefined {
    const address = this.#server.address()
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
    // http's own close() would cut idle connections at once, together with the request that is just arriving on one.
    NetServer.prototype.close.call(this.#server)
    const deadline = performance.now() + graceMs
    const quiet = Math.min(1_000, graceMs / 2)
    await this.#untilIdle(quiet, deadline)
    this.#server.closeIdleConnections()
    await this.#untilIdle(0, deadline)
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
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

  /** Puts the reading of the PROXY header before what Node does with a connection that it has accepted. */
  #readProxyHeaders(): void {
    const [accept, ...others] = this.#server.listeners('connection')
    if (accept === undefined) throw new Error('the server takes no connections')
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket: Socket) => {
      if (this.#proxied === undefined || !speaksProxy(socket, this.#live.proxies)) {
        accept.call(this.#server, socket)
        return
      }
      this.#proxied.await(
        socket,
        this.#headMs,
        () => accept.call(this.#server, socket),
        fault => this.#recordRefusal(socket, refuse('request.proxy-header', { rule: fault.rule }), 0),
      )
    })
    for (const other of others) this.#server.on('connection', other as (socket: Socket) => void)
  }

  async #untilIdle(atLeastMs: number, deadline: number): Promise<void> {
    const until = performance.now() + atLeastMs
    while (performance.now() < deadline && this.#sockets.size > 0) {
      if (this.#counters.inFlight === 0 && performance.now() >= until && this.#written()) return
      await new Promise<void>(resolve => {
        this.#idle = resolve
        setTimeout(resolve, 20)
      })
    }
  }

  /** Whether the kernel has every answer: Node takes a connection whose answer still waits for a slow reader for idle. */
  #written(): boolean {
    for (const socket of this.#sockets) if (socket.writableLength > 0) return false
    return true
  }

  #apply(config: ListenerConfig): void {
    this.#server.maxConnections = config.limits.connections
    this.#maxRequests = config.limits.requests
    this.#headMs = config.limits.head
    this.#server.headersTimeout = config.limits.head
    this.#server.requestTimeout = config.limits.request
    // Node would set another timer with each answer and each request. That of the connection, which is put off whenever
    // something moves, does for both.
    this.#server.keepAliveTimeout = 0
    if (this.#server.timeout !== config.limits.idle)
      for (const socket of this.#sockets)
        if (socket instanceof Socket && socket.timeout) socket.setTimeout(config.limits.idle)
    this.#server.timeout = config.limits.idle
    // Read for each new connection; Node's types know it as an option only.
    Object.assign(this.#server, { maxHeaderSize: config.limits.headBytes })
  }

  #exchange(req: Incoming, res: ServerResponse): Exchange {
    return new Exchange(this.name, this.#live, this.#shared, req, res)
  }

  /** Any other Upgrade field is the sender's wish, and answered as if it were not there (RFC 9110 section 7.8). */
  #mayUpgrade(req: Incoming): boolean {
    if (!this.#live.websockets || req.method !== 'GET') return false
    return new Headers(req.rawHeaders).all('upgrade').join().toLowerCase() === 'websocket'
  }

  #upgrade(req: Incoming, socket: Duplex, head: Buffer): void {
    // Node has let go of the socket: a refusal is written as for any request, and is the last on this connection.
    socket.on('error', () => socket.destroy())
    const res = new http.ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(req.socket)
    res.on('finish', () => req.socket.end(() => req.socket.destroy()))
    this.#serve(req, res, false, head)
  }

  #serve(req: Incoming, res: ServerResponse, expectsContinue: boolean, upgrade?: Buffer): void {
    // What follows something unreadable is not believed to be a request; the connection ends with the answer that is due.
    if (busyOf(req.socket).broken) return
    if (this.#counters.inFlight >= this.#maxRequests) {
      this.#exchange(req, res).refuse(refuse('gateway.overloaded', { 'under-way': this.#counters.inFlight }))
      return
    }
    this.#counters.inFlight++
    // The trust in force now, and not the one of the handshake.
    const trust = this.#tls?.trust
    const certificate = trust && ((socket: TLSSocket) => clientCertificateOf(socket, trust))
    // Nothing in it may throw; if it does, this request ends without an answer and no other is touched.
    const failed = (error: unknown): void => {
      this.#shared.fault('request', error)
      res.destroy()
      this.#ended()
    }
    let late: Promise<void> | undefined
    try {
      late = this.#exchange(req, res).run(
        certificate,
        expectsContinue,
        upgrade === undefined ? this.#isDraining : ALWAYS,
        upgrade,
      )
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

  #clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const code = error.code ?? ''
    const timeout = code === 'ERR_HTTP_REQUEST_TIMEOUT'
    const busy = busyOf(socket as Socket)
    if (busy.active > 0) {
      busy.broken = true
      busy.latest?.fail(timeout ? 'timeout' : 'malformed')
      return
    }
    // What is left of a request that has its answer: another would be taken for the next one's.
    if (busy.unread) {
      socket.end(() => socket.destroy())
      return
    }
    if (this.secure && /^ERR_(SSL|TLS)_/.test(code)) {
      const { message, mend } = explainHandshake(error)
      this.#recordRefusal(
        socket as Socket,
        refuse('request.handshake', { handshake: message, mend: mend ?? null, code }),
        0,
      )
      socket.destroy()
      return
    }
    // A connection that only opened and closed, or was reset, made no request.
    if (code === 'ECONNRESET' || code === 'EPIPE' || !socket.writable) {
      socket.destroy()
      return
    }
    const spoke = spokenInstead(error)
    const evidence = { parser: code || error.message, ...(spoke === undefined ? {} : { spoke }) }
    this.#answerRaw(socket as Socket, refuse(rawCode(code, timeout), evidence))
  }

  /** Answers what never became a request, on the bare socket. */
  #answerRaw(socket: Socket, refusal: Refusal): void {
    const id = requestId(this.#shared.clock.now())
    const text = problemBody(refusal, id)
    socket.end(rawAnswer(refusal.spec.status, text, id))
    setTimeout(() => socket.destroy(), 1_000).unref()
    this.#recordRefusal(socket, refusal, text.length, id)
  }

  /** Tells of what was refused before it was a request. @param bytes that were answered; 0 where none were */
  #recordRefusal(socket: Socket, refusal: Refusal, bytes: number, id = requestId(this.#shared.clock.now())): void {
    const { capturing, record: tell } = this.#shared
    const source = socket.remoteAddress ?? 'unix'
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

const ALWAYS = (): boolean => true
