import type { Path } from './fault.ts'
import type { Source } from './source.ts'

const SENSITIVE = /secret|token|passw|credential|private|api[-_]?key|bearer|authorization/i
const USERINFO = /(:\/\/)([^\s/@"']+)@/g
// Names that hold no value: what they say is where the value is, or how it is checked.
const HARMLESS: ReadonlySet<string> = new Set(['env', 'file', 'name', 'header', 'id', 'url', 'token-url'])

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
  let out = text.replace(USERINFO, (_, before: string, user: string) => `${before}${stars(user)}@`)
  if (source.value === undefined) return { text: maskLines(out), hide: said => said.replace(USERINFO, '$1***@') }
  for (const { path, value, range } of source.scalars()) {
    if (typeof value !== 'string' && typeof value !== 'number') continue
    if (!secret(path) && !isSensitive(path, String(value))) continue
    literals.add(String(value))
    out = out.slice(0, range[0]) + stars(out.slice(range[0], range[1])) + out.slice(range[1])
  }
  return { text: out, hide: said => hide(said, literals) }
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
  if (last === 'env') return !/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
  return !HARMLESS.has(last) && SENSITIVE.test(last) && !path.includes('inline')
}

/** Where the YAML can't be read, only names tell: what follows `token:` on its line is starred out. */
function maskLines(text: string): string {
  return text.replace(
    /^(.*?[\w-]*(?:secret|token|passw|credential|key)[\w-]*["']?[ \t]*:[ \t]*)(.+)$/gim,
    (_, before: string, after: string) =>
      /^[[{\s]*(-\s*)?[{[]?\s*(name|env|file)\s*:/.test(after) || !after.trim()
        ? `${before}${after}`
        : `${before}${stars(after)}`,
  )
}

const stars = (text: string): string => text.replace(/[^\r\n]/g, '*')
