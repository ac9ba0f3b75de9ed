import type { ServerResponse } from 'node:http'
import type { StreamedBody } from '../forward/streamed-body.ts'
import type { BodyFault, BodySource } from '../pipeline/body.ts'
import type { BodySink, Incoming } from './incoming.ts'

const EMPTY = Buffer.alloc(0)
// Never written to.
const NONE: Buffer[] = []

/** Reads one request's body from its connection. */
export class RequestBody implements BodySource, BodySink {
  readonly #req: Incoming
  readonly #res: ServerResponse
  /** Bytes announced; `undefined` for a chunked body. */
  readonly length: number | undefined
  readonly #expectsContinue: boolean
  #finish: ((result: Buffer | BodyFault) => void) | undefined
  #fault: BodyFault | undefined
  #broken: ((why: string) => void) | undefined
  /** What has come so far of a body that is collected. */
  #chunks: Buffer[] = NONE
  #cap = 0
  readonly upgrading: boolean
  /** Somebody reads, or has read. */
  #started = false
  /** Bytes received. */
  received = 0
  /** Whether the sender may still be sending: the connection can't be used for another request. */
  unread: boolean

  constructor(
    req: Incoming,
    res: ServerResponse,
    length: number | undefined,
    expectsContinue: boolean,
    upgrading: boolean,
  ) {
    this.upgrading = upgrading
    this.#req = req
    this.#res = res
    this.length = length
    this.#expectsContinue = expectsContinue
    this.unread = length !== 0
  }

  read(cap: number): Promise<Buffer | BodyFault> {
    if (this.#fault) return Promise.resolve(this.#fault)
    if (this.length === 0) return Promise.resolve(EMPTY)
    if (this.length !== undefined && this.length > cap) return Promise.resolve('too-large')
    if (this.#expectsContinue) this.#res.writeContinue()
    return new Promise(resolve => this.#collect(cap, resolve))
  }

  get fault(): BodyFault | undefined {
    return this.#fault
  }

  stream(cap: number): StreamedBody | undefined {
    if (this.length === 0) return undefined
    if (this.#expectsContinue) this.#res.writeContinue()
    this.#started = true
    const req = this.#req
    // Paused first: a listener of data would else let it flow before anybody writes it on.
    req.pause()
    req.on('data', (chunk: Buffer) => {
      this.received += chunk.length
      if (this.received > cap) this.fail('too-large')
    })
    req.on('end', () => {
      this.unread = false
    })
    req.on('close', () => {
      if (this.unread) this.fail(this.#fault ?? 'incomplete')
    })
    return {
      length: this.length,
      readable: req,
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
    if (!this.unread || this.#started || this.#expectsContinue || length > cap) return false
    const { socket } = this.#req
    // After the answer Node tells nobody of a request that its connection has broken.
    const gone = (): void => this.broken()
    socket.on('close', gone)
    this.#collect(cap, result => {
      socket.off('close', gone)
      // What Node has thrown away before it was asked for is missing in what it gives.
      done(Buffer.isBuffer(result) && result.length === length ? result : undefined)
    })
    return true
  }

  /** The first of a body that was too large, as far as it was read; empty for any other. @param most bytes */
  beginning(most: number): Buffer {
    return this.#chunks.length === 0 ? EMPTY : Buffer.from(Buffer.concat(this.#chunks).subarray(0, most))
  }

  /** Reads on and keeps nothing: what is still to come of a body that nobody wants any more. */
  discard(): void {
    if (!this.#started && !this.upgrading) this.#req.dropBody()
  }

  /** The connection failed: what has been read so far is nothing. */
  fail(fault: BodyFault): void {
    this.#fault ??= fault
    this.#settle(fault)
    this.#broken?.(fault)
    this.#broken = undefined
  }

  #collect(cap: number, resolve: (result: Buffer | BodyFault) => void): void {
    this.#started = true
    this.#cap = cap
    this.#finish = resolve
    const req = this.#req
    if (!this.upgrading && req.divert(this)) return
    req.on('data', (chunk: Buffer) => {
      if (!this.data(chunk)) req.pause()
    })
    req.on('end', () => this.end())
    // Comes after 'end' as well, and where the connection broke before it.
    req.on('close', () => this.broken())
  }

  data(chunk: Buffer): boolean {
    if (this.#finish === undefined) return true
    this.received += chunk.length
    if (this.#chunks === NONE) this.#chunks = [chunk]
    else this.#chunks.push(chunk)
    if (this.received <= this.#cap) return true
    this.#settle('too-large')
    return false
  }

  end(): void {
    this.unread = false
    if (this.#finish === undefined) return
    const chunks = this.#chunks
    this.#chunks = NONE
    const [only] = chunks
    this.#settle(chunks.length === 1 && only ? only : Buffer.concat(chunks, this.received))
  }

  broken(): void {
    this.#settle(this.#fault ?? 'incomplete')
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
