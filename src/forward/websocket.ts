import { hash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { AddressFault } from './address-guard.ts'
import { AnswerFault, readHead } from './answer-head.ts'
import { type Destination, described, dial } from './dial.ts'
import { UNSENT, type UpstreamFailure, type UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'
import { requestHead } from './request-head.ts'

/** What of a sender's WebSocket handshake the two ends agree on with each other (RFC 6455 section 4.1). */
export interface WebSocketOffer {
  readonly protocols: string | undefined
  readonly extensions: string | undefined
}

/** A WebSocket that the upstream has taken: its bytes from now on are frames. */
export interface Tunnel {
  readonly socket: Socket
  /** Frames that came with the answer. */
  readonly rest: Buffer
}

const MAX_HEAD = 32 * 1024
const EMPTY = Buffer.alloc(0)

/** Sec-WebSocket-Accept (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64')
}

/**
 * Asks an upstream for a WebSocket, on a connection of its own, with the gate's own fields and key. An upstream that does
 * not take it has its status and fields passed on.
 *
 * @param responseMs milliseconds until it has answered
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
    const code = error instanceof AddressFault ? 'forward.address' : 'forward.unreachable'
    return { ok: false, code, message: error instanceof Error ? described(error) : String(error), ...UNSENT }
  }
  const key = randomBytes(16).toString('base64')
  socket.write(
    requestHead({ ...outbound, headers: [...outbound.headers, ...handshake(key, offer)] }, destination.fields),
    'latin1',
  )
  const answer = await answerOn(socket, responseMs)
  if (!('head' in answer)) {
    socket.destroy()
    return answer
  }
  return judge(socket, answer.head, answer.rest, key)
}

function handshake(key: string, { protocols, extensions }: WebSocketOffer): string[] {
  return [
    ...['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', key],
    ...(protocols === undefined ? [] : ['Sec-WebSocket-Protocol', protocols]),
    ...(extensions === undefined ? [] : ['Sec-WebSocket-Extensions', extensions]),
  ]
}

/** The head of the answer, one byte a character, and what came behind it. */
function answerOn(socket: Socket, ms: number): Promise<{ head: string; rest: Buffer } | UpstreamFailure> {
  return new Promise(resolve => {
    let bytes: Buffer = EMPTY
    const done = (result: { head: string; rest: Buffer } | UpstreamFailure): void => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', data).off('error', failed).off('close', closed)
      resolve(result)
    }
    const fail = (code: UpstreamFailure['code'], message: string): void => done({ ok: false, code, message })
    const data = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n', 0, 'latin1')
      if (end >= 0) done({ head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + 4) })
      else if (bytes.length > MAX_HEAD) fail('forward.malformed', `its head is longer than ${MAX_HEAD} bytes`)
    }
    const failed = (error: Error): void => fail('forward.unreachable', described(error))
    const closed = (): void => fail('forward.unreachable', 'the upstream closed the connection')
    const timer = setTimeout(() => fail('forward.timeout', `no answer to the WebSocket handshake within ${ms} ms`), ms)
    // Behind a proxy's answer it stands paused, and a listener alone would not set it going.
    socket.on('data', data).on('error', failed).on('close', closed).resume()
  })
}

function judge(socket: Socket, text: string, rest: Buffer, key: string): UpstreamResult {
  const head = readHead(text, 'GET')
  const malformed = (message: string): UpstreamFailure => {
    socket.destroy()
    return { ok: false, code: 'forward.malformed', message: `the answer to the WebSocket handshake: ${message}` }
  }
  if (head instanceof AnswerFault) return malformed(head.message)
  if (head.status !== 101) {
    socket.destroy()
    if (head.status < 200) return malformed(`it is ${head.status}`)
    return { ok: true, status: head.status, headers: head.headers, body: EMPTY }
  }
  const accepts = valuesOf(head.headers, 'sec-websocket-accept')
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key)) return malformed('its Sec-WebSocket-Accept is wrong')
  if (!/^upgrade:[ \t]*websocket[ \t]*\r?$/im.test(text)) return malformed('it does not upgrade to websocket')
  const headers = [
    ...fieldsOf(head.headers, 'sec-websocket-protocol'),
    ...fieldsOf(head.headers, 'sec-websocket-extensions'),
  ]
  return { ok: true, status: 101, headers, body: EMPTY, tunnel: { socket, rest } }
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_text, at) => at % 2 === 1 && headers[at - 1] === name)
}

function fieldsOf(headers: readonly string[], name: string): string[] {
  return valuesOf(headers, name).flatMap(value => [name, value])
}
