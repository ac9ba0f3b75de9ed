import { FieldLines } from '../../core/field-lines.ts'
import { http } from '../../core/http.ts'

const REASONS: Readonly<Record<number, string | undefined>> = http.STATUS_CODES

let dateAt = 0
let date = ''

/** The Date field's value (RFC 9110 section 6.6.1), made once a second. @param now epoch milliseconds */
function dateOf(now: number): string {
  if (now < dateAt || now - dateAt >= 1000) {
    dateAt = now - (now % 1000)
    date = new Date(dateAt).toUTCString()
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
 * @throws where a field can't be written: a line break in one would begin another field or answer
 */
export function answerHead(status: number, fields: readonly string[], own: string, now = Date.now()): string {
  let text = statusLine(status)
  for (let i = 0; i < fields.length; i += 2) {
    const line = fieldLines.line(i >> 1, fields[i] ?? '', fields[i + 1] ?? '')
    if (line === undefined) throw new Error(`the field ${fields[i]} of an answer can't be written`)
    text += line
  }
  return `${text}${own}Date: ${dateOf(now)}\r\n\r\n`
}

/** The fields that say whether the connection is kept. @param keepAlive the value of Keep-Alive; `undefined`: none */
export function connectionFields(ends: boolean, keepAlive: string | undefined): string {
  if (ends) return 'Connection: close\r\n'
  return keepAlive === undefined
    ? 'Connection: keep-alive\r\n'
    : `Connection: keep-alive\r\nKeep-Alive: ${keepAlive}\r\n`
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
