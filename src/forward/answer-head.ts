import { charCodeAt } from '../core/char-code.ts'
import { lowerName } from '../core/headers.ts'
import { connectionMembers, HOP_BY_HOP } from './hop-by-hop.ts'

/** How the end of an answer's body is known (RFC 9112 section 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

export interface AnswerHead {
  readonly status: number
  /** Name in lower case, value, name, value, ... without what ends at this hop; of an answer to HEAD, with its Content-Length. */
  readonly headers: string[]
  readonly framing: Framing
  /** Bytes of the body where `framing` is `length`. */
  readonly length: number
  /** Whether the connection may serve another request. */
  readonly reusable: boolean
  /** Milliseconds for which the upstream says that it keeps the connection; `undefined` where it says nothing. */
  readonly keptMs: number | undefined
}

/** Why an answer is not HTTP/1.1 that every parser reads alike, as a sentence for the operator. */
export class AnswerFault {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** More than any upstream has to say; counted, so that a head of empty fields costs no more than one of bytes. */
const MAX_FIELDS = 256

/**
 * Fields that are neither read nor passed on: those that end at this hop, those that only tell strangers what runs behind the gate, and
 * those that the gate writes itself.
 */
const DROPPED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP.filter(name => !['transfer-encoding', 'connection', 'keep-alive'].includes(name)),
  ...['date', 'server', 'x-powered-by', 'x-request-id', 'alt-svc'],
])

const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: |\r|$)/
const UNFIT = 'its head holds a control character, or a line that does not end in CRLF'
const TOKEN = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  TOKEN[char.charCodeAt(0)] = 1

/**
 * Reads the head of an answer, strictly: a head that two parsers could read in two ways gives a fault.
 *
 * @param text the status line and the fields, one byte a character, without the last line end and the empty line.
 * @param method of the request: what follows the answer to a HEAD is no body.
 */
export function readHead(text: string, method: string): AnswerHead | AnswerFault {
  let end = lineEnd(text, 0)
  if (end < 0) return new AnswerFault(UNFIT)
  if (!STATUS_LINE.test(text)) return new AnswerFault('its first line is no status line of HTTP/1.1')
  const status = Number(text.slice(9, 12))
  const old = text.charCodeAt(7) === 0x30

  const headers: string[] = []
  let length = ''
  let coding = ''
  let connection = ''
  let kept = ''
  let fields = 0
  for (let from = end + 2; from < text.length; from = end + 2) {
    end = lineEnd(text, from)
    if (end < 0) return new AnswerFault(UNFIT)
    if (++fields > MAX_FIELDS) return new AnswerFault(`its head has more than ${MAX_FIELDS} fields`)
    const colon = nameEnd(text, from)
    if (colon <= from || colon >= end || text.charCodeAt(colon) !== 0x3a)
      return new AnswerFault('its head holds a line that is no field')
    const name = lowerName(text.slice(from, colon))
    if (DROPPED.has(name)) continue
    const value = trimmed(text, colon + 1, end)
    if (name === 'content-length') {
      // Written twice, even alike, it is what a message has that was put together from two.
      if (length !== '') return new AnswerFault('it has two Content-Length fields')
      if (!/^\d{1,15}$/.test(value)) return new AnswerFault('its Content-Length is no number')
      length = value
    } else if (name === 'transfer-encoding') {
      if (coding !== '' || value.toLowerCase() !== 'chunked')
        return new AnswerFault('its Transfer-Encoding is not exactly "chunked"')
      coding = value
    } else if (name === 'connection') connection += `,${value.toLowerCase()}`
    else if (name === 'keep-alive') kept = value
    else headers.push(name, value)
  }
  if (length !== '' && coding !== '') return new AnswerFault('it has both Content-Length and Transfer-Encoding')
  if (coding !== '' && old) return new AnswerFault('it is HTTP/1.0, which knows no Transfer-Encoding')

  if (length !== '' && method === 'HEAD' && saysLength(status)) headers.push('content-length', length)

  // By far the commonest field names nothing that is left to be passed on.
  const persists = connection === ',keep-alive'
  const named = connection === '' || persists ? NONE : connectionMembers(connection)
  const framing: Framing =
    method === 'HEAD' || status < 200 || status === 204 || status === 304
      ? 'none'
      : coding !== ''
        ? 'chunked'
        : length === ''
          ? 'close'
          : 'length'
  const seconds = kept === '' ? undefined : /(?:^|[,; \t])timeout=(\d{1,6})(?:$|[,; \t])/i.exec(kept)?.[1]
  return {
    status,
    headers: named.length > 1 ? without(headers, named) : headers,
    framing,
    length: Number(length),
    reusable: framing !== 'close' && !named.includes('close') && (!old || persists || named.includes('keep-alive')),
    keptMs: seconds === undefined ? undefined : Number(seconds) * 1000,
  }
}

const NONE: readonly string[] = []

/**
 * Whether the Content-Length of an answer to HEAD is that of a GET's body (RFC 9110 section 8.6), which only the upstream
 * knows. A 204 may not have one, and nobody needs that of a 304.
 */
const saysLength = (status: number): boolean => status >= 200 && status !== 204 && status !== 304

/** Where the line ends: at CRLF, or with the text. -1 where it holds a control character, or a CR or LF on its own. */
function lineEnd(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const code = charCodeAt(text, at)
    if (code >= 0x20 ? code === 0x7f || code > 0xff : code !== 0x09) break
  }
  if (at === text.length) return at
  return charCodeAt(text, at) === 0x0d && charCodeAt(text, at + 1) === 0x0a ? at : -1
}

function nameEnd(text: string, from: number): number {
  let at = from
  while (TOKEN[charCodeAt(text, at)] === 1) at++
  return at
}

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(charCodeAt(text, start))) start++
  while (end > start && isBlank(charCodeAt(text, end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** The fields that Connection does not name: those it names end at this hop (RFC 9110 section 7.6.1). */
function without(headers: readonly string[], named: readonly string[]): string[] {
  return headers.filter((_text, at) => !named.includes(headers[at & ~1] ?? ''))
}
