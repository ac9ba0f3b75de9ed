import { hash } from 'node:crypto'
import { Secret } from '../../core/secret.ts'
import { type Difference, distinct, type Variant } from './difference.ts'

type Step = readonly [cause: string, phrase: string, mend: string, texts: (text: string) => readonly Buffer[]]

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
    'with the HTML entities of the secret decoded',
    'the secret was copied from HTML source: write & instead of &amp;',
    changed(text =>
      text
        .replaceAll('&quot;', '"')
        .replace(/&#0?39;|&apos;/g, "'")
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&'),
    ),
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
 */
export function* secretVariants(
  secret: Secret,
  name: string,
  parse: (secret: Secret) => Buffer,
): Generator<Variant<Buffer>> {
  yield* distinct(all(secret, name, parse), key => hash('sha256', key, 'base64'))
}

function* all(secret: Secret, name: string, parse: (secret: Secret) => Buffer): Generator<Variant<Buffer>> {
  const asConfigured = tried(() => parse(secret))
  if (asConfigured) yield { value: asConfigured, differs: [] }
  const text = secret.text()
  for (const [cause, phrase, mend, texts] of STEPS) {
    const differs: readonly Difference[] = [{ cause, phrase, mend, evidence: { secret: name } }]
    for (const key of texts(text)) {
      yield { value: key, differs }
      if (key.length === 0) continue
      const parsed = tried(() => parse(new Secret(key)))
      if (parsed) yield { value: parsed, differs }
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
