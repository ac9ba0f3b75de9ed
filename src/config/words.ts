import { z } from 'zod'
import type { $ZodType } from 'zod/v4/core'
import type { Path } from './fault.ts'
import { keysAt, schemasAt } from './walk-schema.ts'

/** What the sentences need besides the issue: the schema it came from, and the values as written. */
export interface Context {
  readonly schema: $ZodType
  at(path: Path): unknown
}

/** `forward`; in a list, the entry's own name: `route "github"`, `listener "public"`. */
export function labelOf(path: Path, context: Pick<Context, 'at'>): string {
  const last = path.at(-1)
  if (last === undefined) return 'the config'
  if (typeof last === 'string') return last
  const list = String(path.at(-2) ?? 'list')
  const value = context.at(path)
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined
  if (typeof name !== 'string') return `${list}[${last}]`
  return `${list.replace(/s$/, '')} ${JSON.stringify(name)}`
}

export function descriptionAt(path: Path, context: Context): string | undefined {
  for (const schema of schemasAt(context.schema, path)) {
    const text = z.globalRegistry.get(schema as z.ZodType)?.description
    if (text !== undefined) return text
  }
  return undefined
}

export const withColon = (text: string | undefined): string => (text === undefined ? '' : `: ${text}`)

/** What a value, or the list that holds it, is for: where a schema says so. */
export function describe(path: Path, context: Context): string | undefined {
  const list = typeof path.at(-1) === 'number' ? descriptionAt(path.slice(0, -1), context) : undefined
  const text = descriptionAt(path, context) ?? list
  return text === undefined ? undefined : `${keyOf(path)} is: ${text}`
}

/** The nearest key: of an entry of a list, the list's. */
export const keyOf = (path: Path): string => String(path.findLast(step => typeof step === 'string') ?? 'the config')

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a block of keys',
  record: 'a block of keys',
  array: 'a list',
}
export const expected = (type: string): string => EXPECTED[type] ?? `a ${type}`

/** A value as the operator wrote it, short. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a block of keys'
  const text = JSON.stringify(value)
  const shown = text.length > 80 ? `${text.slice(0, 77)}..."` : text
  return typeof value === 'number' ? `the number ${shown}` : shown
}

/** Of a block where a list is meant: its keys are what entries begin with, or the names of entries. */
function listMend(path: Path, context: Context, value: unknown): string {
  const begin = 'write a list: begin every entry with "- "'
  if (typeof value !== 'object' || value === null) return begin
  const keys = Object.keys(value)
  const known = keysAt(context.schema, [...path, 0])
  const [first] = keys
  if (first === undefined) return begin
  // An entry of such a list is one check.
  if (known.length > 0 && !known.includes('name') && keys.every(key => known.includes(key)))
    return `${begin}, as in ${keys
      .slice(0, 3)
      .map(key => `"- ${key}: ..."`)
      .join(', ')}`
  if (keys.every(key => known.includes(key))) return `${begin}, as in "- ${first}: ..."`
  const isNamed = known.includes('name') && Object.values(value).every(each => typeof each === 'object')
  return isNamed ? `${begin}, and write its name into it, as in "- name: ${first}"` : begin
}

export function mendFor(path: Path, context: Context, type: string, value: unknown): string {
  const fits = (other: unknown): boolean =>
    schemasAt(context.schema, path).some(schema => z.safeParse(schema, other).success)
  if (typeof value === 'string' && /^(yes|on|no|off)$/i.test(value) && fits(true))
    return `write ${/^(yes|on)$/i.test(value)}`
  if (typeof value === 'string' && /^(true|false)$/.test(value) && fits(value === 'true'))
    return `write it without quotes: ${value}`
  if (typeof value === 'string' && /^\d+$/.test(value) && fits(Number(value)))
    return `write it without quotes: ${value}`
  if ((typeof value === 'number' || typeof value === 'boolean') && fits(String(value)))
    return `write it in quotes: "${value}"`
  if (type === 'array' && value !== null && typeof value !== 'object') return `write it as a list: [${String(value)}]`
  if (type === 'array') return listMend(path, context, value)
  const keys = keysAt(context.schema, path)
  // An entry of a list of checks that has no settings, written as its name alone.
  if (typeof path.at(-1) === 'number' && typeof value === 'string' && keys.includes(value) && fits({ [value]: {} }))
    return `write "${value}: {}"`
  const known = keys.sort().join(', ')
  if (known !== '' && value === null) return `write {} for the defaults, or some of the keys that it takes: ${known}`
  if (known !== '') return `write { key: value }; it takes: ${known}`
  const about = descriptionAt(path, context)
  const word = EXPECTED[type]
  if (word === undefined) return describe(path, context) ?? `see "sallyport schema" for what ${keyOf(path)} takes`
  return about === undefined ? `write ${word}` : `write ${word}: ${about}`
}
