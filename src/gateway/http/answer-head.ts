import { systemClock } from '../../core/clock.ts'
import { FieldLines } from '../../core/field-lines.ts'
import { http } from '../../core/http.ts'

const REASONS: Readonly<Record<number, string | undefined>> = http.STATUS_CODES

let dateAt = 0
let date = ''

/** The Date field (RFC 9110 section 6.6.1) and the empty line, made once a second. @param now epoch milliseconds */
function dateOf(now: number): string {
  if (now < dateAt || now - dateAt >= 1000) {
    dateAt = now - (now % 1000)
    date = `Date: ${new Date(dateAt).toUTCString()}\r\n\r\n`
  }
  return date
}

const lines = new Map<number, string>()

function statusLine(status: number): string {
  let line = lines.get(status)
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`
    lines.set(status, line)
  }
  return line
}

const fieldLines = new FieldLines()

/**
 * The head of an answer as it goes over the wire, one byte a character, with its Date and the empty line.
 *
 * @param fields name, value, name, value, ...
 * @param own the connection's own fields as they are written, with their line ends
 * @throws where a field can't be written
 */
export function answerHead(status: number, fields: readonly string[], own: string, now = systemClock.now()): string {
  return statusLine(status) + fieldLines.all(fields) + own + dateOf(now)
}

let keptFor: string | undefined
let kept = 'Connection: keep-alive\r\n'

/** The fields that say whether the connection is kept. @param keepAlive the value of Keep-Alive; `undefined`: none */
export function connectionFields(ends: boolean, keepAlive: string | undefined): string {
  if (ends) return 'Connection: close\r\n'
  if (keepAlive !== keptFor) {
    keptFor = keepAlive
    kept = `Connection: keep-alive\r\n${keepAlive === undefined ? '' : `Keep-Alive: ${keepAlive}\r\n`}`
  }
  return kept
}

/** An answer of the gate's own that ends its connection. @param text one byte a character */
export function lastAnswer(status: number, fields: readonly string[], text: string): string {
  return answerHead(status, fields, `Content-Length: ${text.length}\r\n${connectionFields(true, undefined)}`) + text
}

/** Above, copying a body costs more than a second piece. */
const ONE_PIECE_BYTES = 16 * 1024

/** A body as text to be written behind its head, one byte a character; `undefined` where it is too large for that. */
export function inOnePiece(body: Buffer | string | undefined): string | undefined {
  if (body === undefined || typeof body === 'string') return body ?? ''
  return body.length <= ONE_PIECE_BYTES ? body.toString('latin1') : undefined
}
