import { hash } from 'node:crypto'
import { PLACEHOLDERS } from '../../core/placeholder.ts'
import { Secret } from '../../core/secret.ts'
import type { SecretReader } from '../secret-bytes.ts'
import { type Difference, distinct, type Variant } from './difference.ts'
import { withoutEntities } from './entities.ts'
import { attempt, decodedMend, encodedMend, SecretReading, undecodedMend } from './secret-reading.ts'

type Step = readonly [
  cause: string,
  phrase: string,
  mend: string | ((reading: SecretReading, key: Buffer) => string),
  texts: (text: string, names: readonly string[]) => readonly Buffer[],
  more?: More,
]

interface More {
  readonly alone?: true
  /** Its keys are the same whatever the secret is. */
  readonly secretless?: true
  /** Its keys are made of the secret, and are no other texts that may have been entered in its place. */
  readonly made?: true
}

const ALONE: More = { alone: true }
const MADE: More = { made: true }

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
const withPrefix = (text: string): readonly Buffer[] => (text.startsWith('whsec_') ? [] : bytes(`whsec_${text}`))

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
/** Of tests, which no config would be warned of. */
const WORDS = [...PLACEHOLDERS, 'test']
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
  ['secret-as-text', 'with the secret used as the text that it is, not decoded', undecodedMend, bytes, MADE],
  [
    'secret-decoded',
    'with the secret decoded from base64',
    decodedMend,
    text => (isBase64(withoutPrefix(text)) ? [Buffer.from(withoutPrefix(text), 'base64')] : []),
    MADE,
  ],
  [
    'secret-decoded',
    'with the secret decoded from hexadecimal digits',
    decodedMend,
    text => (isHex(text) ? [Buffer.from(text, 'hex')] : []),
    MADE,
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
    ALONE,
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
    ALONE,
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
    ALONE,
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
    withPrefix,
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
    ALONE,
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
    changed(text => attempt(() => decodeURIComponent(text)) ?? text),
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
    ALONE,
  ],
  [
    'secret-escaped',
    'with the secret escaped as HTML',
    "the sender's copy of the secret has &amp; and the like in it: enter it there as it is",
    changed(text =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    ),
    ALONE,
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
    encodedMend('base64'),
    text => bytes(Buffer.from(text).toString('base64')),
    MADE,
  ],
  [
    'secret-encoded',
    'with the hexadecimal text of the secret as the key',
    encodedMend('hexadecimal'),
    text => bytes(Buffer.from(text).toString('hex')),
    MADE,
  ],
  [
    'secret-encoded',
    'with the secret decoded from base64 twice',
    'write the secret as the sender shows it: it was encoded once more on the way',
    text => {
      const once = Buffer.from(withoutPrefix(text), 'base64').toString('latin1')
      return isBase64(withoutPrefix(text)) && isBase64(once) ? [Buffer.from(once), Buffer.from(once, 'base64')] : []
    },
    MADE,
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
    { alone: true, made: true },
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
    { alone: true, secretless: true },
  ],
  [
    'secret-cut',
    'with the first part of the secret alone',
    'the sender\'s copy of the secret was cut, at a character that has a meaning there (# $ ; " in files of variables) or at a length: enter it there whole',
    text => parts(text).map(each => Buffer.from(each)),
    ALONE,
  ],
  [
    'secret-empty',
    'with an empty secret',
    'the sender has no secret set, or can not read its own: set it there',
    () => [Buffer.alloc(0)],
    { secretless: true },
  ],
]

/** Where the scheme decodes a secret, whatever it makes of the prefix: to change that in the gate would change nothing. */
const UNDECODED: readonly Step[] = [
  [
    'secret-as-text',
    'with the text behind whsec_ used as it is, not decoded',
    undecodedMend,
    changed(withoutPrefix),
    MADE,
  ],
  [
    'secret-as-text',
    'with whsec_ and the secret used as the text that it is, not decoded',
    undecodedMend,
    withPrefix,
    MADE,
  ],
]

/**
 * The keys that a sender may have made of this secret in another way than the scheme does; first, with no difference, as
 * the scheme does.
 * @param names how variables that hold it may be called
 */
export function* secretVariants(
  secret: Secret,
  name: string,
  reader: SecretReader,
  names: readonly string[] = [],
): Generator<Variant<Buffer>> {
  yield* distinct(all(new SecretReading(secret, reader), name, names), key => hash('sha256', key, 'base64'))
}

function* all(reading: SecretReading, name: string, names: readonly string[]): Generator<Variant<Buffer>> {
  const { decodes, reader, secret } = reading
  if (reading.key) yield { value: reading.key, differs: [] }
  for (const step of decodes ? [...UNDECODED, ...STEPS] : STEPS) {
    const [, , , texts, { alone = false, secretless = false, made = false } = {}] = step
    for (const key of texts(secret.text(), names)) {
      const raw = decodes && !made && !secretless
      const difference = differenceOf(step, name, reading, key)
      yield {
        value: key,
        differs: raw ? [difference, usedAsText(reading, key)] : [difference],
        alone: alone || raw,
        secretless,
      }
      const parsed = key.length === 0 ? undefined : attempt(() => reader.parse(new Secret(key)))
      if (parsed) yield { value: parsed, differs: [differenceOf(step, name, reading, parsed)], alone, secretless }
    }
  }
}

function differenceOf(
  [cause, phrase, mend, , more]: Step,
  name: string,
  reading: SecretReading,
  key: Buffer,
): Difference {
  const told = { cause, phrase, mend: typeof mend === 'string' ? mend : mend(reading, key) }
  return more?.secretless ? told : { ...told, evidence: { secret: name } }
}

/** Beside what else is different in a text that the scheme would have decoded. */
const usedAsText = (reading: SecretReading, key: Buffer): Difference => ({
  cause: 'secret-as-text',
  phrase: 'with that used as the text that it is, not decoded',
  mend: undecodedMend(reading, key, new Secret(key)),
})
