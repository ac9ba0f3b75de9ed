import { Readable } from 'node:stream'
import { http } from '../core/http.ts'

/** Takes a body as the parser gives it, piece by piece. */
export interface BodySink {
  /** `false` asks to read no more from the connection; what has been read of it already may still come. */
  data(chunk: Buffer): boolean
  end(): void
  /** The connection broke before the end. */
  broken(): void
}

/** The fields that Node itself asks every request for, several of a name joined as Node joins them. */
type AskedFields = {
  readonly expect?: string
  readonly te?: string
}

const NOTHING: AskedFields = {}
const DROP: BodySink = { data: () => true, end: () => undefined, broken: () => undefined }
const streamEnded = Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')?.get

/**
 * A request as Node's parser gives it. Whoever wants its body can take it piece by piece as it is parsed, in place of what
 * a stream does for that: a queue, and six events in as many turns of another. What nobody takes is a stream as ever.
 */
export class Incoming extends http.IncomingMessage {
  /**
   * Not the request's fields, which are in `rawHeaders`: Node would make an object of them all to look for one. A server
   * of these must not be told to require a Host field.
   */
  declare readonly headers: AskedFields
  /** Told when the body of a request that has its answer has come whole. */
  unreadOf: { unread: boolean } | undefined
  #sink: BodySink | undefined
  #ended = false

  static {
    // As Node has them these are accessors too, which its types don't tell.
    Object.defineProperty(Incoming.prototype, 'headers', {
      get(this: Incoming) {
        return askedOf(this.rawHeaders)
      },
    })
    Object.defineProperty(Incoming.prototype, 'readableEnded', {
      get(this: Incoming) {
        return this.#ended || streamEnded?.call(this) === true
      },
    })
  }

  /**
   * Hands the body to `sink`, from its first byte on.
   *
   * @returns `false` where some of it has come already, or somebody reads the stream: there it must be read
   */
  divert(sink: BodySink): boolean {
    const begun = this.complete || this.destroyed || this.readableFlowing !== null || this.readableLength > 0
    if (this.#sink === undefined && begun) return false
    this.#sink = sink
    // Tells Node that the body is read, or read on: it would else read the stream itself once the answer is out.
    this._read(0)
    return true
  }

  /** Reads the body, or the rest of it, and keeps nothing. @returns as `divert` */
  dropBody(): boolean {
    return this.divert(DROP)
  }

  /** Called by Node's parser, with each piece of the body and with `null` at its end. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    const sink = this.#sink
    if (chunk === null && this.unreadOf !== undefined) this.unreadOf.unread = false
    if (sink === undefined) return super.push(chunk, encoding)
    if (Buffer.isBuffer(chunk)) return sink.data(chunk)
    this.#ended = true
    sink.end()
    // Node waits for it where the answer was out first.
    this.emit('end')
    return false
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#ended) this.#sink?.broken()
    super._destroy(error, done)
  }
}

function askedOf(raw: readonly string[]): AskedFields {
  let asked: { expect?: string; te?: string } | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? ''
    // Hardly any other name is as long as one of these.
    if (name.length !== 6 && name.length !== 2) continue
    const lower = name.toLowerCase()
    if (lower !== 'expect' && lower !== 'te') continue
    asked ??= {}
    const before = asked[lower]
    asked[lower] = before === undefined ? (raw[i + 1] ?? '') : `${before}, ${raw[i + 1]}`
  }
  return asked ?? NOTHING
}
