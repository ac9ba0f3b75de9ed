import { pipeline } from 'node:stream/promises'
import type { ReplyHeaders } from '../core/decision.ts'
import type { UpstreamAnswer } from '../forward/upstream.ts'
import type { Refusal } from '../pipeline/walk.ts'
import type { Incoming } from './http/incoming.ts'
import type { RequestBody } from './request-body.ts'

/** Up to here it is cheaper to read what a refused sender still sends than to open a connection anew. */
const DISCARD_BYTES = 64 * 1024

/** RFC 9457. The sender learns the title and the code, and of his own request what a bridge can't send. */
export function problemBody(refusal: Refusal, requestId: string): string {
  const { code, spec, detail } = refusal
  const more = detail === undefined ? '' : `"detail":${JSON.stringify(detail)},`
  return `{"type":"urn:sallyport:${code}","title":"${spec.title}",${more}"status":${spec.status},"code":"${code}","request-id":"${requestId}"}`
}

export interface Connection {
  readonly req: Incoming
  /** `undefined` where the request was no request, and its body was never looked for. */
  readonly body: RequestBody | undefined
  /** Whether the connection must not be used again (RFC 9112 section 9.6). */
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
  const { req, body, keepAlive } = connection
  if (Buffer.isBuffer(answer.body)) {
    // What a GET would have had is told by the upstream, among the fields, or by nobody (RFC 9110 section 8.6).
    const content = req.method === 'HEAD' ? undefined : answer.body
    return send(connection, answer.status, answer.headers, content, requestId)
  }
  answer.headers.push('X-Request-Id', requestId)
  const stream = req.connection.answerStream(answer.status, answer.headers, connection.close, keepAlive)
  if (stream === undefined) {
    answer.body.on('error', () => undefined).destroy()
    return 0
  }
  let bytes = 0
  answer.body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  const done = (): number => {
    // Up to here a body that streams may have gone on.
    if (body?.unread) body.discard()
    return bytes
  }
  // An upstream that breaks off destroys the stream: the sender sees a cut connection, not a whole 200.
  return pipeline(answer.body, stream).then(done, done)
}

function append(headers: string[], extra: ReplyHeaders | undefined): void {
  if (extra === undefined) return
  for (const [name, value] of extra) headers.push(name, value)
}

/** @param content as text one byte a character; `undefined`: nothing, and no length is said */
function send(
  connection: Connection,
  status: number,
  headers: string[],
  content: Buffer | string | undefined,
  requestId: string,
): number {
  const { req, body, keepAlive } = connection
  headers.push('X-Request-Id', requestId)
  const written = status === 204 || status === 304 ? undefined : content
  const sent = req.connection.answer(status, headers, written, mustClose(connection), keepAlive)
  if (body?.unread) body.discard()
  return sent ? (written?.length ?? 0) : 0
}

function mustClose({ close, body, req }: Connection): boolean {
  if (close || body?.fault !== undefined) return true
  if (!body?.unread) return false
  return req.expect !== '' || (body.length ?? Number.POSITIVE_INFINITY) > DISCARD_BYTES
}
