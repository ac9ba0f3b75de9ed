import { hash } from 'node:crypto'
import { Secret } from '../../core/secret.ts'
import { type Difference, distinct, type Variant } from './difference.ts'
import { withoutEntities } from './entities.ts'

type Step = readonly [
  cause: string,
  phrase: string,
  mend: string,
  texts: (text: string, names: readonly string[]) => readonly Buffer[],
  alone?: boolean,
]

const bytes = (text: string): readonly Buffer[] => [Buffer.from(text)]
/** Only where something changed. */
const changed =
  (change: (text: string) => string) =>
  (text: string): readonly Buffer[] => {
    const other = change(text)
    return other === text || other === '' ? [] : bytes(other)
  }
const isBase64 = (text: string): boolean => text.length >= 8 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)
const isHex = (text: string): boolean => text.length >= 16 && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)
const withoutPrefix = (text: string): string => text.replace(/^whsec_/, '')

/** How programs call their secret where nobody has told it. */
const ASSIGNED = [
  'SECRET',
  'WEBHOOK_SECRET',
  'SIGNING_SECRET',
  'secret',
  'webhook_secret',
  'API_SECRET',
  'KEY',
] as const
const WORDS = ['undefined', 'null', 'None', 'nil', 'changeme', 'your-secret', 'your_secret', 'YOUR_SECRET', 'test']
/** A key shorter than this is no part of a secret, but any word. */
const SHORTEST_PART = 6
const MOST_PARTS = 128

/** What stands before each character of it, the longest first. */
function parts(text: string): readonly string[] {
  const most = Math.min(text.length, MOST_PARTS)
  return Array.from({ length: Math.max(0, most - SHORTEST_PART) }, (_, at) => text.slice(0, most - 1 - at))
}

/** The likeliest first. Each takes the secret's text as the gate has it, and gives keys that the sender may use instead. */
const STEPS: readonly Step[] = [
  [
    'secret-as-text',
    'with the secret used as the text that it is, not decoded',
    'the sender does not decode the secret: use a scheme, or a key-form, that takes it as text',
    bytes,
  ],
  [
    'secret-decoded',
    'with the secret decoded from base64',
    'the sender decodes the secret before it is the key: set key-form: base64, or use the provider that does so',
    text => (isBase64(withoutPrefix(text)) ? [Buffer.from(withoutPrefix(text), 'base64')] : []),
  ],
  [
    'secret-decoded',
    'with the secret decoded from hexadecimal digits',
    'the sender decodes the secret before it is the key: set key-form: hex, or use the provider that does so',
    text => (isHex(text) ? [Buffer.from(text, 'hex')] : []),
  ],
  [
    'secret-line-end',
    "without the secret's last character, a line end",
    'write the secret without a line end: printf %s instead of echo',
    changed(text => text.replace(/(\r\n|\n|\r)$/, '')),
  ],
  [
    'secret-line-end',
    "with a line feed behind the secret, which the gate's secret does not have",
    "the sender's copy of the secret ends in a line feed: write it there without one (printf %s instead of echo)",
    text => bytes(`${text}\n`),
  ],
  [
    'secret-line-end',
    "with a carriage return and a line feed behind the secret, which the gate's secret does not have",
    "the sender's copy of the secret ends in a line end: write it there without one",
    text => bytes(`${text}\r\n`),
  ],
  [
    'secret-blank',
    'without the blanks around the secret',
    'write the secret without blanks around it',
    changed(text => text.trim()),
  ],
  [
    'secret-blank',
    "with a blank behind the secret, which the gate's secret does not have",
    "the sender's copy of the secret ends in a blank: enter it there without one",
    text => bytes(`${text} `),
  ],
  [
    'secret-line-end',
    'with "\\n" of two characters behind the secret',
    "the sender's copy of the secret ends in a backslash and an n: enter it there without them",
    text => [Buffer.from(`${text}\\n`), Buffer.from(`${text}\\r\\n`)],
  ],
  [
    'secret-blank',
    'with a blank of another kind (a tab, a no-break space) or before the secret',
    "the sender's copy of the secret begins or ends in a blank: type it there, do not copy it from a page",
    text => [`${text}\u00a0`, `\u00a0${text}`, ` ${text}`, `${text}\t`, `\t${text}`].map(each => Buffer.from(each)),
    true,
  ],
  [
    'secret-invisible',
    'with an invisible character before or behind the secret',
    "the sender's copy of the secret has an invisible character: type it there, or copy it as plain text",
    text =>
      ['\u200b', '\u200c', '\u200d', '\u2060', '\u00ad'].flatMap(one => [
        ...bytes(`${one}${text}`),
        ...bytes(`${text}${one}`),
      ]),
    true,
  ],
  [
    'secret-invisible',
    'without the invisible characters in the secret',
    'write the secret without them: type it, or copy it as plain text',
    changed(text => text.replace(/[\u00ad\u200b-\u200f\u2028\u2029\u2060\ufeff]/g, '')),
  ],
  [
    'secret-quotes',
    'without the quotation marks around the secret',
    'the quotation marks have become part of the secret: write it without them (docker --env-file and systemd keep them)',
    changed(text => text.replace(/^(["'`])([\s\S]*)\1$/, '$2')),
  ],
  [
    'secret-quotes',
    'with quotation marks around the secret',
    "the sender's copy of the secret has quotation marks around it: enter it there without them",
    text => [Buffer.from(`"${text}"`), Buffer.from(`'${text}'`)],
  ],
  [
    'secret-quotes',
    'with the brackets or marks of a manual around the secret',
    "the sender's copy of the secret has marks around it: enter it there without them",
    text => [`<${text}>`, `[${text}]`, `{${text}}`, `\`${text}\``, `“${text}”`].map(each => Buffer.from(each)),
    true,
  ],
  [
    'secret-prefix',
    'without the prefix whsec_ of the secret',
    'the sender signs without the prefix: is it this provider? Write the secret without whsec_ if it is',
    changed(withoutPrefix),
  ],
  [
    'secret-prefix',
    'with the prefix whsec_ before the secret',
    'write the secret with its prefix, as the sender shows it',
    text => (text.startsWith('whsec_') ? [] : bytes(`whsec_${text}`)),
  ],
  [
    'secret-assignment',
    'with what stands behind the "=" of the secret alone',
    'the variable or file holds NAME=VALUE: write the value alone',
    changed(text => text.replace(/^[A-Za-z_][A-Za-z0-9_]*=(?=.)/, '')),
  ],
  [
    'secret-assignment',
    'with a name and "=" before the secret',
    "the sender's copy of the secret is NAME=VALUE: enter the value alone there",
    (text, names) => [...names, ...ASSIGNED].map(name => Buffer.from(`${name}=${text}`)),
    true,
  ],
  [
    'secret-list',
    'with one of the several secrets that stand in the one variable or file',
    'list each under secrets, by a reference of its own',
    text => {
      const parts = text.split(/[\s,;]+/).filter(part => part !== '')
      return parts.length > 1 ? parts.slice(0, 8).map(part => Buffer.from(part)) : []
    },
  ],
  [
    'secret-byte-order-mark',
    'without the byte order mark before the secret',
    'save the file without a byte order mark (UTF-8, not "UTF-8 with BOM")',
    changed(text => text.replace(/^\ufeff/, '')),
  ],
  [
    'secret-byte-order-mark',
    'with a byte order mark before the secret',
    "the sender's file begins with a byte order mark: save it there as plain UTF-8",
    text => bytes(`\ufeff${text}`),
  ],
  [
    'secret-escaped',
    'with the percent escapes of the secret decoded',
    'write the secret with its characters as they are, not as %XX',
    changed(text => tried(() => decodeURIComponent(text)) ?? text),
  ],
  [
    'secret-escaped',
    'with the secret percent-encoded',
    "the sender's copy of the secret is percent-encoded: enter it there as it is",
    changed(encodeURIComponent),
  ],
  [
    'secret-escaped',
    'with a blank for each "+" of the secret',
    'the sender\'s copy of the secret went through a form that makes blanks of "+": enter it there anew, or choose one of letters and digits',
    changed(text => text.replaceAll('+', ' ')),
    true,
  ],
  [
    'secret-escaped',
    'with the secret escaped as HTML',
    "the sender's copy of the secret has &amp; and the like in it: enter it there as it is",
    changed(text =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    ),
    true,
  ],
  [
    'secret-escaped',
    'with the HTML entities of the secret decoded',
    'the secret was copied from HTML source: write & instead of &amp;',
    changed(withoutEntities),
  ],
  [
    'secret-escaped',
    'without the backslashes in the secret',
    'a shell or a .env reader wants them, this one keeps them: write the secret without the backslashes',
    changed(text => text.replace(/\\n$/, '').replace(/\\(.)/g, '$1')),
  ],
  [
    'secret-escaped',
    'with each "$$" of the secret as one "$"',
    'write "$" once: only compose files want it twice',
    changed(text => text.replaceAll('$$', '$')),
  ],
  [
    'secret-case',
    'with the secret in lower case',
    'write the secret in the case in which the sender has it',
    changed(text => text.toLowerCase()),
  ],
  [
    'secret-case',
    'with the secret in upper case',
    'write the secret in the case in which the sender has it',
    changed(text => text.toUpperCase()),
  ],
  [
    'secret-encoded',
    'with the base64 text of the secret as the key',
    "the sender signs with the secret's base64 text: write that text into the gate's secret",
    text => bytes(Buffer.from(text).toString('base64')),
  ],
  [
    'secret-encoded',
    'with the hexadecimal text of the secret as the key',
    "the sender signs with the secret's hexadecimal text: write that text into the gate's secret",
    text => bytes(Buffer.from(text).toString('hex')),
  ],
  [
    'secret-encoded',
    'with the secret decoded from base64 twice',
    'write the secret as the sender shows it: it was encoded once more on the way',
    text => {
      const once = Buffer.from(withoutPrefix(text), 'base64').toString('latin1')
      return isBase64(withoutPrefix(text)) && isBase64(once) ? [Buffer.from(once), Buffer.from(once, 'base64')] : []
    },
  ],
  [
    'secret-hashed',
    'with a hash of the secret as the key',
    'the sender hashes the secret before it is the key: let it use the secret itself',
    text =>
      ['sha256', 'sha1', 'md5', 'sha512'].flatMap(name => {
        const digest = hash(name, text, 'buffer')
        return [Buffer.from(digest.toString('hex')), digest, Buffer.from(digest.toString('base64'))]
      }),
    true,
  ],
  [
    'secret-placeholder',
    'with the name of a variable, or a word of a manual, as the secret',
    'the variable was not filled in at the sender: set it there, or enter the secret itself',
    (_text, names) =>
      [...names, ...ASSIGNED]
        .flatMap(name => [name, `$${name}`, `\${${name}}`, `{{${name}}}`])
        .concat(WORDS)
        .map(each => Buffer.from(each)),
    true,
  ],
  [
    'secret-cut',
    'with the first part of the secret alone',
    'the sender\'s copy of the secret was cut, at a character that has a meaning there (# $ ; " in files of variables) or at a length: enter it there whole',
    text => parts(text).map(each => Buffer.from(each)),
    true,
  ],
  [
    'secret-empty',
    'with an empty secret',
    'the sender has no secret set, or can not read its own: set it there',
    () => [Buffer.alloc(0)],
  ],
]

/**
 * The keys that a sender may have made of this secret in another way than the scheme does; first, with no difference, as
 * the scheme does.
 * @param parse how the scheme makes a key of it; a throw means that it can't
 * @param names how variables that hold it may be called
 */
export function* secretVariants(
  secret: Secret,
  name: string,
  parse: (secret: Secret) => Buffer,
  names: readonly string[] = [],
): Generator<Variant<Buffer>> {
  yield* distinct(all(secret, name, parse, names), key => hash('sha256', key, 'base64'))
}

function* all(
  secret: Secret,
  name: string,
  parse: (secret: Secret) => Buffer,
  names: readonly string[],
): Generator<Variant<Buffer>> {
  const asConfigured = tried(() => parse(secret))
  if (asConfigured) yield { value: asConfigured, differs: [] }
  const text = secret.text()
  for (const [cause, phrase, mend, texts, alone = false] of STEPS) {
    const differs: readonly Difference[] = [{ cause, phrase, mend, evidence: { secret: name } }]
    const tell = (value: Buffer): Variant<Buffer> => (alone ? { value, differs, alone } : { value, differs })
    for (const key of texts(text, names)) {
      yield tell(key)
      if (key.length === 0) continue
      const parsed = tried(() => parse(new Secret(key)))
      if (parsed) yield tell(parsed)
    }
  }
}

/** The readers throw on what they can't read, each in its own words. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
