import { performance } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import type { Evidence, ReplyHeaders } from '../core/decision.ts'
import type { AnswerHead } from './answer-head.ts'
import type { AnswerReceiver } from './answer-parser.ts'
import type { Connection } from './connection.ts'
import type { Deadline, Deadlines, Expiring } from './deadlines.ts'
import type { Outbound } from './normalise.ts'
import { streamedBy } from './streamed-bytes.ts'
import type { Tunnel } from './websocket.ts'

/** The upstream's answer; the body is whole where it is small, and a stream where it is not. */
export interface UpstreamAnswer {
  readonly ok: true
  readonly status: number
  /** Name, value, name, value, ... without hop-by-hop fields. */
  readonly headers: string[]
  readonly body: Buffer | Readable
  /** Of a 101: what follows on the connection is for the sender. */
  readonly tunnel?: Tunnel
  /** Of a bridge. */
  readonly trail?: Trail
}

/** No answer. Nothing is ever sent a second time from here. */
export interface UpstreamFailure {
  readonly ok: false
  readonly code: ForwardCode
  /** For the operator: what the socket, TLS or the parser said. */
  readonly message: string
  /** Nothing of the request was written, so that it can be sent again. */
  readonly unsent?: true
  /** The body that was to be sent did not come: nothing is known of the upstream. */
  readonly bySender?: true
  readonly evidence?: Evidence
  readonly headers?: ReplyHeaders
  /** What the sender is told of his own request: nothing else may stand here. */
  readonly detail?: string
  /** Of a bridge. */
  readonly trail?: Trail
}

export type ForwardCode =
  | 'forward.unreachable'
  | 'forward.timeout'
  | 'forward.malformed'
  | 'forward.no-token'
  | 'forward.unsigned'
  | 'forward.address'
  | 'forward.paced'
  | 'forward.breaker-open'
  | 'forward.too-large'
  | 'forward.no-form'

/** One request's way through a bridge, for the log. */
export interface Trail {
  /** How often it was sent. */
  attempts: number
  /** Milliseconds in which it waited for its turns. */
  queuedMs: number
}

export type UpstreamResult = UpstreamAnswer | UpstreamFailure

/** Sends requests, and gives an answer or a failure, both values. */
export interface Sender {
  send(outbound: Outbound): Promise<UpstreamResult>
}

/** Up to here an answer is held back until it has ended, so that a broken one becomes a 502 and not half an answer. */
const WHOLE_BYTES = 256 * 1024
/** A stream that moves has its deadline put off so often at most. Milliseconds. */
const MOVES_MS = 250
const EMPTY = Buffer.alloc(0)
export const UNSENT = { unsent: true } as const
export const BY_SENDER = { bySender: true } as const

/** One request to an upstream, from the moment it waits for a connection to the end of its answer. */
export class Exchange implements AnswerReceiver, Expiring {
  readonly outbound: Outbound
  /** The one it was sent on; `undefined` while it waits, and once its answer has ended. */
  connection: Connection | undefined
  readonly #deadlines: Deadlines
  #deadline: Deadline
  #movedAt = 0
  #resolve: ((result: UpstreamResult) => void) | undefined
  #head: AnswerHead | undefined
  #chunks: Buffer[] | undefined
  #bytes = 0
  #stream: Readable | undefined
  /** The answer has come whole. */
  #whole = false

  constructor(outbound: Outbound, deadlines: Deadlines, resolve: (result: UpstreamResult) => void) {
    this.outbound = outbound
    this.#resolve = resolve
    this.#deadlines = deadlines
    this.#deadline = deadlines.start(this)
    // At once, where it has broken off already.
    outbound.streams?.body?.onBroken(why => this.#cut(why))
  }

  /** Whether it was answered, so that it must not be sent any more. */
  get settled(): boolean {
    return this.#resolve === undefined
  }

  head(head: AnswerHead): void {
    this.#head = head
    if (this.outbound.streams === undefined) return
    if (head.framing === 'length') head.headers.push('content-length', String(head.length))
    this.#startStream()
  }

  /** Of a stream the deadline is for what moves, in either direction, and not for the whole. */
  moved(): void {
    const now = performance.now()
    if (now - this.#movedAt < MOVES_MS) return
    this.#movedAt = now
    this.#deadlines.stop(this.#deadline)
    this.#deadline = this.#deadlines.start(this)
  }

  data(chunk: Buffer): boolean {
    if (this.#stream) {
      if (this.outbound.streams !== undefined) {
        this.moved()
        streamedBy(chunk.length)
      }
      return this.#stream.push(chunk)
    }
    this.#bytes += chunk.length
    if (this.#chunks === undefined) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
    return this.#bytes <= WHOLE_BYTES || this.#startStream()
  }

  end(): void {
    this.#close()
    this.#whole = true
    if (this.#stream) this.#stream.push(null)
    else this.#answer(this.#collected())
  }

  /** The answer, or what is left of it, will not come. What is wrong behind a whole answer is none of its business. */
  fail(failure: UpstreamFailure): void {
    if (this.#whole) return
    this.#close()
    if (this.#stream) this.#stream.destroy(new Error(failure.message))
    else this.#settle(failure)
  }

  expire(deadlineMs: number): void {
    const { connection } = this
    const bySender = connection?.waitsForSender === true
    const missing = bySender ? 'nothing more of the body' : 'nothing moved'
    const what = this.outbound.streams === undefined ? 'no whole answer' : missing
    const message = `${this.outbound.method}: ${what} within ${deadlineMs} ms`
    const facts = connection === undefined ? UNSENT : bySender ? BY_SENDER : {}
    this.fail({ ok: false, code: 'forward.timeout', message, ...facts })
    connection?.destroy()
  }

  /** The sender's body will not come whole: what was written of it is cut, so that the upstream does not take it for all. */
  #cut(why: string): void {
    const { connection } = this
    const failure = { ok: false, code: 'forward.unreachable', message: `the sender: ${why}`, ...BY_SENDER } as const
    if (connection === undefined) this.fail({ ...failure, ...UNSENT })
    else connection.fail(failure)
  }

  /** The connection may serve another from here on. */
  #close(): void {
    this.#deadlines.stop(this.#deadline)
    this.connection = undefined
  }

  #collected(): Buffer {
    const chunks = this.#chunks
    if (chunks === undefined) return EMPTY
    const [only] = chunks
    return chunks.length === 1 && only ? only : Buffer.concat(chunks, this.#bytes)
  }

  #startStream(): false {
    const stream = new Readable({
      highWaterMark: WHOLE_BYTES,
      read: () => this.connection?.resume(),
      destroy: (error, done) => {
        // The sender went away in the middle: what is left of the answer can't be skipped, so the connection ends.
        const { connection } = this
        this.#close()
        connection?.destroy()
        done(error)
      },
    })
    this.#stream = stream
    // It may fail in the same turn, before anybody reads it; whoever reads it then is told all the same.
    stream.on('error', () => undefined)
    for (const chunk of this.#chunks ?? []) stream.push(chunk)
    this.#chunks = undefined
    this.#answer(stream)
    return false
  }

  #answer(body: Buffer | Readable): void {
    const { status = 0, headers = [] } = this.#head ?? {}
    this.#settle({ ok: true, status, headers, body })
  }

  #settle(result: UpstreamResult): void {
    this.#resolve?.(result)
    this.#resolve = undefined
  }
}
