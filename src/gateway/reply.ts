import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { ReplyHeaders } from '../core/decision.ts'
import type { UpstreamAnswer } from '../forward/upstream.ts'
import type { Refusal } from '../pipeline/walk.ts'
import type { Incoming } from './incoming.ts'
import type { RequestBody } from './request-body.ts'

/** Bytes and milliseconds for which a refused sender may go on sending before the connection is cut. */
const LINGER_BYTES = 4 * 1024 * 1024
const LINGER_MS = 1_000
/** Up to here it is cheaper to read what a refused sender still sends than to open a connection anew. */
const DISCARD_BYTES = 64 * 1024

/** Above, copying the body costs more than a second piece. */
const ONE_PIECE_BYTES = 16 * 1024

/** RFC 9457. The sender learns the title and the code, and of his own request what a bridge can't send. */
export function problemBody(refusal: Refusal, requestId: string): string {
  const { code, spec, detail } = refusal
  const more = detail === undefined ? '' : `"detail":${JSON.stringify(detail)},`
  return `{"type":"urn:sallyport:${code}","title":"${spec.title}",${more}"status":${spec.status},"code":"${code}","request-id":"${requestId}"}`
}

export interface Connection {
  readonly req: Incoming
  readonly res: ServerResponse
  /** `undefined` where the request was no request, and its body was never looked for. */
  readonly body: RequestBody | undefined
  /** Of an answer that ends the connection `broken` is set: what follows is not a request (RFC 9112 section 9.6). */
  readonly busy: { broken: boolean }
  /** Whether the connection must not be used again. */
  readonly close: boolean
  /** The Keep-Alive field where it may be; `undefined`: none. */
  readonly keepAlive: string | undefined
}

/** Writes a refusal; gives the body's bytes. */
export function replyRefusal(connection: Connection, refusal: Refusal, requestId: string): number {
  const text = problemBody(refusal, requestId)
  const headers = ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store']
  append(headers, refusal.spec.headers)
  append(headers, refusal.headers)
  // Titles and codes are ASCII (test/pipeline/denials.test.ts), so that text and bytes are one.
  const body = refusal.detail === undefined ? text : Buffer.from(text)
  return send(connection, refusal.spec.status, headers, body, requestId)
}

/** Writes an answer of the gate's own; gives the body's bytes. */
export function replyItself(
  connection: Connection,
  status: number,
  extra: ReplyHeaders,
  text: string,
  requestId: string,
): number {
  const headers: string[] = []
  append(headers, extra)
  return send(connection, status, headers, Buffer.from(text), requestId)
}

/** Passes the upstream's answer on; gives the body's bytes once it's written. */
export function replyAnswer(
  connection: Connection,
  answer: UpstreamAnswer,
  extra: ReplyHeaders,
  requestId: string,
): number | Promise<number> {
  append(answer.headers, extra)
  if (Buffer.isBuffer(answer.body)) return send(connection, answer.status, answer.headers, answer.body, requestId)
  answer.headers.push('X-Request-Id', requestId)
  if (connection.close) answer.headers.push('Connection', 'close')
  else if (connection.keepAlive !== undefined && connection.res.shouldKeepAlive)
    answer.headers.push('Keep-Alive', connection.keepAlive)
  connection.res.writeHead(answer.status, answer.headers)
  let bytes = 0
  answer.body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  // An upstream that breaks off destroys the response: the sender sees a cut connection, not a whole 200.
  return pipeline(answer.body, connection.res).then(
    () => bytes,
    () => bytes,
  )
}

function append(headers: string[], extra: ReplyHeaders | undefined): void {
  if (extra === undefined) return
  for (const [name, value] of extra) headers.push(name, value)
}

/** @param content as text one byte a character */
function send(
  connection: Connection,
  status: number,
  headers: string[],
  content: Buffer | string,
  requestId: string,
): number {
  const { req, res, body } = connection
  if (res.destroyed || res.headersSent) return 0
  headers.push('X-Request-Id', requestId)
  const bodiless = status === 204 || status === 304
  if (!bodiless) headers.push('Content-Length', String(content.length))
  if (mustClose(connection)) {
    connection.busy.broken = true
    headers.push('Connection', 'close')
    linger(req, body)
  } else {
    if (connection.keepAlive !== undefined && res.shouldKeepAlive) headers.push('Keep-Alive', connection.keepAlive)
    if (body?.unread) body.discard()
  }
  res.writeHead(status, headers)
  if (bodiless || req.method === 'HEAD') res.end()
  // Text of the head's own encoding is joined to it: one write of one piece, where a buffer would be a second piece.
  else if (typeof content === 'string') res.end(content, 'latin1')
  else if (content.length <= ONE_PIECE_BYTES) res.end(content.toString('latin1'), 'latin1')
  else res.end(content)
  return bodiless ? 0 : content.length
}

function mustClose({ close, body, req }: Connection): boolean {
  if (close) return true
  if (!body?.unread) return false
  return req.headers.expect !== undefined || (body.length ?? Number.POSITIVE_INFINITY) > DISCARD_BYTES
}

/**
 * Closing while the sender still sends makes the kernel throw the answer away (RFC 9112 section 9.6), so the rest is
 * read and dropped for a moment after the answer was written.
 */
function linger(req: Incoming, body: RequestBody | undefined): void {
  const socket = req.socket
  let dropped = 0
  // Node calls this when the response has been handed to the kernel.
  socket.destroySoon = () => {
    if (socket.destroyed) return
    socket.end()
    if (req.readableEnded || req.errored) {
      if (socket.writableFinished) socket.destroy()
      else socket.once('finish', () => socket.destroy())
      return
    }
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    const count = (chunk: Buffer): void => {
      dropped += chunk.length
      if (dropped > LINGER_BYTES) socket.destroy()
    }
    // It may still be collected for a capture.
    const data = (chunk: Buffer): boolean => {
      count(chunk)
      body?.data(chunk)
      return true
    }
    socket.once('close', () => clearTimeout(timer))
    if (!req.divert({ data, end: () => body?.end(), broken: () => body?.broken() })) req.on('data', count).resume()
  }
}
