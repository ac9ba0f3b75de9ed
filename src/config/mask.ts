import type { Path } from './fault.ts'
import type { Source } from './source.ts'
import { hasSecretPrefix, isVariableName, looksLikeSecret } from './variable-name.ts'

const SENSITIVE = /secret|token|passw|credential|(?<!allow-)private|api[-_]?key|bearer|authorization/i
const USERINFO = /(:\/\/)([^\s/@"']+)@/g
// Names that hold no value: what they say is where the value is, or how it is checked.
const HARMLESS: ReadonlySet<string> = new Set([
  'env',
  'file',
  'name',
  'header',
  'id',
  'url',
  'token-url',
  'tokens-file',
])

export interface Masked {
  readonly text: string
  /** A sentence without the literals: it may quote what was written. */
  hide(text: string): string
}

/**
 * The text with every literal secret starred out, unit for unit, so that positions stay: a secret that was written into
 * the config by mistake is not printed with the line that is at fault.
 * @param secret whether the config's shape takes a secret at a path.
 */
export function maskText(text: string, source: Source, secret: (path: Path) => boolean): Masked {
  const literals = new Set<string>()
  const ranges: (readonly [start: number, end: number])[] = []
  const secretKinds = new Map<string, boolean>()
  source.eachScalar(({ value, range }, path, kind) => {
    if (typeof value !== 'string' && typeof value !== 'number') return
    // Entries of one list are of one shape, so that what holds for the first holds for all.
    let isSecret = secretKinds.get(kind)
    if (isSecret === undefined) {
      isSecret = secret(path)
      secretKinds.set(kind, isSecret)
    }
    if (!isSecret && !isSensitive(path, String(value))) return
    literals.add(String(value))
    ranges.push(range)
  })
  const out = starred(text, ranges).replace(USERINFO, (_, before: string, user: string) => `${before}${stars(user)}@`)
  // Where the YAML can't be read, what was understood of it may be wrong: names alone tell, line by line.
  const shown = source.value === undefined ? out.split('\n').map(maskLine).join('\n') : out
  return { text: shown, hide: said => hide(said, literals) }
}

function starred(text: string, ranges: readonly (readonly [start: number, end: number])[]): string {
  const pieces: string[] = []
  let at = 0
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (start < at) continue
    pieces.push(text.slice(at, start), stars(text.slice(start, end)))
    at = end
  }
  return pieces.join('') + text.slice(at)
}

/** A short literal is part of many words, so that it is replaced only where it stands as a value. */
function hide(text: string, literals: ReadonlySet<string>): string {
  let out = text.replace(USERINFO, '$1***@')
  for (const literal of literals)
    for (const form of [literal, JSON.stringify(literal).slice(1, -1)])
      out = literal.length > 3 ? out.replaceAll(form, '***') : out.replaceAll(`"${form}"`, '"***"')
  return out
}

function isSensitive(path: Path, value: string): boolean {
  const last = path.findLast(step => typeof step === 'string') ?? ''
  if (last === 'env') return !isVariableName(value) || looksLikeSecret(value)
  if (last === 'file') return hasSecretPrefix(value)
  return !HARMLESS.has(last) && SENSITIVE.test(last) && !path.includes('inline')
}

const REFERENCES = /^[\s[\]{},-]*((name|env|file|expires)[ \t]*:[ \t]*[\w./-]*[\s[\]{},]*)*(#.*)?$/

/** What follows `token:` on its line is starred out, unless it is short and made of references alone. */
function maskLine(line: string): string {
  const word = line.search(SENSITIVE)
  const colon = word < 0 ? -1 : line.indexOf(':', word)
  if (colon < 0) return line
  const after = line.slice(colon + 1)
  return after.length <= 200 && REFERENCES.test(after)
    ? line
    : line.slice(0, colon + 1) + stars(after).replace(/^\*/, ' ')
}

const stars = (text: string): string => text.replace(/[^\r\n]/g, '*')
