import { pipeline } from 'node:stream/promises'
import type { DenialSpec, ReplyHeaders } from '../core/decision.ts'
import { FieldLines } from '../core/field-lines.ts'
import { RepeatedText } from '../core/repeated-text.ts'
import type { UpstreamAnswer } from '../forward/upstream.ts'
import type { Refusal } from '../pipeline/walk.ts'
import type { Incoming } from './http/incoming.ts'
import type { RequestBody } from './request-body.ts'

/** Up to here it is cheaper to read what a refused sender still sends than to open a connection anew. */
const DISCARD_BYTES = 64 * 1024
const NONE: readonly string[] = []

/** RFC 9457. The sender learns the title and the code, and of his own request what a bridge can't send. */
export function problemBody(refusal: Refusal, requestId: string): string {
  return `${refusal.detail === undefined ? problemOf(refusal).begin : problemBegin(refusal)}${requestId}"}`
}

function problemBegin({ code, spec, detail }: Refusal): string {
  const more = detail === undefined ? '' : `"detail":${JSON.stringify(detail)},`
  return `{"type":"urn:sallyport:${code}","title":"${spec.title}",${more}"status":${spec.status},"code":"${code}","request-id":"`
}

/** What the problems of one code have in common, and those that tell the same in their fields. */
interface Problem {
  readonly code: string
  /** Up to the request id. */
  readonly begin: string
  headers: ReplyHeaders | undefined
  readonly fields: RepeatedText
}

const problems = new WeakMap<DenialSpec, Problem>()
const fieldLines = new FieldLines()

function problemOf(refusal: Refusal): Problem {
  const { code, spec, headers } = refusal
  const known = problems.get(spec)
  if (known?.code === code) return known
  // One text, where one that is joined would be gone through whenever it is written.
  const begin = Buffer.from(problemBegin({ ...refusal, detail: undefined })).toString()
  const made = { code, begin, headers, fields: new RepeatedText() }
  made.fields.renew(problemFields(refusal))
  problems.set(spec, made)
  return made
}

function problemFields({ spec, headers }: Refusal): string {
  const fields = ['Content-Type', 'application/problem+json', 'Cache-Control', 'no-store']
  append(fields, spec.headers)
  append(fields, headers)
  return fieldLines.all(fields)
}

/** The fields of a refusal's answer as they are written. Whatever refuses gives the same object for what it has told before. */
function fieldsOf(refusal: Refusal): string {
  const problem = problemOf(refusal)
  if (problem.headers === refusal.headers) return problem.fields.again()
  const fields = problemFields(refusal)
  problem.headers = refusal.headers
  return problem.fields.renew(fields)
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
  // Titles and codes are ASCII (test/pipeline/denials.test.ts), so that text and bytes are one.
  const body = refusal.detail === undefined ? text : Buffer.from(text)
  return send(connection, refusal.spec.status, NONE, body, requestId, fieldsOf(refusal))
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

/**
 * @param content as text one byte a character; `undefined`: nothing, and no length is said
 * @param lines more fields as they are written
 */
function send(
  connection: Connection,
  status: number,
  headers: readonly string[],
  content: Buffer | string | undefined,
  requestId: string,
  lines = '',
): number {
  const { req, body, keepAlive } = connection
  const written = status === 204 || status === 304 ? undefined : content
  const sent = req.connection.answer(
    status,
    headers,
    written,
    mustClose(connection),
    keepAlive,
    `${lines}X-Request-Id: ${requestId}\r\n`,
  )
  if (body?.unread) body.discard()
  return sent ? (written?.length ?? 0) : 0
}

function mustClose({ close, body, req }: Connection): boolean {
  if (close || body?.fault !== undefined) return true
  if (!body?.unread) return false
  return req.expect !== '' || (body.length ?? Number.POSITIVE_INFINITY) > DISCARD_BYTES
}
