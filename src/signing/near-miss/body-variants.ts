import { hash } from 'node:crypto'
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { BodyRequest } from '../../core/request.ts'
import type { Budget } from './budget.ts'
import { type Difference, distinct, type Variant } from './difference.ts'
import { withoutEntities } from './entities.ts'
import { COMPACT, JSON_STYLES, SPACED } from './json-styles.ts'
import { orders, readTree, reordered, writeTree } from './json-tokens.ts'

const BOM = Buffer.from('\ufeff')
const MOST_DECODED = 8 * 1024 * 1024
/** Larger bodies are read as JSON by nobody for an explanation. */
const MOST_PARSED = 2 * 1024 * 1024

const LET_THROUGH =
  'let what stands between sender and gate (a proxy, a function, an integration platform) pass the bytes on as they are; if nothing does, the sender signs another text than it sends'

/**
 * The bodies that the sender may have signed instead of the one that came; first, with no difference, that one. The
 * likeliest come first, and none is made before it is asked for.
 */
export function* bodyVariants(request: BodyRequest, budget: Budget): Generator<Variant<Buffer>> {
  const { raw } = request
  yield* distinct(
    (function* () {
      yield { value: raw, differs: [] } as const
      for (const [cause, phrase, body] of candidates(request)) {
        // Making it costs about as much as hashing it.
        if (!budget.take(body.length)) return
        yield { value: body, differs: [differenceOf(cause, phrase, raw, body)] }
      }
    })(),
    body => hash('sha256', body, 'base64'),
  )
}

type Candidate = readonly [cause: string, phrase: string, body: Buffer]

function* candidates(request: BodyRequest): Generator<Candidate> {
  const { raw } = request
  yield* ends(raw)
  const plain = decoded(request)
  if (plain) yield ['body-coding', 'over the body before it was compressed', plain]
  yield* rewrites(plain ?? raw)
  yield* texts(raw)
  if (raw.length > 0) yield ['body-empty', 'over an empty body', Buffer.alloc(0)]
  yield* unread()
  yield* wrappings(raw)
}

/** What programs sign that look for a body where it is not, or not any more. */
function* unread(): Generator<Candidate> {
  for (const text of ['{}', 'null', 'undefined', '[]', '""'])
    yield ['body-empty', `over ${text} in place of the body`, Buffer.from(text)]
  yield ['body-object', 'over the text "[object Object]", which is no body', Buffer.from('[object Object]')]
}

const MOST_WRAPPED = 8

/** Something put around the body on the way, or its characters escaped. */
function* wrappings(raw: Buffer): Generator<Candidate> {
  if (raw.length > MOST_PARSED) return
  const text = raw.toString('utf8')
  if (/^[A-Za-z0-9+/\s]{8,}={0,2}\s*$/.test(text))
    yield ['body-base64', 'over the body decoded from base64', Buffer.from(text, 'base64')]
  if (/%[0-9A-Fa-f]{2}/.test(text)) {
    const plain = unescaped(text)
    if (plain !== undefined)
      yield ['body-escaped', 'over the body with its percent escapes decoded', Buffer.from(plain)]
  }
  if (/&(?:quot|#0?3[49]|lt|amp);/.test(text))
    yield ['body-escaped', 'over the body with its HTML entities decoded', Buffer.from(withoutEntities(text))]
  if (/\\["']/.test(text))
    yield ['body-slashes', 'over the body without backslashes', Buffer.from(text.replace(/\\(.)/gs, '$1'))]
  const tree = readTree(raw)
  if (tree?.kind !== 'object') return
  for (const [name, value] of tree.members.slice(0, MOST_WRAPPED)) {
    const shown = `the member ${name.slice(0, 40)} alone`
    if (value.kind !== 'scalar') {
      for (const style of [COMPACT, SPACED])
        yield ['body-wrapped', `over ${shown}`, Buffer.from(writeTree(value, style))]
      continue
    }
    if (!value.text.startsWith('"')) continue
    const inner = String(JSON.parse(value.text))
    yield ['body-wrapped', `over the text of ${shown}`, Buffer.from(inner)]
    if (/^[A-Za-z0-9+/]{8,}={0,2}$/.test(inner))
      yield ['body-wrapped', `over ${shown}, decoded from base64`, Buffer.from(inner, 'base64')]
  }
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** What is lost or gained at an end, and line ends. */
function* ends(raw: Buffer): Generator<Candidate> {
  const text = raw.toString('latin1')
  const bytes = (changed: string): Buffer => Buffer.from(changed, 'latin1')
  if (/[\r\n]$/.test(text)) {
    yield ['body-line-end', "without the body's last line end", bytes(text.replace(/(\r\n|\r|\n)$/, ''))]
    yield ['body-line-end', 'without the line ends and blanks at the end of the body', bytes(text.trimEnd())]
  }
  yield ['body-line-end', 'with a line feed at the end of the body', bytes(`${text}\n`)]
  yield ['body-line-end', 'with a Windows line end at the end of the body', bytes(`${text}\r\n`)]
  if (text.includes('\r\n'))
    yield ['body-line-ends', 'with line feeds in place of Windows line ends', bytes(text.replaceAll('\r\n', '\n'))]
  else if (text.includes('\n'))
    yield ['body-line-ends', 'with Windows line ends in place of line feeds', bytes(text.replaceAll('\n', '\r\n'))]
  if (raw.subarray(0, 3).equals(BOM)) yield ['body-byte-order-mark', 'without the byte order mark', raw.subarray(3)]
  else yield ['body-byte-order-mark', 'with a byte order mark before the body', Buffer.concat([BOM, raw])]
  const trimmed = text.trim()
  if (trimmed !== text) yield ['body-line-end', 'without the blanks around the body', bytes(trimmed)]
}

/** The JSON as other programs write it. */
function* rewrites(body: Buffer): Generator<Candidate> {
  const tree = body.length <= MOST_PARSED ? readTree(body) : undefined
  if (tree === undefined) return
  for (const [words, style] of JSON_STYLES)
    yield ['body-reserialised', `over the JSON written ${words}`, Buffer.from(writeTree(tree, style))]
  for (const other of reordered(tree))
    yield [
      'body-reserialised',
      'over the JSON without blanks, its members in another order',
      Buffer.from(writeTree(other, COMPACT)),
    ]
  // JSON in a JSON string: encoded twice, or sent once more than it was signed.
  if (tree.kind === 'scalar' && tree.text.startsWith('"'))
    yield [
      'body-encoded-twice',
      'over the JSON inside the string that the body is',
      Buffer.from(String(JSON.parse(tree.text))),
    ]
  else
    yield ['body-encoded-twice', 'over the JSON as one JSON string', Buffer.from(JSON.stringify(body.toString('utf8')))]
}

/** Charsets, escapes of forms, and what stands in one field of a form. */
function* texts(raw: Buffer): Generator<Candidate> {
  const latin1 = raw.toString('latin1')
  const utf8 = raw.toString('utf8')
  if (Buffer.from(utf8).equals(raw)) {
    yield ['body-charset', 'over the body in UTF-16', Buffer.from(utf8, 'utf16le')]
    for (const form of ['NFC', 'NFD'] as const)
      if (utf8.normalize(form) !== utf8)
        yield [
          'body-unicode-form',
          `over the body with its letters and accents as Unicode's ${form} has them`,
          Buffer.from(utf8.normalize(form)),
        ]
    if (/[^\0-\x7f]/.test(latin1)) {
      yield ['body-charset', 'over the body in ISO 8859-1', Buffer.from(utf8, 'latin1')]
      yield ['body-charset', 'over the body encoded in UTF-8 once more', Buffer.from(latin1)]
      const once = Buffer.from(utf8, 'latin1')
      if (Buffer.from(once.toString('utf8')).equals(once))
        yield ['body-charset', 'over the body with UTF-8 decoded once more', once]
    }
  } else yield ['body-charset', 'over the body in UTF-8', Buffer.from(latin1)]
  if (!/^[^\s{[<]+=/.test(latin1.slice(0, 256))) return
  const form = [...new URLSearchParams(utf8)]
  const [[, payload] = []] = form
  if (form.length === 1 && payload)
    yield ['body-form-field', 'over the one field of the form, decoded', Buffer.from(payload)]
  yield ['body-form-escapes', 'over the form with blanks as %20', Buffer.from(latin1.replaceAll('+', '%20'), 'latin1')]
  yield ['body-form-escapes', 'over the form with blanks as +', Buffer.from(latin1.replaceAll('%20', '+'), 'latin1')]
  yield ['body-form-escapes', 'over the form escaped anew', Buffer.from(new URLSearchParams(form).toString())]
  for (const fields of orders(latin1.split('&')))
    yield ['body-form-order', 'over the form, its fields in another order', Buffer.from(fields.join('&'), 'latin1')]
  yield ['body-form-json', 'over JSON made of the form', Buffer.from(JSON.stringify(Object.fromEntries(form)))]
}

/** What compressed data begins with (RFC 1952, RFC 8878), as something on the way may have taken its Content-Encoding off. */
const MAGIC: readonly (readonly [coding: string, first: Buffer])[] = [
  ['gzip', Buffer.from('1f8b08', 'hex')],
  ['zstd', Buffer.from('28b52ffd', 'hex')],
]

function codingOf({ headers, raw }: BodyRequest): string | undefined {
  const told = headers.one('content-encoding')?.trim().toLowerCase()
  if (told !== undefined && told !== '' && told !== 'identity') return told
  return MAGIC.find(([, first]) => raw.subarray(0, first.length).equals(first))?.[0]
}

/** The body without its content coding; `undefined` where it has none, or can't be decoded. */
function decoded(request: BodyRequest): Buffer | undefined {
  const { raw } = request
  const coding = codingOf(request)
  const options = { maxOutputLength: MOST_DECODED }
  try {
    if (coding === 'gzip' || coding === 'x-gzip') return gunzipSync(raw, options)
    if (coding === 'br') return brotliDecompressSync(raw, options)
    if (coding === 'deflate') return inflateSync(raw, options)
    if (coding === 'zstd') return zstdDecompressSync(raw, options)
  } catch {
    return undefined
  }
  return undefined
}

function differenceOf(cause: string, phrase: string, raw: Buffer, body: Buffer): Difference {
  const at = firstDifference(raw, body)
  return {
    cause,
    phrase: `${phrase}; the bytes that came differ first at byte ${at}`,
    mend: cause === 'body-coding' ? CODING : LET_THROUGH,
    evidence: { 'first-difference': at, 'bytes-received': raw.length, 'bytes-signed': body.length },
  }
}

const CODING = 'the sender signs before it compresses: turn compression off in the sender or the proxy that adds it'

/** The first byte, counted from 0, at which they differ. */
export function firstDifference(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length)
  // By blocks first: byte by byte a large body takes a while.
  let at = 0
  for (const block of [65_536, 1024, 1]) {
    while (at < most && a.subarray(at, Math.min(at + block, most)).equals(b.subarray(at, Math.min(at + block, most))))
      at = Math.min(at + block, most)
  }
  return at
}
