import { quantityOf } from '../../src/config/quantities.ts'
import type { JsonSchema } from '../../src/config/schema.ts'
import { code, table } from './markdown.ts'

/** One key of the config, as a row of its table. */
interface Key {
  /** From the block on, e.g. `timestamp.header` or `secrets[].name`. */
  readonly path: string
  readonly type: string
  /** `required`, a value, or a few words. */
  readonly standard: string
  readonly description: string
}

export interface Block {
  /** What tells this form from the others, e.g. `provider`; empty where there is one. */
  readonly title: string
  readonly rows: readonly Key[]
}

/** The forms that a block may have, each with its keys. */
export function blocksOf(schema: JsonSchema): Block[] {
  const forms = (schema.anyOf ?? []).filter(isObject)
  if (forms.length === 0) return [{ title: '', rows: keysOf(schema, '') }]
  return forms.map(form => ({ title: form.required?.[0] ?? '', rows: keysOf(form, '') }))
}

export function keyTable(rows: readonly Key[]): string {
  return table(
    ['key', 'type', 'default', 'what it is'],
    rows.map(({ path, type, standard, description }) => [code(path), type, standard, description]),
  )
}

/** @param stop whether the keys below this path have a place of their own. */
export function keysOf(schema: JsonSchema, prefix: string, stop: (path: string) => boolean = () => false): Key[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    if (!isSchema(child)) return []
    const path = prefix === '' ? name : `${prefix}.${name}`
    const required = schema.required?.includes(name) === true
    const either = schema.oneOf?.some(form => isSchema(form) && form.required?.includes(name)) === true
    const { standard, description } = either
      ? { standard: 'one of the two', description: child.description ?? '' }
      : defaultOf(child, required)
    const own: Key = { path, type: typeOf(child), standard, description }
    return stop(path) ? [own] : [own, ...inside(child, path, stop)]
  })
}

/** The keys of the block, of the blocks of a list, or of each form that a value may have. */
function inside(schema: JsonSchema, path: string, stop: (path: string) => boolean): Key[] {
  if (isReference(schema)) return []
  const { items } = schema
  if (isSchema(items)) return inside(items, `${path}[]`, stop)
  const own = keysOf(schema, path, stop)
  const forms = (schema.anyOf ?? []).filter(isSchema).flatMap(form => inside(form, path, stop))
  return [...own, ...forms.map(key => (key.standard === 'required' ? { ...key, standard: 'in this form' } : key))]
}

export function typeOf(schema: JsonSchema): string {
  const quantity = quantityOf(schema.pattern)
  if (quantity !== undefined) return quantity
  if (schema.const !== undefined) return code(String(schema.const))
  if (schema.enum) return schema.enum.map(word => code(String(word))).join(', ')
  if (schema.anyOf) return [...new Set(schema.anyOf.filter(isSchema).map(typeOf))].join(' or ')
  if (isReference(schema)) return '[secret](config.md#secrets)'
  if (schema.type === 'array') {
    const items = isSchema(schema.items) ? typeOf(schema.items) : 'values'
    return `list of ${items === 'block' ? 'blocks' : items}`
  }
  if (schema.type === 'object') return 'block'
  if (schema.type === 'boolean') return '`true`, `false`'
  if (schema.type !== 'integer') return schema.pattern?.startsWith('^\\d{4}-') ? 'date' : 'text'
  return `${schema.minimum} to ${schema.maximum}`
}

/** The default, from the schema or from the description's last sentence, which then need not say it twice. */
function defaultOf(schema: JsonSchema, required: boolean): { standard: string; description: string } {
  const { description = '' } = schema
  const [sentence = '', said = ''] = /\s*\bDefault:? ([^.;]+(?:\.\d[^.;]*)?)\.$/.exec(description) ?? []
  const rest = description.slice(0, description.length - sentence.length)
  if (required) return { standard: 'required', description }
  if (schema.default !== undefined) return { standard: valueText(schema.default), description: rest }
  if (said === '') return { standard: '', description }
  return { standard: said.includes(' ') ? said : code(said), description: rest }
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : code(`[${value.join(', ')}]`)
  return value === '' ? 'nothing' : code(String(value))
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isObject(value: unknown): value is JsonSchema {
  return isSchema(value) && 'properties' in value
}

/** `{ env: NAME }` or `{ file: path }` and nothing else. */
function isReference(schema: JsonSchema): boolean {
  return Object.keys(schema.properties ?? {}).join() === 'env,file'
}
