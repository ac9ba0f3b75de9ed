/** What a body that could not be read as JSON is instead, and what mends it. */
export interface Looks {
  /** Goes on after "the body": `is a page of HTML`. */
  readonly as: string
  readonly mend: string
}

type Look = readonly [as: string, mend: string, is: (raw: Buffer, text: string) => boolean]

const begins = (...bytes: readonly number[]) => {
  const start = Buffer.from(bytes)
  return (raw: Buffer): boolean => raw.subarray(0, start.length).equals(start)
}
const COMPRESSED = 'let whoever compresses it say so in Content-Encoding, and add content-encoding to the route'
const HTTP_LIBRARY = "let the sender's HTTP library write Content-Type itself"
/** Enough to tell what it is. */
const MOST_LOOKED_AT = 64 * 1024
/** Texts in strings are no JSON words. */
const withoutStrings = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"/gs, '""')

/** The surest first. */
const LOOKS: readonly Look[] = [
  [
    'is empty',
    'let the sender send the event; a redirect (301, 302) or a proxy takes bodies off',
    raw => raw.length === 0,
  ],
  ['is compressed with gzip', COMPRESSED, begins(0x1f, 0x8b)],
  ['is compressed with zstd', COMPRESSED, begins(0x28, 0xb5, 0x2f, 0xfd)],
  [
    'is in UTF-16',
    'let the sender encode it as UTF-8',
    raw => /^(?:\xff\xfe|\xfe\xff|\0[{["]|[{["]\0)/.test(raw.toString('latin1', 0, 4)),
  ],
  ['begins with a byte order mark', 'let the sender write UTF-8 without a byte order mark', begins(0xef, 0xbb, 0xbf)],
  [
    'is a page of HTML',
    'look at what the sender had for an answer when it made the event: an error page of another system',
    (_, text) => /^<(?:!doctype html|html|head|body|form|p|div)\b/i.test(text),
  ],
  [
    'is XML',
    'switch the webhook to JSON in the service; or let it say application/xml, and add that to accept of content-type',
    (_, text) => /^<(?:\?xml|[A-Za-z][\w:.-]*[\s/>])/.test(text),
  ],
  ['is a multipart form', HTTP_LIBRARY, (_, text) => /^--[\w'()+,./:=?-]{1,70}\r?\ncontent-/i.test(text)],
  [
    'is percent-encoded',
    'let the sender send it as it is: it was encoded as for a URL',
    (_, text) => /^%7B|^%5B/i.test(text),
  ],
  [
    'is base64',
    'let what stands between decode it: API gateways and queues hand binary bodies on so (isBase64Encoded)',
    (_, text) => /^(?:eyJ|e[yw]o|ew[0o]|W[1yw])[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text),
  ],
  [
    'is a form',
    `let the sender say application/x-www-form-urlencoded, and add form to accept of content-type`,
    (_, text) => /^[\w.~%+*[\]-]+=[^\s{]*(?:&|$)/.test(text),
  ],
  [
    'holds NaN or Infinity, which JSON has no word for',
    'let the sender write null for such numbers (Python: json.dumps with allow_nan=False shows where)',
    (_, text) => /[:[,]\s*-?(?:NaN|Infinity)\b/.test(withoutStrings(text)),
  ],
  [
    'holds True, False or None, as Python writes them',
    'let the sender write it with json.dumps, not with str()',
    (_, text) => /[:[,]\s*(?:True|False|None)\b/.test(withoutStrings(text)),
  ],
  [
    'is a dict as Python prints it, in single quotes',
    'let the sender write it with json.dumps, not with str()',
    (_, text) => /^[{[]\s*'/.test(text),
  ],
  [
    'holds undefined, which JSON has no word for',
    'let the sender write it with JSON.stringify, not as a template',
    (_, text) => /[:[,]\s*undefined\b/.test(withoutStrings(text)),
  ],
  [
    'holds a variable of a template that was not filled in',
    'fill it in, or leave the member out',
    (_, text) => /[:[,]\s*(?:\{\{|\$\{|<%)/.test(withoutStrings(text)),
  ],
  ['holds comments', 'take them out: JSON has none', (_, text) => /\/\*|(?:^|[\s,{[])\/\//.test(withoutStrings(text))],
  [
    'has names without quotation marks',
    'let the sender put names in double quotation marks: JSON.stringify does',
    (_, text) => /[{,]\s*[A-Za-z_$][\w$]*\s*:/.test(withoutStrings(text)),
  ],
  [
    'has a comma behind its last member',
    'take it out: JSON has none there',
    (_, text) => /,\s*[}\]]/.test(withoutStrings(text)),
  ],
  [
    'is several JSON texts, one a line',
    'let the sender send one event a request, or an array of them',
    (_, text) => /^[{[][^\n]*[}\]]\r?\n\s*[{[]/.test(text),
  ],
]

/** `undefined` where it is of no form that is known. */
export function looksOf(raw: Buffer): Looks | undefined {
  const text = raw.toString('utf8', 0, MOST_LOOKED_AT).trimStart()
  const found = LOOKS.find(([, , is]) => is(raw, text))
  return found && { as: found[0], mend: found[1] }
}
