import { isIP } from 'node:net'
import { charCodeAt } from '../core/char-code.ts'
import { copied } from '../core/copied.ts'
import { isFieldValue } from '../core/field-value.ts'
import type { Headers } from '../core/headers.ts'

/**
 * The request policy: what the parser lets through but two parsers may read in two ways is refused here, before any
 * route is looked up (RFC 9112 sections 3.2, 6.1, 6.3 and 11.2; RFC 9110 sections 4.2.3 and 5.5).
 */
export interface HeadFacts {
  readonly path: string
  readonly query: string
  /** Lower case, without the port. */
  readonly host: string
  readonly authority: string
  /** `undefined` for a chunked body. */
  readonly contentLength: number | undefined
}

/** The rule that the request breaks, as a sentence for the operator. */
export class PolicyFault {
  readonly rule: string
  readonly kind: 'malformed' | 'too-large' | 'no-source'
  constructor(rule: string, kind: PolicyFault['kind'] = 'malformed') {
    this.rule = rule
    this.kind = kind
  }
}

/** The refusal that each kind of fault stands for. */
export const POLICY_CODE = {
  malformed: 'request.malformed',
  'too-large': 'request.too-large',
  'no-source': 'request.no-source',
} as const satisfies Record<PolicyFault['kind'], string>

const bad = (rule: string): PolicyFault => new PolicyFault(rule)

const MAX_NAME = 256

/** Fields of which a request has at most one, each with a bit of its own. */
const SINGLE: ReadonlyMap<string, number> = new Map(
  ['authorization', 'content-encoding', 'content-length', 'content-type', 'expect', 'host', 'transfer-encoding'].map(
    (name, at) => [name, 1 << at],
  ),
)

export function checkHead(
  method: string,
  target: string,
  version: string,
  headers: Headers,
  maxHeaders: number,
): HeadFacts | PolicyFault {
  if (headers.size > maxHeaders) return new PolicyFault(`more than ${maxHeaders} header fields`, 'too-large')
  if (version !== '1.1' && version !== '1.0') return bad('the version is neither HTTP/1.1 nor HTTP/1.0')
  const framing = checkFields(headers, version)
  if (framing instanceof PolicyFault) return framing
  const { contentLength, authority } = framing

  const host = hostOf(authority)
  if (host === undefined) return bad('the Host field is no host and port')

  if (method === 'CONNECT' || charCodeAt(target, 0) !== 0x2f) return bad('the request target is not a path')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const fault = checkPath(path) ?? (query === '' ? undefined : checkQuery(query))
  return fault ?? { path, query, host, authority, contentLength }
}

/** Where the fields of the framing stand in a head of certain names, or what is wrong with the names; -1: nowhere. */
interface Layout {
  readonly names: readonly string[]
  readonly fault: PolicyFault | undefined
  readonly length: number
  readonly coding: number
  readonly host: number
  /** By place: whether its value is never a secret. */
  readonly open: readonly boolean[]
}

/** Fields that carry no credential. How far a value agrees with the one before may be told by time, so of others it is not asked. */
const OPEN: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
  'user-agent',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

/** Of the head before: most have the same names, and many of the same values. */
let layout: Layout = { names: [], fault: undefined, length: -1, coding: -1, host: -1, open: [] }
let values: string[] = []

function layoutOf(names: readonly string[]): Layout {
  const at = { length: -1, coding: -1, host: -1, open: names.map(name => OPEN.has(name)) }
  let seen = 0
  for (const [i, name] of names.entries()) {
    if (name.length > MAX_NAME)
      return { names, ...at, fault: new PolicyFault(`a field name is longer than ${MAX_NAME} bytes`, 'too-large') }
    const bit = SINGLE.get(name)
    if (bit !== undefined) {
      if ((seen & bit) !== 0) return { names, ...at, fault: bad(`the field ${name} comes twice`) }
      seen |= bit
      if (name === 'content-length') at.length = i
      else if (name === 'transfer-encoding') at.coding = i
      else if (name === 'host') at.host = i
    } else if (name.includes('_')) {
      const alias = name.replaceAll('_', '-')
      // Servers behind CGI read both spellings as one.
      if (alias === 'content-length' || alias === 'transfer-encoding' || alias === 'host')
        return { names, ...at, fault: bad(`the field ${name} can be taken for ${alias}`) }
    }
  }
  return { names, ...at, fault: undefined }
}

function checkFields(
  headers: Headers,
  version: string,
): { contentLength: number | undefined; authority: string } | PolicyFault {
  if (headers.names !== layout.names) {
    layout = layoutOf(headers.names)
    values = new Array(headers.size).fill('')
  }
  if (layout.fault !== undefined) return layout.fault
  for (let i = 0; i < headers.size; i++) {
    const value = headers.valueAt(i)
    const open = layout.open[i] === true
    if (open && value === values[i]) continue
    // Control characters end a line somewhere, or are nowhere meant. The bytes 80-9f are left in: UTF-8 text holds them.
    if (!isFieldValue(value)) return bad(`the field ${headers.nameAt(i)} holds a control character`)
    if (open) values[i] = value
  }
  const length = layout.length < 0 ? undefined : headers.valueAt(layout.length)
  const coding = layout.coding < 0 ? undefined : headers.valueAt(layout.coding)
  const authority = layout.host < 0 ? undefined : headers.valueAt(layout.host)
  if (authority === undefined) return bad('there is no Host field')
  if (coding !== undefined) {
    if (length !== undefined) return bad('both Content-Length and Transfer-Encoding are there')
    if (coding.toLowerCase() !== 'chunked') return bad('the Transfer-Encoding is not exactly "chunked"')
    if (version === '1.0') return bad('HTTP/1.0 knows no Transfer-Encoding')
    return { contentLength: undefined, authority }
  }
  if (length === undefined) return { contentLength: 0, authority }
  const bytes = bytesOf(length)
  return bytes < 0 ? bad('the Content-Length is no number') : { contentLength: bytes, authority }
}

/** A Content-Length; negative where it is none. By hand: a regular expression and `Number` cost several times as much. */
function bytesOf(length: string): number {
  if (length.length === 0 || length.length > 15) return -1
  let bytes = 0
  for (let i = 0; i < length.length; i++) {
    const digit = charCodeAt(length, i) - 0x30
    if (digit < 0 || digit > 9) return -1
    bytes = bytes * 10 + digit
  }
  return bytes
}

const HOSTS_LIMIT = 1024
// A gate serves a few names; a stranger can't grow the table past its limit.
const hosts = new Map<string, string>()

/** The host of a Host field, lower case and without its port; `undefined` where it is none (RFC 9110 section 7.2). */
export function hostOf(authority: string): string | undefined {
  const known = hosts.get(authority)
  if (known !== undefined) return known
  const match = /^(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?\.?)(?::(\d{1,5}))?$/.exec(
    authority,
  )
  const name = match?.[1]
  if (name === undefined) return undefined
  const port = match?.[2]
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined
  if (name.startsWith('[') && isIP(name.slice(1, -1)) !== 6) return undefined
  if (name.includes('..')) return undefined
  const host = name.toLowerCase()
  if (hosts.size < HOSTS_LIMIT) hosts.set(copied(authority), copied(host))
  return host
}

const PATH = 1
const QUERY = 2
const ALLOWED = new Uint8Array(128)
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@/")
  ALLOWED[char.charCodeAt(0)] = PATH | QUERY
for (const char of '?;[]{}|') ALLOWED[char.charCodeAt(0)] = QUERY

/** A path is taken only in the one form that every server reads alike: nothing is resolved, merged or decoded. */
function checkPath(path: string): PolicyFault | undefined {
  let encoded = false
  for (let i = 0; i < path.length; i++) {
    const code = charCodeAt(path, i)
    if (code === 0x25) encoded = true
    else if (code > 127 || ((ALLOWED[code] ?? 0) & PATH) === 0)
      return bad('the path holds a character that must be percent-encoded, or a ";"')
    else if (code === 0x2f) {
      const next = charCodeAt(path, i + 1)
      if (next === 0x2f) return bad('the path holds an empty segment')
      // "." and ".." as whole segments.
      if (next === 0x2e && /^\/\.{1,2}(\/|$)/.test(path.slice(i, i + 4))) return bad('the path holds a dot segment')
    }
  }
  return encoded ? checkEscapes(path) : undefined
}

function checkEscapes(path: string): PolicyFault | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return bad('the path holds a broken percent escape')
  }
  for (const triplet of path.match(/%../g) ?? []) {
    const byte = Number.parseInt(triplet.slice(1), 16)
    const char = String.fromCharCode(byte)
    // Encoded separators and letters that need no encoding are another spelling of another path.
    if (byte < 0x21 ? byte !== 0x20 : byte === 0x7f || /[A-Za-z0-9\-._~/\\%;?#]/.test(char))
      return bad(`the path holds the escape ${triplet}, which some servers decode and some do not`)
  }
  return decoded.endsWith(' ') || /\/ | \//.test(decoded)
    ? bad('a path segment starts or ends with a space')
    : undefined
}

function checkQuery(query: string): PolicyFault | undefined {
  for (let i = 0; i < query.length; i++) {
    const code = charCodeAt(query, i)
    if (code === 0x25) {
      if (!/^[0-9a-fA-F]{2}$/.test(query.slice(i + 1, i + 3))) return bad('the query holds a broken percent escape')
    } else if (code > 127 || ((ALLOWED[code] ?? 0) & QUERY) === 0)
      return bad('the query holds a character that must be percent-encoded')
  }
  return undefined
}
