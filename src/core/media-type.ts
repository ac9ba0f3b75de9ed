import { copied } from './copied.ts'

/** A Content-Type, read strictly (RFC 9110 section 8.3). */
export interface MediaType {
  /** Lower case, e.g. `application/json`. */
  readonly essence: string
  /** Lower-case charset; `undefined` where none is given. */
  readonly charset: string | undefined
  /** The multipart boundary; `undefined` where none is given. */
  readonly boundary: string | undefined
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const ESSENCE = new RegExp(`^(${TOKEN}/${TOKEN})[ \\t]*(;|$)`)
const PARAMETER = new RegExp(
  `[ \\t]*(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\\\x00-\\x1f\\x7f]|\\\\.)*)")[ \\t]*(;|$)`,
  'y',
)

const CACHE_LIMIT = 256
// Senders use a handful of values, so they are parsed once; a stranger can't grow the table past its limit.
const cache = new Map<string, MediaType | null>()

/** `undefined` where the text is no media type, or names a parameter twice. */
export function parseMediaType(text: string): MediaType | undefined {
  const cached = cache.get(text)
  if (cached !== undefined) return cached ?? undefined
  if (cache.size >= CACHE_LIMIT || text.length > 128) return parse(text)
  const own = copied(text)
  const parsed = parse(own)
  cache.set(own, parsed ?? null)
  return parsed
}

function parse(text: string): MediaType | undefined {
  const start = ESSENCE.exec(text)
  if (!start?.[1]) return undefined
  const seen = new Map<string, string>()
  let at = start[0].length
  let more = start[2] === ';'
  while (more) {
    PARAMETER.lastIndex = at
    const match = PARAMETER.exec(text)
    if (!match?.[1]) {
      // A trailing semicolon is common and harmless.
      if (text.slice(at).trim() === '') break
      return undefined
    }
    const name = match[1].toLowerCase()
    if (seen.has(name)) return undefined
    seen.set(name, match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1'))
    at = PARAMETER.lastIndex
    more = match[4] === ';'
  }
  if (at < text.length && !more) return undefined
  return {
    essence: start[1].toLowerCase(),
    charset: seen.get('charset')?.toLowerCase(),
    boundary: seen.get('boundary'),
  }
}

/** `application/json` and every `+json` type (RFC 6839). */
export function isJson(type: MediaType): boolean {
  return type.essence === 'application/json' || type.essence.endsWith('+json')
}
