import { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { type Deadline, Deadlines } from './deadlines.ts'
import { HOP_BY_HOP } from './hop-by-hop.ts'
import type { Outbound } from './normalise.ts'

/** The upstream's answer; the body is whole where it is small, and a stream where it is not. */
export interface UpstreamAnswer {
  readonly ok: true
  readonly status: number
  /** Name, value, name, value, ... without hop-by-hop fields. */
  readonly headers: string[]
  readonly body: Buffer | Readable
}

/** No answer. Nothing is ever sent a second time from here. */
export interface UpstreamFailure {
  readonly ok: false
  readonly code: 'forward.unreachable' | 'forward.timeout' | 'forward.malformed'
  /** For the operator: what the socket, TLS or the parser said. */
  readonly message: string
}

export type UpstreamResult = UpstreamAnswer | UpstreamFailure

/** Up to here an answer is held back until it has ended, so that a broken one becomes a 502 and not half an answer. */
const WHOLE_BYTES = 256 * 1024
const CONNECTIONS = 256

/** Fields that end at this hop (RFC 9110 section 7.6.1), and two that only tell strangers what runs behind the gate. */
const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'content-length',
  'date',
  'server',
  'x-powered-by',
  'x-request-id',
  'alt-svc',
])

/** One origin's pooled keep-alive connections, with its deadlines. */
export class Upstream {
  readonly #pool: Pool
  readonly #origin: string
  readonly #deadlines: Deadlines

  /** @param timeout milliseconds: until the connection stands; until the answer has ended, waiting included. */
  constructor(origin: string, timeout: { readonly connect: number; readonly response: number }) {
    this.#origin = origin
    this.#deadlines = new Deadlines(timeout.response)
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: timeout.connect },
      // Below the idle limit of most servers, so that a connection is seldom used while the other side closes it.
      keepAliveTimeout: 4_000,
      keepAliveMaxTimeout: 60_000,
      // The deadline below covers everything; two more timers a request would buy nothing.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  send(outbound: Outbound): Promise<UpstreamResult> {
    return new Promise(resolve => {
      const exchange = new Exchange(outbound.method, this.#deadlines, resolve)
      try {
        this.#pool.dispatch(
          {
            origin: this.#origin,
            method: outbound.method as Dispatcher.HttpMethod,
            path: outbound.path,
            headers: outbound.headers,
            body: outbound.body ?? null,
            // The default would send a GET again whose connection broke.
            idempotent: false,
          },
          exchange,
        )
      } catch (error) {
        exchange.onResponseError(undefined, error as Error)
      }
    })
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  destroy(): Promise<void> {
    return this.#pool.destroy()
  }
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

class Exchange implements Dispatcher.DispatchHandler {
  readonly #method: string
  readonly #deadlines: Deadlines
  readonly #deadline: Deadline
  #resolve: ((result: UpstreamResult) => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: string[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  #stream: Readable | undefined

  constructor(method: string, deadlines: Deadlines, resolve: (result: UpstreamResult) => void) {
    this.#method = method
    this.#resolve = resolve
    this.#deadlines = deadlines
    this.#deadline = deadlines.start(this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The deadline passed while this request waited for a connection: it was answered, so it must not be sent.
    if (this.#resolve === undefined) controller.abort(new Error('the deadline has passed'))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // 100 and 103 precede the answer.
    if (status < 200) return
    this.#status = status
    this.#headers = clean(headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream) {
      if (!this.#stream.push(chunk)) controller.pause()
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > WHOLE_BYTES) this.#startStream(controller)
  }

  onResponseEnd(): void {
    this.#deadlines.stop(this.#deadline)
    if (this.#stream) {
      this.#stream.push(null)
      return
    }
    const [only] = this.#chunks
    const body = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#bytes)
    this.#settle({ ok: true, status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#deadlines.stop(this.#deadline)
    if (this.#stream) this.#stream.destroy(error)
    else this.#settle(failure(error))
  }

  #startStream(controller: Dispatcher.DispatchController): void {
    const stream = new Readable({
      highWaterMark: WHOLE_BYTES,
      read: () => controller.resume(),
      destroy: (error, done) => {
        // The client went away, or the upstream did: either way the connection can't be used again.
        if (!stream.readableEnded) controller.abort(error ?? new Error('the client closed the connection'))
        this.#deadlines.stop(this.#deadline)
        done(error)
      },
    })
    this.#stream = stream
    for (const chunk of this.#chunks) stream.push(chunk)
    this.#chunks = []
    controller.pause()
    this.#settle({ ok: true, status: this.#status, headers: this.#headers, body: stream })
  }

  expire(deadlineMs: number): void {
    const message = `${this.#method}: no whole answer within ${deadlineMs} ms`
    if (this.#stream) this.#stream.destroy(new Error(message))
    this.#settle({ ok: false, code: 'forward.timeout', message })
    this.#controller?.abort(new Error(message))
  }

  #settle(result: UpstreamResult): void {
    this.#resolve?.(result)
    this.#resolve = undefined
  }
}

function clean(headers: Headers): string[] {
  const named = headers.connection
  const hop =
    named === undefined
      ? undefined
      : new Set(
          String(named)
            .toLowerCase()
            .split(/[ \t]*,[ \t]*/),
        )
  const kept: string[] = []
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || DROPPED.has(name) || hop?.has(name)) continue
    if (typeof value === 'string') kept.push(name, value)
    else for (const each of value) kept.push(name, each)
  }
  return kept
}

/** What undici calls an answer that its parser refuses. */
const NOT_HTTP: ReadonlySet<string> = new Set([
  'HTTPParserError',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])

function failure(error: Error): UpstreamFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  const message = error.message === '' ? code : `${code}: ${error.message}`
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { ok: false, code: 'forward.timeout', message }
  if (NOT_HTTP.has(code) || error.message === 'bad upgrade') return { ok: false, code: 'forward.malformed', message }
  return { ok: false, code: 'forward.unreachable', message }
}
