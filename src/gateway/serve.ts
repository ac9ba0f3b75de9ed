import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../core/client-certificate.ts'
import type { ReplyHeaders } from '../core/decision.ts'
import { Headers } from '../core/headers.ts'
import { requestId } from '../core/request-id.ts'
import type { UpstreamFailure } from '../forward/upstream.ts'
import type { Tunnel } from '../forward/websocket.ts'
import type { AuditRecord } from '../observe/audit.ts'
import type { RequestTrace } from '../observe/otlp/tracing.ts'
import { RequestContext } from '../pipeline/context.ts'
import { handle, type Result } from '../pipeline/handle.ts'
import { type Refusal, refuse } from '../pipeline/walk.ts'
import { isEncrypted } from '../tls/encrypted.ts'
import { auditOf } from './audit.ts'
import type { Incoming } from './http/incoming.ts'
import { joinWebSocket } from './join.ts'
import type { ListenerLive, Shared } from './live.ts'
import { type Origin, originOf, sourceOf } from './peer.ts'
import { checkHead, POLICY_CODE, PolicyFault } from './policy.ts'
import { type Connection, replyAnswer, replyItself, replyRefusal } from './reply.ts'
import { RequestBody } from './request-body.ts'

/** One request of one connection, from its head to its record. */
export class Exchange {
  readonly id: string
  readonly #listener: string
  readonly #live: ListenerLive
  readonly #shared: Shared
  readonly #req: Incoming
  readonly #startedAt: number
  readonly #receivedAt: number
  #body: RequestBody | undefined
  #trace: RequestTrace | undefined

  constructor(listener: string, live: ListenerLive, shared: Shared, req: Incoming) {
    this.#listener = listener
    this.#live = live
    this.#shared = shared
    this.#req = req
    this.#startedAt = shared.clock.monotonic()
    this.#receivedAt = shared.clock.now()
    this.id = requestId(this.#receivedAt)
  }

  /** @returns `undefined` where it is answered already */
  run(
    certificate: ((socket: TLSSocket) => ClientCertificate | undefined) | undefined,
    closing: () => boolean,
    upgrading: boolean,
  ): Promise<void> | undefined {
    const req = this.#req
    const socket = req.socket
    const headers = new Headers(req.fields)
    const encrypted = isEncrypted(socket)
    const facts = checkHead(req.method, req.target, req.version, headers, this.#live.maxHeaders)
    const origin: Origin | PolicyFault = originOf(
      socket,
      encrypted,
      headers,
      this.#live.trusted,
      this.#live.proxied?.of(socket),
    )
    if (facts instanceof PolicyFault || origin instanceof PolicyFault) {
      const fault = facts instanceof PolicyFault ? facts : (origin as PolicyFault)
      this.#unfit(refuse(POLICY_CODE[fault.kind], { rule: fault.rule }), origin)
      return undefined
    }
    const carried = origin.byProxy ? this.#live.carried?.read(headers, this.#receivedAt) : undefined
    if (carried instanceof PolicyFault) {
      this.#unfit(refuse('request.malformed', { rule: carried.rule }), origin)
      return undefined
    }
    this.#trace = this.#startTrace(headers, origin.byProxy)
    this.#body = new RequestBody(req, facts.contentLength, upgrading)
    const context = new RequestContext({
      id: this.id,
      receivedAt: this.#receivedAt,
      listener: this.#listener,
      encrypted: origin.encrypted,
      method: req.method,
      target: req.target,
      path: facts.path,
      query: facts.query,
      host: facts.host,
      authority: facts.authority,
      serverName: isEncrypted(socket) ? serverNameOf(socket) : undefined,
      headers,
      source: origin.source,
      peer: origin.peer,
      contentLength: facts.contentLength,
      trace: this.#trace,
      certificate: this.#certificateOf(socket, origin.byProxy, carried, certificate),
    })
    const proof = this.#live.challenges?.answerTo(context.method, context.target)
    const result =
      proof === undefined ? handle(context, this.#body, this.#live.table, this.#shared.clock) : acmeResult(proof)
    return result instanceof Promise
      ? result.then(late => this.#answer(context, late, closing))
      : this.#answer(context, result, closing)
  }

  #answer(context: RequestContext, result: Result, closing: () => boolean): Promise<void> | undefined {
    return result.answer?.ok && result.answer.tunnel
      ? this.#join(context, result, result.answer.tunnel)
      : this.#reply(context, result, closing)
  }

  /** Where proxies carry certificates, a proxy's own is nobody's: it speaks for another. */
  #certificateOf(
    socket: Socket,
    byProxy: boolean,
    carried: ClientCertificate | undefined,
    own: ((socket: TLSSocket) => ClientCertificate | undefined) | undefined,
  ): (() => ClientCertificate | undefined) | undefined {
    if (byProxy && this.#live.carried !== undefined) return () => carried
    return own && isEncrypted(socket) ? () => own(socket) : undefined
  }

  /** Refuses without the pipeline: nothing can be routed that is no request. */
  refuse(refusal: Refusal): void {
    this.#unfit(refusal)
  }

  /** @param origin where it is known: else the source is the connection's */
  #unfit(refusal: Refusal, origin?: Origin | PolicyFault): void {
    // Where this request ends can't be trusted, so nothing that follows on the connection is read as one.
    this.#req.connection.broken = true
    this.#req.drop()
    const bytesOut = replyRefusal(this.#connection(true), refusal, this.id)
    const known = origin === undefined || origin instanceof PolicyFault ? undefined : origin.source
    const { socket } = this.#req
    const source = (known ?? sourceOf(socket, this.#live.proxied?.of(socket))).text
    const result = { route: undefined, walk: undefined, stop: refusal, answer: undefined, upstreamMs: 0 }
    const code = this.#shared.capturing.wants(result, source)
    this.#record(undefined, source, result, refusal.spec.status, bytesOut, code)
  }

  /** @param code that it is kept under; `undefined`: it is not kept. */
  #record(
    context: RequestContext | undefined,
    source: string,
    result: Result,
    status: number,
    bytesOut: number,
    code: string | undefined,
  ): void {
    const record = auditOf({
      id: this.id,
      listener: this.#listener,
      method: this.#req.method,
      path: context?.path ?? pathOf(this.#req.target),
      source,
      result,
      status,
      bytesIn: this.#body?.received ?? 0,
      bodyless: this.#body?.isEmpty ?? false,
      bytesOut,
      totalMs: this.#shared.clock.monotonic() - this.#startedAt,
      captured: code !== undefined,
    })
    if (code !== undefined)
      this.#shared.capturing.keep(code, { req: this.#req, context, result, body: this.#body }, record)
    this.#shared.record(record)
    this.#endTrace(record, context, result)
  }

  #reply(context: RequestContext, result: Result, closing: () => boolean): Promise<void> | undefined {
    const { stop, answer, walk } = result
    const extra = walk?.headers ?? NO_HEADERS
    const code = this.#shared.capturing.wants(result, context.source.text)
    // Before the answer: after it, what still comes is thrown away.
    if (code !== undefined) this.#shared.capturing.collectRest(this.id, this.#body)
    // Nobody is left to be answered; the record says so.
    const gone = this.#req.socket.destroyed
    const done = (status: number, bytes: number): Promise<void> | undefined =>
      this.#finish(context, result, gone ? 0 : status, bytes, code)

    if (stop?.kind === 'reply') {
      const { status, headers, body } = stop.reply
      return done(status, replyItself(this.#connection(closing()), status, [...extra, ...headers], body, this.id))
    }
    if (answer?.ok) {
      const bytes = replyAnswer(this.#connection(closing()), answer, extra, this.id)
      return bytes instanceof Promise ? bytes.then(late => done(answer.status, late)) : done(answer.status, bytes)
    }
    const refusal = stop ?? failed(answer)
    const broken = refusal.code === 'request.malformed' || refusal.code === 'request.timeout'
    return done(refusal.spec.status, replyRefusal(this.#connection(broken || closing()), refusal, this.id))
  }

  /** Both ends speak with each other from here on; the request ends with the first of them. */
  async #join(context: RequestContext, result: Result, tunnel: Tunnel): Promise<void> {
    const key = context.headers.one('sec-websocket-key') ?? ''
    const bytes = await joinWebSocket(this.#req, key, result.answer, tunnel, this.id)
    if (this.#body) this.#body.received = bytes.received
    await this.#finish(context, result, 101, bytes.sent, undefined)
  }

  #finish(
    context: RequestContext,
    result: Result,
    status: number,
    bytesOut: number,
    code: string | undefined,
  ): Promise<void> | undefined {
    const { answer, walk } = result
    this.#record(context, context.source.text, result, status, bytesOut, code)
    if (!walk?.hasSettles) return undefined
    return walk
      .settle(answer?.ok && answer.status < 300 ? 'delivered' : 'not-delivered')
      .catch(error => this.#shared.fault('settle', error))
  }

  /** A trace is continued for those who are trusted with the source as well, and for nobody else. */
  #startTrace(headers: Headers, byProxy: boolean): RequestTrace | undefined {
    const { tracing } = this.#live
    if (tracing === undefined || !byProxy) return tracing?.start()
    return tracing.start(headers.one('traceparent') ?? undefined, headers.all('tracestate').join(','))
  }

  #endTrace(record: AuditRecord, context: RequestContext | undefined, { sentAt }: Result): void {
    const trace = this.#trace ?? this.#live.tracing?.start()
    if (trace === undefined) return
    const facts = {
      encrypted: context?.encrypted ?? isEncrypted(this.#req.socket),
      authority: context?.authority ?? '',
      version: this.#req.version,
      sentMs: sentAt === undefined ? undefined : sentAt - this.#startedAt,
    }
    trace.end(record, facts, this.#shared.clock.now())
  }

  #connection(close: boolean): Connection {
    return { req: this.#req, body: this.#body, close, keepAlive: this.#live.keepAlive }
  }
}

const NO_HEADERS: ReplyHeaders = []

/** RFC 8555 section 8.3. */
function acmeResult(body: string): Result {
  const headers: ReplyHeaders = [['Content-Type', 'application/octet-stream']]
  const stop = { kind: 'reply', reply: { ok: 'reply', status: 200, headers, body, reason: 'acme-challenge' } } as const
  return { route: undefined, walk: undefined, stop, answer: undefined, upstreamMs: 0 }
}

function failed(answer: UpstreamFailure | undefined): Refusal {
  const refusal = refuse(answer?.code ?? 'gateway.fault', undefined, answer?.headers)
  return answer?.detail === undefined ? refusal : { ...refusal, detail: answer.detail }
}

function serverNameOf({ servername }: TLSSocket): string | undefined {
  return servername ? servername.toLowerCase() : undefined
}

/** For the log: a target may hold credentials in its query. */
function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return (mark < 0 ? target : target.slice(0, mark)).slice(0, 256)
}
