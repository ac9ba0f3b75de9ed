import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { AnswerHead } from './answer-head.ts'
import { AnswerParser, type AnswerReceiver } from './answer-parser.ts'
import type { UpstreamResult } from './exchange.ts'

/** Bytes of the body that wait for the sender before the upstream has to. */
const HELD_BYTES = 64 * 1024

/**
 * The answer of an upstream that takes no WebSocket: its status and fields, and its body as it comes. The connection ends
 * with it; a body that breaks off destroys the stream.
 *
 * @param socket paused
 * @param head whole, one byte a character
 * @param rest what came behind the head
 * @param quietMs milliseconds for which nothing may move
 */
export function refusalOn(socket: Socket, head: string, rest: Buffer, quietMs: number): UpstreamResult {
  const refusal = new Refusal(socket, quietMs)
  const fault = refusal.take(Buffer.concat([Buffer.from(head, 'latin1'), rest]))
  if (fault === undefined) return refusal.answer
  return { ok: false, code: 'forward.malformed', message: `the answer to the WebSocket handshake: ${fault}` }
}

/** Reads one answer from a connection that serves nothing else. */
class Refusal implements AnswerReceiver {
  readonly body: Readable
  readonly #socket: Socket
  readonly #parser = new AnswerParser()
  readonly #quiet: NodeJS.Timeout
  #status = 0
  #headers: string[] = []

  constructor(socket: Socket, quietMs: number) {
    this.#socket = socket
    this.#quiet = setTimeout(() => this.#fail(`nothing moved within ${quietMs} ms`), quietMs)
    this.body = new Readable({
      highWaterMark: HELD_BYTES,
      read: () => void socket.resume(),
      destroy: (error, done) => {
        clearTimeout(this.#quiet)
        socket.destroy()
        done(error)
      },
    })
    // It may break off before anybody reads it.
    this.body.on('error', () => undefined)
    this.#parser.expect('GET', this)
    socket.on('data', this.#data).on('close', this.#closed)
    socket.on('error', error => this.#fail(error.message))
  }

  get answer(): UpstreamResult {
    return { ok: true, status: this.#status, headers: this.#headers, body: this.body }
  }

  head({ status, headers, framing, length }: AnswerHead): void {
    this.#status = status
    this.#headers = headers
    if (framing === 'length') headers.push('content-length', String(length))
  }

  data(chunk: Buffer): boolean {
    return this.body.push(chunk)
  }

  end(): void {
    clearTimeout(this.#quiet)
    this.body.push(null)
    this.#socket.destroy()
  }

  /** Takes what has come. @returns why it can't be read */
  take(bytes: Buffer): string | undefined {
    if (this.#parser.idle) return undefined
    this.#quiet.refresh()
    const fault = this.#parser.feed(bytes, 0, bytes.length)
    if (this.#parser.waits) this.#socket.pause()
    this.#parser.waits = false
    // What follows on a whole answer is nobody's: the connection ends.
    if (fault === undefined || this.#parser.idle) return undefined
    this.#fail(fault.message)
    return fault.message
  }

  readonly #data = (chunk: Buffer): void => void this.take(chunk)

  readonly #closed = (): void => {
    if (!this.#parser.idle && !this.#parser.close()) this.#fail('the upstream closed the connection')
  }

  #fail(why: string): void {
    this.body.destroy(new Error(why))
  }
}
