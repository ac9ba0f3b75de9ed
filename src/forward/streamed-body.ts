import type { Readable } from 'node:stream'
import { streamedBy } from './streamed-bytes.ts'

/** A sender's body that goes on as it comes. */
export interface StreamedBody {
  /** Bytes announced; `undefined`: their number shows at the end. */
  readonly length: number | undefined
  /** Paused, until it is written on. */
  readonly readable: Readable
  /** Calls once, where the body will not come whole. */
  onBroken(call: (why: string) => void): void
}

/** What a body is written to. */
interface Target {
  write(chunk: Buffer | string, encoding?: BufferEncoding): boolean
  on(event: 'drain', call: () => void): unknown
  off(event: 'drain', call: () => void): unknown
}

const LAST_CHUNK = '0\r\n\r\n'

/** Writes a body on as it comes, never more than the target takes; chunked (RFC 9112 section 7.1) where it has no length. */
export class BodyPump {
  readonly #body: StreamedBody
  readonly #target: Target
  readonly #moved: () => void
  ended = false

  /** @param moved called with every piece */
  constructor(body: StreamedBody, target: Target, moved: () => void) {
    this.#body = body
    this.#target = target
    this.#moved = moved
    target.on('drain', this.#resume)
    body.readable.on('data', this.#data).on('end', this.#end).resume()
  }

  /** Writes nothing more. */
  stop(): void {
    if (this.ended) return
    this.ended = true
    this.#target.off('drain', this.#resume)
    this.#body.readable.off('data', this.#data).off('end', this.#end)
  }

  readonly #resume = (): void => {
    this.#body.readable.resume()
  }

  readonly #data = (chunk: Buffer): void => {
    this.#moved()
    streamedBy(chunk.length)
    const target = this.#target
    if (this.#body.length === undefined) {
      target.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
      target.write(chunk)
      if (!target.write('\r\n', 'latin1')) this.#body.readable.pause()
    } else if (!target.write(chunk)) this.#body.readable.pause()
  }

  readonly #end = (): void => {
    this.stop()
    if (this.#body.length === undefined) this.#target.write(LAST_CHUNK, 'latin1')
  }
}
