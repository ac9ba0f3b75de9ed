import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { Incoming } from './incoming.ts'

/** The body of an answer that goes out as it comes; chunked (RFC 9112 section 7.1) where its length is not known. */
export class AnswerStream extends Writable {
  readonly #socket: Socket
  readonly #chunked: boolean
  readonly #finished: () => void
  #resume: ((error?: Error | null) => void) | undefined

  /** @param finished is called once all of it is written; a stream that is destroyed before cuts the connection */
  constructor(socket: Socket, chunked: boolean, finished: () => void) {
    super({ highWaterMark: 64 * 1024 })
    this.#socket = socket
    this.#chunked = chunked
    this.#finished = finished
    socket.on('drain', this.#drained).on('close', this.#closed)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const socket = this.#socket
    socket.cork()
    if (this.#chunked) socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    let more = socket.write(chunk)
    if (this.#chunked) more = socket.write('\r\n', 'latin1')
    socket.uncork()
    if (more && !socket.writableNeedDrain) done()
    else this.#resume = done
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#chunked) this.#socket.write('0\r\n\r\n', 'latin1')
    this.#letGo()
    this.#finished()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.writableFinished) {
      this.#letGo()
      this.#socket.destroy()
    }
    done(error)
  }

  readonly #drained = (): void => {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  readonly #closed = (): void => {
    this.destroy(new Error('the sender closed the connection'))
  }

  #letGo(): void {
    this.#socket.off('drain', this.#drained).off('close', this.#closed)
  }
}

/** How the end of an answer that streams is told (RFC 9112 section 6.3). */
export function framingOf(
  { method, version }: Incoming,
  status: number,
  fields: readonly string[],
): 'known' | 'chunked' | 'close' {
  if (method === 'HEAD' || status === 204 || status === 304) return 'known'
  for (let at = 0; at < fields.length; at += 2) if (fields[at]?.toLowerCase() === 'content-length') return 'known'
  return version === '1.1' ? 'chunked' : 'close'
}
