import { Readable } from 'node:stream'
import type { StreamedBody } from '../forward/streamed-body.ts'
import type { BodyFault, BodySource } from '../pipeline/body.ts'
import type { BodySink, Broken, Incoming } from './http/incoming.ts'

const EMPTY = Buffer.alloc(0)
// Never written to.
const NONE: Buffer[] = []
/** Bytes of a stream that are read before they are asked for. */
const AHEAD_BYTES = 64 * 1024

/** Reads one request's body from its connection. */
export class RequestBody implements BodySource, BodySink {
  readonly #req: Incoming
  /** Bytes announced; `undefined` for a chunked body. */
  readonly length: number | undefined
  readonly upgrading: boolean
  #finish: ((result: Buffer | BodyFault) => void) | undefined
  #fault: BodyFault | undefined
  #broken: ((why: string) => void) | undefined
  #stream: Readable | undefined
  /** What has come so far of a body that is collected. */
  #chunks: Buffer[] = NONE
  #cap = 0
  /** Somebody reads, or has read. */
  #started = false
  /** Bytes received. */
  received = 0
  /** Whether the sender may still be sending: the connection can't be used for another request. */
  unread: boolean

  constructor(req: Incoming, length: number | undefined, upgrading: boolean) {
    this.#req = req
    this.length = length
    this.upgrading = upgrading
    this.unread = length !== 0
    if (length === 0) req.drop()
  }

  read(cap: number): Promise<Buffer | BodyFault> {
    if (this.#fault) return Promise.resolve(this.#fault)
    if (this.length === 0) return Promise.resolve(EMPTY)
    if (this.length !== undefined && this.length > cap) return Promise.resolve('too-large')
    if (this.#req.waitsToContinue) this.#req.connection.writeContinue()
    return new Promise(resolve => this.#collect(cap, resolve))
  }

  /** Whether it is known to be empty: of one that was not read to its end, nobody knows what would have come. */
  get isEmpty(): boolean {
    return !this.unread && this.received === 0
  }

  get fault(): BodyFault | undefined {
    return this.#fault
  }

  stream(cap: number): StreamedBody | undefined {
    if (this.length === 0) return undefined
    if (this.#req.waitsToContinue) this.#req.connection.writeContinue()
    const readable = new Readable({ highWaterMark: AHEAD_BYTES, read: () => this.#req.resume() })
    this.#cap = cap
    this.#started = true
    this.#stream = readable
    this.#req.take(this)
    return {
      length: this.length,
      readable,
      onBroken: call => {
        if (this.#fault) call(this.#fault)
        else this.#broken = call
      },
    }
  }

  /**
   * Keeps what comes of a body that the pipeline did not read, and that is read and dropped all the same.
   *
   * @param done is told once; `undefined` where it did not come whole, or is larger than `cap` bytes
   * @returns whether there is anything to wait for
   */
  collectRest(cap: number, done: (body: Buffer | undefined) => void): boolean {
    const length = this.length ?? Number.POSITIVE_INFINITY
    if (!this.unread || this.#started || this.#req.waitsToContinue || length > cap) return false
    this.#collect(cap, result => done(Buffer.isBuffer(result) && result.length === length ? result : undefined))
    return true
  }

  /** The first of a body that was too large, as far as it was read; empty for any other. @param most bytes */
  beginning(most: number): Buffer {
    return this.#chunks.length === 0 ? EMPTY : Buffer.from(Buffer.concat(this.#chunks).subarray(0, most))
  }

  /** Reads on and keeps nothing: what is still to come of a body that nobody wants any more. */
  discard(): void {
    this.#stream = undefined
    if (this.#started) this.#req.resume()
    else this.#req.drop()
  }

  #collect(cap: number, resolve: (result: Buffer | BodyFault) => void): void {
    this.#started = true
    this.#cap = cap
    this.#finish = resolve
    this.#req.take(this)
  }

  data(chunk: Buffer): boolean {
    const stream = this.#stream
    if (stream === undefined && this.#finish === undefined) return true
    this.received += chunk.length
    if (stream === undefined) {
      if (this.#chunks === NONE) this.#chunks = [chunk]
      else this.#chunks.push(chunk)
    }
    if (this.received > this.#cap) {
      this.#fail('too-large')
      return false
    }
    return stream?.push(chunk) ?? true
  }

  end(): void {
    this.unread = false
    this.#stream?.push(null)
    if (this.#finish === undefined) return
    const chunks = this.#chunks
    this.#chunks = NONE
    const [only] = chunks
    this.#settle(chunks.length === 1 && only ? only : Buffer.concat(chunks, this.received))
  }

  broken(why: Broken): void {
    this.#fail(why)
  }

  #fail(fault: BodyFault): void {
    this.#fault ??= fault
    // What comes of it from now on is for nobody.
    this.#stream = undefined
    this.#settle(fault)
    this.#broken?.(fault)
    this.#broken = undefined
  }

  #settle(result: Buffer | BodyFault): void {
    const finish = this.#finish
    if (finish === undefined) return
    this.#finish = undefined
    // Only of one that was too large is the beginning looked at.
    if (result !== 'too-large') this.#chunks = NONE
    finish(result)
  }
}
