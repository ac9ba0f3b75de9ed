import { AnswerFault, type AnswerHead, readHead } from './answer-head.ts'

/** What is told of one answer, in order. Every call is made while `feed` or `close` runs. */
export interface AnswerReceiver {
  head(head: AnswerHead): void
  /** Bytes that are the receiver's to keep. `false` asks to wait before more is read. */
  data(chunk: Buffer): boolean
  end(): void
}

/** Bytes of a head, of a chunk's line, and of all trailers. */
export const MAX_HEAD = 32 * 1024
/** Bytes of a head that is kept to be compared with the next one. */
const SHORT_HEAD = 1024
const MAX_LINE = 4 * 1024
/** Interim answers (1xx) before the final one. */
export const MAX_INTERIM = 10

const EMPTY = Buffer.alloc(0)
const CR = 0x0d
const LF = 0x0a

export const UNASKED = new AnswerFault('it sent more than the answer')

type State = 'idle' | 'head' | 'body' | 'size' | 'chunk' | 'chunk-end' | 'trailers' | 'until-close'

/**
 * Reads the answers of one connection, strictly (RFC 9112). It knows the request that is under way, so that what an
 * upstream sends unasked is a fault and never the next request's answer.
 */
export class AnswerParser {
  #state: State = 'idle'
  #receiver: AnswerReceiver | undefined
  #method = ''
  #head: AnswerHead | undefined
  /** What was read of the last short head: most upstreams say the same again and again, but for the second in Date. */
  #read: AnswerHead | undefined
  #readFrom = ''
  #readFor = ''
  #interim = 0
  /** Bytes of a head or line whose end has not come yet. */
  #pending: Buffer = EMPTY
  /** Bytes of the body or the chunk that are still to come. */
  #left = 0
  #trailers = 0

  /** The next bytes answer a request of this method. */
  expect(method: string, receiver: AnswerReceiver): void {
    this.#state = 'head'
    this.#method = method
    this.#receiver = receiver
    this.#head = undefined
    this.#interim = 0
    this.#trailers = 0
  }

  get idle(): boolean {
    return this.#state === 'idle'
  }

  /** The head of the answer that is under way, or of the last one. */
  get lastHead(): AnswerHead | undefined {
    return this.#head
  }

  /** Whether the receiver asked to wait. */
  waits = false

  /** Takes the bytes of `chunk` from `from` to `to`, which are another's again after the call. */
  feed(chunk: Buffer, from: number, to: number): AnswerFault | undefined {
    let bytes = chunk
    let at = from
    let end = to
    if (this.#pending.length > 0) {
      bytes = Buffer.concat([this.#pending, chunk.subarray(from, to)])
      at = 0
      end = bytes.length
      this.#pending = EMPTY
    }
    while (at < end) {
      const next = this.#step(bytes, at, end)
      if (next instanceof AnswerFault) return next
      if (next < 0) {
        // A copy: what is left stands in a buffer that the socket fills again.
        this.#pending = Buffer.from(bytes.subarray(at, end))
        return undefined
      }
      at = next
    }
    return undefined
  }

  /** The upstream ended the connection. `false` where an answer was under way and is not whole. */
  close(): boolean {
    if (this.#state !== 'until-close') return this.#state === 'idle'
    this.#finish()
    return true
  }

  /** Where the next step begins; -1 where more bytes are needed for this one. */
  #step(bytes: Buffer, at: number, end: number): number | AnswerFault {
    switch (this.#state) {
      case 'idle':
        return UNASKED
      case 'head':
        return this.#readHead(bytes, at, end)
      case 'size':
        return this.#readSize(bytes, at, end)
      case 'trailers':
        return this.#readTrailer(bytes, at, end)
      case 'chunk-end':
        if (end - at < 2) return -1
        if (bytes[at] !== CR || bytes[at + 1] !== LF) return new AnswerFault('a chunk is longer than it says')
        this.#state = 'size'
        return at + 2
      default:
        return this.#readBody(bytes, at, end)
    }
  }

  #readHead(bytes: Buffer, at: number, end: number): number | AnswerFault {
    const stop = bytes.indexOf('\r\n\r\n', at, 'latin1')
    const whole = stop >= 0 && stop + 4 <= end
    if ((whole ? stop : end) - at > MAX_HEAD) return new AnswerFault(`its head is longer than ${MAX_HEAD} bytes`)
    if (!whole) {
      if (!startsAsHttp(bytes, at, end)) return new AnswerFault('it does not begin with "HTTP/1."')
      return hasBareLineFeed(bytes, at, end) ? new AnswerFault('its head holds a line that does not end in CRLF') : -1
    }
    const head = this.#headOf(bytes.toString('latin1', at, stop))
    if (head instanceof AnswerFault) return head
    if (head.status === 101) return new AnswerFault('it switches protocols, and nobody asked it to')
    if (head.status < 200) {
      if (++this.#interim > MAX_INTERIM) return new AnswerFault(`it sent more than ${MAX_INTERIM} interim answers`)
      return stop + 4
    }
    this.#head = head
    this.#receiver?.head(head)
    this.#left = head.length
    if (head.framing === 'chunked') this.#state = 'size'
    else if (head.framing === 'close') this.#state = 'until-close'
    else if (head.framing === 'none' || head.length === 0) this.#finish()
    else this.#state = 'body'
    return stop + 4
  }

  #headOf(text: string): AnswerHead | AnswerFault {
    if (this.#read !== undefined && text === this.#readFrom && this.#method === this.#readFor) return copyOf(this.#read)
    const head = readHead(text, this.#method)
    if (head instanceof AnswerFault || text.length > SHORT_HEAD) return head
    this.#read = copyOf(head)
    this.#readFrom = text
    this.#readFor = this.#method
    return head
  }

  #readSize(bytes: Buffer, at: number, end: number): number | AnswerFault {
    const stop = lineEnd(bytes, at, end)
    if (stop < 0) return end - at > MAX_LINE ? new AnswerFault('the line of a chunk does not end') : -1
    // Extensions are passed over (RFC 9112 section 7.1.1), control characters are not.
    const size = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(
      bytes.toString('latin1', at, stop),
    )?.[1]
    if (size === undefined) return new AnswerFault('the size of a chunk is no number')
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    return stop + 2
  }

  #readTrailer(bytes: Buffer, at: number, end: number): number | AnswerFault {
    const stop = lineEnd(bytes, at, end)
    if (this.#trailers + end - at > MAX_LINE + 2 && (stop < 0 || this.#trailers + stop - at > MAX_LINE))
      return new AnswerFault('its trailers do not end')
    if (stop < 0) return -1
    this.#trailers += stop - at
    if (stop === at) this.#finish()
    return stop + 2
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    const size = this.#state === 'until-close' ? end - at : Math.min(end - at, this.#left)
    const chunk = Buffer.allocUnsafe(size)
    bytes.copy(chunk, 0, at, at + size)
    this.#left -= size
    if (this.#receiver?.data(chunk) === false) this.waits = true
    if (this.#left === 0) {
      if (this.#state === 'body') this.#finish()
      else if (this.#state === 'chunk') this.#state = 'chunk-end'
    }
    return at + size
  }

  #finish(): void {
    const receiver = this.#receiver
    this.#state = 'idle'
    this.#receiver = undefined
    receiver?.end()
  }
}

/** Whoever gets a head may add fields to it. */
const copyOf = ({ status, headers, framing, length, reusable, keptMs }: AnswerHead): AnswerHead => ({
  status,
  headers: headers.slice(),
  framing,
  length,
  reusable,
  keptMs,
})

/** Where the line ends in CRLF; -1 where its end has not come. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  const stop = bytes.indexOf('\r\n', at, 'latin1')
  return stop < 0 || stop + 2 > end ? -1 : stop
}

const VERSION = Buffer.from('HTTP/1.')

/** Told at once, so that nobody waits for the end of a head that is none. */
function startsAsHttp(bytes: Buffer, at: number, end: number): boolean {
  const length = Math.min(VERSION.length, end - at)
  return VERSION.compare(bytes, at, at + length, 0, length) === 0
}

/** Told at once as well: the end of a head whose lines end otherwise would never come. */
function hasBareLineFeed(bytes: Buffer, at: number, end: number): boolean {
  for (let feed = bytes.indexOf(LF, at); feed >= 0 && feed < end; feed = bytes.indexOf(LF, feed + 1))
    if (feed === at || bytes[feed - 1] !== CR) return true
  return false
}
