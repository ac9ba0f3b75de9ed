import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Writable } from 'node:stream'
import { aboutNow } from '../../core/clock.ts'
import { handleReads, readTogether, writeTogether } from '../../core/turn.ts'
import { answerHead, connectionFields, inOnePiece, lastAnswer } from './answer-head.ts'
import { AnswerStream, framingOf } from './answer-stream.ts'
import { waitsBetween } from './between-requests.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { directSocket, takenOf } from './direct-socket.ts'
import { type BodySink, type Broken, DROP, Incoming } from './incoming.ts'
import { Linger } from './linger.ts'
import { CUT, type Head, OVERFLOW, type ParserFault, RequestParser } from './request-parser.ts'

const EMPTY = Buffer.alloc(0)

/** The sender's side of one connection: its requests one after the other, each answered before the next is read. */
export class HttpConnection {
  readonly socket: Socket
  /** Whether what is read will be written over. */
  readonly #direct: boolean
  readonly #owner: ConnectionOwner
  readonly #parser: RequestParser
  /** From its head until it is answered and whole. */
  #request: Incoming | undefined
  #sink: BodySink | undefined
  #answered = false
  /** Read, and not parsed: the request before it is under way, or nobody has taken its body yet. */
  #held: Buffer = EMPTY
  #parsing = false
  #paused = false
  /** The sender has ended its side. */
  #ended = false
  /** What follows on the connection is not read as a request: it ends after the answer that is due. */
  broken = false
  /** What came was no HTTP: nothing that follows is parsed. */
  #unparsable = false
  /** Why the body that is under way will not come whole. */
  #fault: Broken | undefined
  /** Once the connection is to end. */
  #linger: Linger | undefined
  #detached = false
  #over = false
  /** Deadlines are kept. */
  #waits = true
  /** `performance.now` of the first byte of what has begun to come; of the accept before there is any. */
  waitsSince = performance.now()
  /** `performance.now` of what was last read or written. */
  #movedAt = this.waitsSince
  /** How far the kernel had taken the answers when `quietSince` was asked. */
  #taken = 0

  /** @param accepted that nobody has read from */
  constructor(accepted: Socket, owner: ConnectionOwner) {
    this.#owner = owner
    // What was read behind a proxy's header is in its stream.
    const direct = accepted.bytesRead > 0 ? undefined : directSocket(accepted, this.#read)
    const socket = direct ?? accepted
    this.socket = socket
    this.#direct = direct !== undefined
    this.#parser = new RequestParser(owner.limits, this.#direct)
    if (!this.#direct) socket.on('data', this.#read)
    socket.on('end', this.#end)
    socket.on('error', this.#failed)
    socket.on('close', this.#closed)
  }

  /** Whether a request is under way that is not answered yet. */
  get busy(): boolean {
    return this.#request !== undefined && !this.#answered
  }

  /** Whether nothing is under way: no part of a request, no answer that waits for its reader. */
  get idle(): boolean {
    return this.#request === undefined && !this.#parser.begun && this.socket.writableLength === 0
  }

  /** `performance.now` since when nothing moves; `undefined` where that is no fault of the sender's: it waits for its answer. */
  get quietSince(): number | undefined {
    const { socket } = this
    if (this.#detached) return undefined
    if (socket.writableLength > 0) {
      const taken = takenOf(socket)
      if (taken !== this.#taken) this.#movedAt = performance.now()
      this.#taken = taken
    } else if (this.busy) return undefined
    return this.#movedAt
  }

  /** Whether what waits is a body, and not a head. */
  get waitsForBody(): boolean {
    return this.#request !== undefined
  }

  take(request: Incoming, sink: BodySink): void {
    if (request !== this.#request || request.complete) return
    this.#sink = sink
    if (this.#fault !== undefined) this.#break(this.#fault)
    // Never at once: whoever takes it is not ready yet.
    else if (!this.#parsing) process.nextTick(this.#goOn)
  }

  /** Reads on. */
  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.socket.resume()
  }

  /** Tells a sender that waits for it that it may send the body. */
  writeContinue(): void {
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /**
   * Answers the request under way, in one piece where the body is small.
   * @param fields without those of the connection and of the length
   * @param body text one byte a character; `undefined`: the status has none
   * @param close whether the connection ends with it
   * @param keepAlive the Keep-Alive field where it does not; `undefined`: none
   * @param own more fields, as they are written: with their line ends
   * @returns `false` where nobody is left to be answered
   */
  answer(
    status: number,
    fields: readonly string[],
    body: Buffer | string | undefined,
    close: boolean,
    keepAlive: string | undefined,
    own = '',
  ): boolean {
    const request = this.#request
    if (request === undefined || this.#answered || this.socket.destroyed) return false
    const { socket } = this
    const ends = this.#ends(request, close)
    const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
    const head = answerHead(status, fields, own + length + connectionFields(ends, keepAlive))
    const text = request.method === 'HEAD' ? '' : inOnePiece(body)
    if (text !== undefined) writeTogether(socket, head + text)
    else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body as Buffer)
      socket.uncork()
    }
    this.#done(ends)
    return true
  }

  /** Answers with a body that is written as it comes: chunked where there is no Content-Length among the fields. */
  answerStream(
    status: number,
    fields: readonly string[],
    close: boolean,
    keepAlive: string | undefined,
  ): Writable | undefined {
    const request = this.#request
    if (request === undefined || this.#answered || this.socket.destroyed) return undefined
    const framing = framingOf(request, status, fields)
    const ends = this.#ends(request, close || framing === 'close')
    const coding = framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : ''
    this.socket.write(answerHead(status, fields, coding + connectionFields(ends, keepAlive)), 'latin1')
    return new AnswerStream(this.socket, framing === 'chunked', () => this.#done(ends))
  }

  /** Answers what is no request, and ends the connection. @param text one byte a character */
  end(status: number, fields: readonly string[], text: string): void {
    this.broken = true
    this.socket.write(lastAnswer(status, fields, text), 'latin1')
    this.#finish()
  }

  /** Lets go of the socket, paused; gives what was read of it and belongs to nobody. */
  detach(): Buffer {
    handleReads()
    const { socket } = this
    this.#detached = true
    socket.pause()
    socket.off('data', this.#read).off('end', this.#end)
    this.#answered = true
    const rest = this.#held
    this.#held = EMPTY
    return rest
  }

  /** What is under way does not come in time. */
  late(): void {
    if (this.#request === undefined) return
    this.broken = true
    if (this.#answered) this.#finish()
    else this.#break('timeout')
  }

  #ends(request: Incoming, close: boolean): boolean {
    this.broken ||= close || !request.keepAlive
    return this.broken
  }

  #done(ends: boolean): void {
    this.#answered = true
    this.#movedAt = aboutNow()
    if (ends) this.#finish()
    else if (this.#request?.complete) this.#next()
  }

  /** The request is answered and whole. */
  #next(): void {
    this.#request = undefined
    this.#sink = undefined
    this.#goOn()
  }

  /** Parses what was held, unless this is called from there. */
  readonly #goOn = (): void => {
    if (this.#parsing || this.#over || this.#detached) return
    const held = this.#held
    if (held.length > 0 || this.#parser.behindHead) {
      this.#held = EMPTY
      this.#parse(held, 0, held.length)
    }
    if (this.#held.length > 0) return
    if (this.#ended) this.#atEnd()
    else this.resume()
  }

  readonly #read = (chunk: Buffer, length = chunk.length): boolean => {
    // Whoever has the socket now waits for nothing: its end may come in this turn.
    if (this.#detached) return this.socket.push(Buffer.from(chunk.subarray(0, length)))
    readTogether('requests', this.#data, chunk, length, this.#direct)
    return true
  }

  readonly #data = (chunk: Buffer, from: number, end: number): void => {
    if (this.#over) return
    this.#movedAt = aboutNow()
    this.#linger?.dropped(end - from)
    if (this.#held.length === 0) this.#parse(chunk, from, end)
    else {
      this.#held = Buffer.concat([this.#held, chunk.subarray(from, end)])
      this.#pause()
    }
  }

  #pause(): void {
    this.#paused = true
    this.socket.pause()
  }

  /** Whether nothing is parsed now: a body is taken first, a request answered before the next, and others have their turn. */
  #holds(begun: number): boolean {
    const request = this.#request
    if (request === undefined) return waitsBetween(this.socket, begun, this.#goOn)
    return request.complete || this.#sink === undefined
  }

  /** Whether nothing is parsed any more. */
  get #deaf(): boolean {
    return this.#unparsable || this.#fault !== undefined || (this.broken && this.#request === undefined)
  }

  /** What of a chunk is to be used later. */
  #kept(chunk: Buffer, from: number, end: number): Buffer {
    const piece = chunk.subarray(from, end)
    return this.#direct ? Buffer.from(piece) : piece
  }

  #parse(chunk: Buffer, from: number, end: number): void {
    const parser = this.#parser
    this.#parsing = true
    let renewed = false
    let begun = 0
    let at = from
    parser.next()
    // Behind a head the parser goes on without bytes too: there may be no body.
    while ((at < end || parser.behindHead) && !this.#deaf) {
      if (this.#holds(begun)) {
        this.#held = this.#kept(chunk, at, end)
        break
      }
      const stop = parser.feed(chunk, at, end, this.#sink === DROP ? undefined : this.#piece)
      at = parser.at
      if (stop === 'head') {
        begun++
        this.#begin(parser.head)
      } else if (stop === 'end') {
        renewed = true
        this.#whole()
      } else if (stop !== 'more') this.#unreadable(stop, chunk.subarray(from, end))
    }
    this.#parsing = false
    this.#watch(renewed)
    // It was to end with the body, and nothing came behind that.
    if (this.#request === undefined && at === end) this.#linger?.cut()
  }

  /** Has deadlines kept for what has begun to come, and for nothing else. */
  #watch(renewed: boolean): void {
    const request = this.#request
    const waits = !this.#deaf && (request === undefined ? this.#parser.begun : !request.complete)
    if (waits && (renewed || !this.#waits)) this.waitsSince = performance.now()
    if (waits === this.#waits) return
    this.#waits = waits
    this.#owner.waits(this, waits)
  }

  #begin(head: Head): void {
    const request = new Incoming(this, head)
    this.#request = request
    this.#answered = false
    this.#owner.request(request)
  }

  readonly #piece = (piece: Buffer): void => {
    if (this.#sink?.data(piece) === false && this.#linger === undefined) this.#pause()
  }

  #whole(): void {
    const request = this.#request
    if (request === undefined) return
    request.complete = true
    this.#sink?.end()
    if (this.#answered) this.#next()
  }

  #unreadable(fault: ParserFault, bytes: Buffer): void {
    const begun = this.#request !== undefined
    this.#unparsable = true
    this.broken = true
    if (!begun) this.#owner.unreadable(this, fault, bytes)
    else if (this.#answered) this.#finish()
    else this.#break(fault === OVERFLOW.body ? 'overlong' : 'malformed')
  }

  /** What of the request's body is missing will not come. */
  #break(why: Broken): void {
    this.broken = true
    this.#fault = why
    this.#held = EMPTY
    const sink = this.#sink
    this.#sink = undefined
    sink?.broken(why)
  }

  /** Ends the connection behind what was written. */
  #finish(): void {
    if (this.#linger !== undefined) return
    const request = this.#request
    const linger = new Linger(this.socket)
    this.#linger = linger
    const whole = request === undefined ? !this.#parser.begun : request.complete
    if (this.#ended || (whole && this.#held.length === 0)) {
      linger.cut()
      return
    }
    // What was read behind it is nobody's.
    if (whole) {
      this.#request = undefined
      this.#held = EMPTY
    }
    linger.wait()
    this.#goOn()
    this.resume()
  }

  readonly #end = (): void => {
    handleReads()
    this.#ended = true
    if (this.#held.length === 0) this.#atEnd()
  }

  /** The sender sends no more, and all that came is parsed. */
  #atEnd(): void {
    const request = this.#request
    if (this.#linger !== undefined) this.#linger.cut()
    else if (request === undefined) {
      if (this.#parser.begun) this.#unreadable(CUT, EMPTY)
      else this.socket.end()
    } else if (!request.complete) {
      this.broken = true
      if (this.#answered) this.#finish()
      else this.#break('incomplete')
    }
  }

  readonly #failed = (error: NodeJS.ErrnoException): void => {
    handleReads()
    if (this.#detached) this.socket.destroy()
    else this.#owner.failed(this, error)
  }

  readonly #closed = (): void => {
    handleReads()
    this.#over = true
    this.#linger?.close()
    if (this.#request?.complete === false && this.#fault === undefined) this.#break('incomplete')
    this.#parser.close()
    this.#owner.closed(this)
  }
}
