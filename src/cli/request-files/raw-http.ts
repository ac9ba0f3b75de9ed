import { type FileRequest, fileFault, headerOf, methodOf, placeOf } from './file-request.ts'

const REQUEST_LINE = /([A-Z]{3,20}) (\S+) HTTP\/1\.[01]\r?\n/
const MOST_HEADERS = 1000

/**
 * A request as it went over the wire: typed, saved from nc or copied out of tcpdump -A. What stands before its first line
 * is passed over, and the body is taken byte by byte.
 * @throws VerbFault
 */
export function readRawHttp(bytes: Buffer): FileRequest {
  const text = bytes.toString('latin1')
  const found = REQUEST_LINE.exec(text)
  if (found === null) throw fileFault('there is no request line', 'begin with e.g. POST /path HTTP/1.1')
  const line = lineAt(text, found.index)
  const [all, method = '', target = ''] = found
  const headers: (readonly [string, string])[] = []
  let at = found.index + all.length
  let headEnded = false
  while (at < text.length && headers.length < MOST_HEADERS) {
    const end = text.indexOf('\n', at)
    const row = text.slice(at, end < 0 ? text.length : end).replace(/\r$/, '')
    at = end < 0 ? text.length : end + 1
    if (row === '') {
      headEnded = true
      break
    }
    headers.push(headerOf(row, line + headers.length + 1))
  }
  return finished(methodOf(method, line), target, headers, headEnded ? bytes.subarray(at) : Buffer.alloc(0))
}

/** What `curl -v` prints: the head behind ">", the answer behind "<"; it does not print the body. @throws VerbFault */
export function readVerbose(text: string): FileRequest {
  const rows = text.split(/\r?\n/)
  const start = rows.findIndex(row => /^> [A-Z]+ \S+ HTTP\//.test(row))
  if (start < 0) throw fileFault('there is no request line behind ">"', 'copy all that curl -v prints')
  const [method = '', target = '', version = ''] = (rows[start] ?? '').slice(2).split(' ')
  const headers: (readonly [string, string])[] = []
  for (let at = start + 1; at < rows.length; at++) {
    const row = rows[at] ?? ''
    if (row === '>' || row === '> ' || !row.startsWith('> ')) break
    headers.push(headerOf(row.slice(2), at + 1))
  }
  const status = Number(/^< HTTP\/[\d.]+ (\d{3})/m.exec(text)?.[1] ?? Number.NaN)
  const request = finished(methodOf(method, start + 1), target, headers, Buffer.alloc(0))
  const announced = headers.some(([name, value]) => name.toLowerCase() === 'content-length' && value !== '0')
  return {
    ...request,
    encrypted: /^\* (SSL|ALPN|TLS)/m.test(text) || version === 'HTTP/2',
    cut: announced,
    status: Number.isNaN(status) ? undefined : status,
    limits: announced
      ? ['curl -v prints no body, so nothing is tried over it; the command itself, or --trace, has it.']
      : [],
  }
}

/** A request of which the head is read: its body is what its length says. */
function finished(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
  rest: Buffer,
): FileRequest {
  const place = placeOf(target)
  const field = (name: string): string | undefined => headers.find(([one]) => one.toLowerCase() === name)?.[1]
  const limits: string[] = []
  let body = rest
  let cut = false
  const length = field('content-length')
  if (/chunked/i.test(field('transfer-encoding') ?? '')) {
    const joined = dechunked(rest)
    if (joined) body = joined
    else limits.push('Transfer-Encoding says chunked, and the file has no chunks: its body is taken as it stands.')
  } else if (length !== undefined && /^\d{1,15}$/.test(length)) {
    const announced = Number(length)
    if (rest.length > announced) {
      body = rest.subarray(0, announced)
      // An editor ends the last line.
      if (!/^[\r\n]*$/.test(rest.toString('latin1', announced)))
        limits.push(
          `Content-Length says ${announced} bytes, and the file has ${rest.length}: what is more was left out.`,
        )
    } else if (rest.length < announced) {
      cut = true
      limits.push(
        `Content-Length says ${announced} bytes, and the file has ${rest.length}: nothing is tried over the body.`,
      )
    }
  }
  return {
    ...place,
    authority: place.authority ?? field('host'),
    label: `${method} ${place.target.replace(/\?.*$/s, '')}`,
    method,
    headers,
    body,
    cut,
    limits,
  }
}

/** `undefined` where it is not in chunks (RFC 9112 section 7.1). */
function dechunked(rest: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = rest.indexOf('\n', at)
    if (end < 0) return undefined
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?\r?$/i.exec(rest.toString('latin1', at, end))?.[1]
    if (size === undefined) return undefined
    const bytes = Number.parseInt(size, 16)
    at = end + 1
    if (bytes === 0) return Buffer.concat(parts)
    if (at + bytes > rest.length) return undefined
    parts.push(rest.subarray(at, at + bytes))
    at += bytes
    if (rest[at] === 0x0d) at++
    if (rest[at] !== 0x0a) return undefined
    at++
  }
}

const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length
