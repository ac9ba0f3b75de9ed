import { HeadText, targetOf } from './head-text.ts'
import {
  AREA_BYTES,
  execute,
  faultOf,
  freeParser,
  methodOf,
  newParser,
  OK,
  PAUSED,
  PAUSED_UPGRADE,
  type ParserEvents,
  positionOf,
  resume,
  resumeAfterUpgrade,
  stoppedAt,
  unload,
  versionOf,
} from './llhttp.ts'

/** Why the bytes are no request, by the parser: its name for it, and its sentence. */
export interface ParserFault {
  readonly code: string
  readonly reason: string
}

/** The head of a request. */
export interface Head {
  readonly method: string
  readonly target: string
  /** `1.1`, `1.0` or another; with its name where that is not HTTP: `RTSP/1.0`. */
  readonly version: string
  /** Name, value, name, value, ... as sent, one byte a character. */
  readonly fields: string[]
  /** The Expect field, several joined; empty where there is none. */
  readonly expect: string
  /** Whether it asks for another protocol on this connection, or is a CONNECT. */
  readonly upgrade: boolean
  /** Whether the sender lets the connection be used again. */
  readonly keepAlive: boolean
}

/**
 * What `feed` stopped for: the chunk was used up, or a part of it; the parser stands behind a head; behind a message.
 */
export type Stop = 'more' | 'head' | 'end' | ParserFault

type Phase = 'head' | 'body'
type Span = 'none' | 'target' | 'name' | 'value'

/** More than the line of a chunk's size takes, without extensions; what is beyond is counted. */
const CHUNK_LINE_BYTES = 20
const NONE: Head = {
  method: '',
  target: '',
  version: '',
  fields: [],
  expect: '',
  upgrade: false,
  keepAlive: false,
}
const SPACE = 0x20
const UPPER_H = 0x48

/**
 * Of the head that is parsed: begin and end of the target, and of each name and value, in its bytes. One for all
 * connections, and never made shorter: a list of its own would be made anew by each head.
 */
const marks: number[] = []
let marked = 0
const NOWHERE: readonly number[] = []

/** Reads the requests of one connection, one after the other. */
export class RequestParser implements ParserEvents {
  readonly #limits: { readonly headBytes: number }
  /** Whether a chunk is another's when `feed` returns, so that pieces of a body are copied. */
  readonly #borrows: boolean
  #parser = newParser()
  #phase: Phase = 'head'
  /** Whether the parser waits to be let on. */
  #paused = false
  /** What is marked of a head that goes on in another call. */
  #spans = NOWHERE
  #span: Span = 'none'
  /** What came of a head in earlier chunks. */
  #before: Buffer | undefined
  /** Where in the chunk the message begins, or would if the chunk held what came of it earlier. */
  #begin = 0
  /** Nothing of the chunk is parsed yet. */
  #fresh = true
  #upgrade = false
  #keepAlive = false
  #ended = false
  /** Bytes of the body's framing that no chunk needs: extensions and trailers. */
  #extra = 0
  #chunk: Buffer | undefined
  #pieces: Buffer[] = []
  /** Of the body, in what is being parsed: how many pieces, how many bytes, and whether anybody takes them. */
  #bodyPieces = 0
  #bodyBytes = 0
  #isTaken = false
  /** The first byte that `feed` did not use. */
  at = 0
  /** Of the last that it stopped behind. */
  head: Head = NONE

  /**
   * @param limits read for each head: the bytes that one has at most, target and line ends included.
   * @param borrows whether the chunks will be written over
   */
  constructor(limits: { readonly headBytes: number }, borrows = false) {
    this.#limits = limits
    this.#borrows = borrows
  }

  /** Whether a part of a message has come. */
  get begun(): boolean {
    return this.#phase === 'body' || this.#before !== undefined
  }

  /** Whether it stands behind a head, and has not been called since. */
  get behindHead(): boolean {
    return this.#paused && this.#phase === 'body'
  }

  /** What `feed` is called with from now on is another chunk, or other bytes of the same buffer. */
  next(): void {
    this.#fresh = true
    unload()
  }

  /**
   * Parses `chunk` from `from` to `end`, until something is to be done. Behind a head it has to be called again, with no bytes
   * even.
   *
   * @param body takes what came of the body, in one piece; without it that is dropped
   */
  feed(chunk: Buffer, from: number, end: number, body: ((piece: Buffer) => void) | undefined): Stop {
    if (this.#paused) {
      resume(this.#parser)
      this.#paused = false
    }
    if (this.#phase === 'head') {
      marked = 0
      for (const at of this.#spans) marks[marked++] = at
      if (this.#before === undefined) this.#begin = from
      else if (this.#fresh) this.#begin = from - this.#before.length
    }
    this.#fresh = false
    const bytes = Math.min(end - from, AREA_BYTES)
    this.#chunk = chunk
    this.#bodyPieces = 0
    this.#bodyBytes = 0
    this.#isTaken = body !== undefined
    const wasBody = this.#phase === 'body'
    const result = execute(this.#parser, this, chunk, from, bytes)
    this.at = result === OK ? from + bytes : stoppedAt(this.#parser)
    this.#chunk = undefined
    if (wasBody) {
      this.#extra += this.at - from - this.#bodyBytes - CHUNK_LINE_BYTES * this.#bodyPieces
      if (this.#pieces.length > 0) {
        const pieces = this.#pieces
        this.#pieces = []
        body?.(this.#joined(pieces))
      }
      if (this.#extra > this.#limits.headBytes) return OVERFLOW.body
    }
    if (result === PAUSED_UPGRADE) {
      resumeAfterUpgrade(this.#parser)
      return this.feed(chunk, this.at, end, body)
    }
    if (result === PAUSED) {
      this.#paused = true
      return this.#ended ? this.#behindMessage() : this.#behindTheHead(chunk)
    }
    if (result !== OK) return faultOf(this.#parser, result)
    if (this.#phase === 'head') {
      if (this.#tooLarge) return OVERFLOW.head
      this.#spans = marks.slice(0, marked)
    }
    if (this.at === end) this.#keep(chunk, end)
    return 'more'
  }

  close(): void {
    freeParser(this.#parser)
    this.#parser = 0
  }

  get #tooLarge(): boolean {
    return this.at - this.#begin > this.#limits.headBytes
  }

  #behindTheHead(chunk: Buffer): Stop {
    if (this.#tooLarge) return OVERFLOW.head
    const before = this.#before
    const bytes = before === undefined ? chunk : Buffer.concat([before, chunk.subarray(this.#start, this.at)])
    this.head = this.#read(bytes, before === undefined ? this.#begin : 0)
    this.#phase = 'body'
    this.#extra = -CHUNK_LINE_BYTES
    this.#before = undefined
    this.#spans = NOWHERE
    this.#span = 'none'
    return 'head'
  }

  #behindMessage(): Stop {
    this.#ended = false
    this.#phase = 'head'
    return 'end'
  }

  /** Where in the chunk what it holds of the message begins. */
  get #start(): number {
    return this.#begin + (this.#before?.length ?? 0)
  }

  /** The next chunk goes on with this head. */
  #keep(chunk: Buffer, end: number): void {
    if (this.#phase === 'body') return
    const part = chunk.subarray(this.#start, end)
    this.#before = this.#before === undefined ? Buffer.from(part) : Buffer.concat([this.#before, part])
  }

  /** @param origin of the spans in `bytes` */
  #read(bytes: Buffer, origin: number): Head {
    const text = new HeadText(bytes, origin + (marks[2] ?? 0), origin + (marks[marked - 1] ?? 0))
    const fields: string[] = new Array((marked - 2) >> 1)
    let expect = ''
    for (let at = 2, to = 0; at < marked; at += 4, to += 2) {
      const name = text.name(to >> 1, origin + (marks[at] ?? 0), origin + (marks[at + 1] ?? 0))
      const value = text.value(to >> 1, origin + (marks[at + 2] ?? 0), origin + (marks[at + 3] ?? 0))
      fields[to] = name
      fields[to + 1] = value
      // Hardly any other name is as long.
      if (name.length === 6 && name.toLowerCase() === 'expect') expect = expect === '' ? value : `${expect}, ${value}`
    }
    return {
      method: methodOf(this.#parser),
      target: targetOf(bytes, origin + (marks[0] ?? 0), origin + (marks[1] ?? 0)),
      version: this.#version(bytes, origin + (marks[1] ?? 0)),
      fields,
      expect,
      upgrade: this.#upgrade,
      keepAlive: this.#keepAlive,
    }
  }

  /**
   * The parser takes RTSP and ICE besides, and tells only numbers: another name is no HTTP (RFC 9112 section 2.3).
   *
   * @param from the end of the target in `bytes`
   */
  #version(bytes: Buffer, from: number): string {
    let at = from
    while (bytes[at] === SPACE) at++
    if (bytes[at] === UPPER_H) return versionOf(this.#parser)
    const written = bytes.toString('latin1', at, bytes.indexOf('\r', at))
    // HTTP/0.9 names none.
    return written === '' ? versionOf(this.#parser) : written
  }

  onUrl(at: number, bytes: number): void {
    this.#mark('target', at, bytes)
  }

  onFieldName(at: number, bytes: number): void {
    // What follows a body is dropped, as any recipient may (RFC 9110 section 6.5.1).
    if (this.#phase === 'head') this.#mark('name', at, bytes)
  }

  onFieldValue(at: number, bytes: number): void {
    if (this.#phase === 'head') this.#mark('value', at, bytes)
  }

  onHead(upgrade: boolean, keepAlive: boolean): void {
    this.#upgrade = upgrade
    this.#keepAlive = keepAlive
  }

  onBody(at: number, bytes: number): void {
    const chunk = this.#chunk
    if (chunk === undefined) return
    this.#bodyPieces++
    this.#bodyBytes += bytes
    if (!this.#isTaken) return
    const from = positionOf(at)
    this.#pieces.push(chunk.subarray(from, from + bytes))
  }

  /** Chunks may be of a byte each, and whoever takes them would do much for each. */
  #joined(pieces: readonly Buffer[]): Buffer {
    const [only] = pieces
    if (only === undefined || pieces.length > 1) return Buffer.concat(pieces)
    return this.#borrows ? Buffer.from(only) : only
  }

  onEnd(): void {
    this.#ended = true
  }

  #mark(span: Span, at: number, bytes: number): void {
    const from = positionOf(at) - this.#begin
    // One that a chunk's end has cut goes on.
    if (span === this.#span) marks[marked - 1] = from + bytes
    else {
      marks[marked++] = from
      marks[marked++] = from + bytes
    }
    this.#span = span
  }
}

export const OVERFLOW = {
  head: { code: 'HPE_HEADER_OVERFLOW', reason: 'the head is larger than it may be' },
  body: {
    code: 'HPE_CHUNK_EXTENSIONS_OVERFLOW',
    reason: 'the extensions of chunks, or trailers, are larger than they may be',
  },
} as const

export const CUT = { code: 'HPE_INVALID_EOF_STATE', reason: 'the connection ended in the middle of a head' } as const
