import { bounded } from './text.ts'

/** What a log line tells besides its message. Values of any kind; what they become is bounded in size and depth. */
export type Fields = Readonly<Record<string, unknown>> & {
  readonly level?: never
  readonly time?: never
  readonly msg?: never
}

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

const TEXT = 1024
const STACK = 4096
const ITEMS = 32
const DEPTH = 4

/**
 * `value` as plain data for a log line: text, lists and depth are cut, bytes become their length, an object that says
 * how it is written (a Secret, a Date) is asked, and one that can't be read does not throw.
 */
export function plain(value: unknown, depth = DEPTH): Plain | undefined {
  switch (typeof value) {
    case 'string':
      return bounded(value, TEXT)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? null : guarded(value, depth)
    default:
      return undefined
  }
}

function guarded(value: object, depth: number): Plain {
  try {
    return object(value, depth)
  } catch {
    return '(unreadable)'
  }
}

function object(value: object, depth: number): Plain {
  if (value instanceof Error) return error(value, depth)
  // A buffer may hold a key or a body: its length is all that a log needs.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const said: unknown = value.toJSON()
    return said === value ? '(unreadable)' : (plain(said, depth - 1) ?? null)
  }
  if (depth <= 0) return '...'
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS).map(item => plain(item, depth - 1) ?? null)
    return value.length > ITEMS ? [...items, `...(+${value.length - ITEMS})`] : items
  }
  return record(value, depth)
}

function record(value: object, depth: number): { readonly [key: string]: Plain } {
  const entries: [string, Plain][] = []
  const all = Object.entries(value)
  for (const [key, item] of all.slice(0, ITEMS)) {
    const said = plain(item, depth - 1)
    if (said !== undefined) entries.push([bounded(key, TEXT), said])
  }
  if (all.length > ITEMS) entries.push(['...', all.length - ITEMS])
  return Object.fromEntries(entries)
}

function error(value: Error, depth: number): Plain {
  const cause = value.cause === undefined || depth <= 0 ? undefined : plain(value.cause, depth - 1)
  return {
    name: bounded(String(value.name), TEXT),
    message: bounded(String(value.message), TEXT),
    ...('code' in value && typeof value.code === 'string' ? { code: bounded(value.code, TEXT) } : {}),
    ...(typeof value.stack === 'string' ? { stack: bounded(value.stack, STACK) } : {}),
    ...(cause === undefined ? {} : { cause }),
  }
}

const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg'])

/** The fields of a line, plain; a second `level`, `time` or `msg` would make the line ambiguous and is left out. */
export function plainFields(fields: Fields): Record<string, Plain> {
  const line: Record<string, Plain> = {}
  for (const [key, value] of Object.entries(fields)) {
    const said = RESERVED.has(key) || key === '__proto__' ? undefined : plain(value)
    if (said !== undefined) line[key] = said
  }
  return line
}
