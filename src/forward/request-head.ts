import { FieldLines } from '../core/field-lines.ts'
import type { Outbound } from './normalise.ts'

/** What no target may hold: a line break in one would begin a field, or another request. */
const UNFIT_TARGET = /[^\x21-\x7e]/

const fieldLines = new FieldLines()

/**
 * The head of one request (RFC 9112), one byte a character.
 *
 * @param prepared the Host field and what else every request to this upstream has, with its line ends.
 * @throws where the target or a field can't be written: a bug, as the request policy and `normalise` let none through.
 */
export function requestHead(outbound: Outbound, prepared: string): string {
  const { method, path, headers, body } = outbound
  if (UNFIT_TARGET.test(path)) throw new Error('the request target holds a character that no target may hold')
  const text = `${method} ${path} HTTP/1.1\r\n${prepared}${fieldLines.all(headers)}`
  const streamed = outbound.streams?.body
  if (streamed) {
    const framing = streamed.length === undefined ? 'transfer-encoding: chunked' : `content-length: ${streamed.length}`
    return `${text}${framing}\r\n\r\n`
  }
  if (body !== undefined) return `${text}content-length: ${body.length}\r\n\r\n`
  // A method that usually has a body says that there is none (RFC 9110 section 8.6).
  return method === 'GET' || method === 'HEAD' ? `${text}\r\n` : `${text}content-length: 0\r\n\r\n`
}
