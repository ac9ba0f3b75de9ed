import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { AddressFault } from './address-guard.ts'
import { AnswerFault, type AnswerHead, readHead } from './answer-head.ts'
import { MAX_HEAD, MAX_INTERIM } from './answer-parser.ts'
import { type Destination, DialTimeout, described, dial } from './dial.ts'
import { UNSENT, type UpstreamFailure, type UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'
import { requestHead } from './request-head.ts'
import { faultOfHandshake, type WebSocketOffer } from './websocket-handshake.ts'
import { refusalOn } from './websocket-refusal.ts'

/** A WebSocket that the upstream has taken: its bytes from now on are frames. */
export interface Tunnel {
  readonly socket: Socket
  /** Frames that came with the answer. */
  readonly rest: Buffer
}

/** The answer to a handshake. */
interface Answer {
  readonly head: AnswerHead
  /** The head as it came, one byte a character, without the last line end and the empty line. */
  readonly text: string
  /** What came behind it. */
  readonly rest: Buffer
}

const EMPTY = Buffer.alloc(0)
const END = '\r\n\r\n'

/**
 * Asks an upstream for a WebSocket, on a connection of its own, with the gate's own fields and key. An upstream that does
 * not take it has its answer passed on.
 *
 * @param responseMs milliseconds until it has answered; of the body of a refusal, for how long nothing may move
 */
export async function openWebSocket(
  destination: Destination,
  outbound: Outbound,
  offer: WebSocketOffer,
  responseMs: number,
): Promise<UpstreamResult> {
  let socket: Socket
  try {
    socket = await dial(destination)
  } catch (error) {
    return undialled(error)
  }
  const key = randomBytes(16).toString('base64')
  socket.write(
    requestHead({ ...outbound, headers: [...outbound.headers, ...handshake(key, offer)] }, destination.fields),
    'latin1',
  )
  const answer = await answerOn(socket, responseMs)
  if ('ok' in answer) {
    socket.destroy()
    return answer
  }
  if (answer.head.status !== 101) return refusalOn(socket, answer.text + END, answer.rest, responseMs)
  return joined(socket, answer, offer, key)
}

function undialled(error: unknown): UpstreamFailure {
  const message = error instanceof Error ? described(error) : String(error)
  const code =
    error instanceof AddressFault
      ? 'forward.address'
      : error instanceof DialTimeout
        ? 'forward.timeout'
        : 'forward.unreachable'
  return { ok: false, code, message, ...UNSENT }
}

function handshake(key: string, { protocols, extensions }: WebSocketOffer): string[] {
  return [
    ...['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key],
    ...(protocols === undefined ? [] : ['Sec-WebSocket-Protocol', protocols]),
    ...(extensions === undefined ? [] : ['Sec-WebSocket-Extensions', extensions]),
  ]
}

function answerOn(socket: Socket, ms: number): Promise<Answer | UpstreamFailure> {
  return new Promise(resolve => {
    const heads = new Heads()
    const done = (result: Answer | UpstreamFailure): void => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', data).off('error', failed).off('close', closed)
      resolve(result)
    }
    const fail = (code: UpstreamFailure['code'], message: string): void => done({ ok: false, code, message })
    const data = (chunk: Buffer): void => {
      const answer = heads.take(chunk)
      if (answer instanceof AnswerFault) done(malformed(answer.message))
      else if (answer !== undefined) done(answer)
    }
    const failed = (error: Error): void => fail('forward.unreachable', described(error))
    const closed = (): void => fail('forward.unreachable', 'the upstream closed the connection')
    const timer = setTimeout(() => fail('forward.timeout', `no answer to the WebSocket handshake within ${ms} ms`), ms)
    // Behind a proxy's answer it stands paused, and a listener alone would not set it going.
    socket.on('data', data).on('error', failed).on('close', closed).resume()
  })
}

/** Reads up to the head that is no interim one: those are passed over (RFC 9110 section 15.2), but for the 101. */
class Heads {
  #bytes: Buffer = EMPTY
  #interim = 0

  /** @returns `undefined` where the head has not come yet */
  take(chunk: Buffer): Answer | AnswerFault | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const answer = cutHead(this.#bytes)
      if (answer === undefined || answer instanceof AnswerFault) return answer
      const { status } = answer.head
      if (status >= 200 || status === 101) return answer
      if (++this.#interim > MAX_INTERIM) return new AnswerFault(`it sent more than ${MAX_INTERIM} interim answers`)
      this.#bytes = answer.rest
    }
  }
}

/** The head that the bytes begin with; `undefined` where its end has not come. */
function cutHead(bytes: Buffer): Answer | AnswerFault | undefined {
  const end = bytes.indexOf(END, 0, 'latin1')
  if ((end < 0 ? bytes.length : end) > MAX_HEAD) return new AnswerFault(`its head is longer than ${MAX_HEAD} bytes`)
  if (end < 0) return undefined
  const text = bytes.toString('latin1', 0, end)
  const head = readHead(text, 'GET')
  return head instanceof AnswerFault ? head : { head, text, rest: bytes.subarray(end + END.length) }
}

function malformed(message: string): UpstreamFailure {
  return { ok: false, code: 'forward.malformed', message: `the answer to the WebSocket handshake: ${message}` }
}

function joined(socket: Socket, { head, text, rest }: Answer, offer: WebSocketOffer, key: string): UpstreamResult {
  const fault = faultOfHandshake(text, offer, key)
  if (fault !== undefined) {
    socket.destroy()
    return malformed(fault)
  }
  const agreed = head.headers.filter((_text, at) => AGREED.has(head.headers[at & ~1] ?? ''))
  return { ok: true, status: 101, headers: agreed, body: EMPTY, tunnel: { socket, rest } }
}

/** The fields of a 101 that are for the sender: all else is between the upstream and the gate. */
const AGREED: ReadonlySet<string> = new Set(['sec-websocket-protocol', 'sec-websocket-extensions'])
