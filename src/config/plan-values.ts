import { networkText } from '../core/address.ts'
import { isPlainObject } from '../core/plain-object.ts'
import { nameOfSecret, SecretRef } from '../core/secret.ts'
import { quantityOf, writeQuantity } from './quantities.ts'
import type { JsonSchema } from './schema.ts'

/** What a plan is made of: as JSON, with every secret as `env:NAME (fingerprint)`. */
export type PlanValue = string | number | boolean | null | readonly PlanValue[] | { readonly [key: string]: PlanValue }

/** How a secret is shown. */
export type ShowSecret = (ref: SecretRef) => string

/** A parsed value in the units of the file; its JSON Schema tells which numbers are durations and sizes. */
export function planValue(value: unknown, schema: JsonSchema | undefined, show: ShowSecret): PlanValue {
  if (value instanceof SecretRef) return show(value)
  for (const option of options(schema)) {
    const quantity = quantityOf(option.pattern)
    const written = quantity === undefined ? undefined : writeQuantity(quantity, value)
    if (written !== undefined) return written
  }
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (Array.isArray(value) || value instanceof Set) return entries([...value], schema, show)
  if (typeof value !== 'object') return String(value)
  if (isNetwork(value)) return networkText(value)
  if (value instanceof RegExp) return String(value)
  if (!isPlainObject(value)) return `(${value.constructor.name})`
  const out: Record<string, PlanValue> = {}
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined) continue
    out[key] =
      key === 'expires' && typeof entry === 'number' ? day(entry) : planValue(entry, propertyOf(schema, key), show)
  }
  return out
}

function entries(values: readonly unknown[], schema: JsonSchema | undefined, show: ShowSecret): PlanValue[] {
  const items = options(schema)
    .map(({ items }) => items)
    .find(found => typeof found === 'object' && !Array.isArray(found))
  return values.map((value, index) => {
    const shown = planValue(value, items as JsonSchema | undefined, show)
    if (typeof value !== 'object' || value === null || !('ref' in value) || !(value.ref instanceof SecretRef))
      return shown
    const { name, ...rest } = shown as { readonly [key: string]: PlanValue }
    return { name: typeof name === 'string' ? name : nameOfSecret({ ref: value.ref }, index), ...rest }
  })
}

function isNetwork(value: object): value is { family: 4 | 6; bytes: readonly number[]; prefix: number } {
  return (
    'family' in value &&
    'prefix' in value &&
    typeof value.prefix === 'number' &&
    'bytes' in value &&
    Array.isArray(value.bytes)
  )
}

/** A date alone is valid through that day. */
function day(at: number): string {
  const text = new Date(at).toISOString()
  return text.endsWith('T23:59:59.999Z') ? text.slice(0, 10) : text
}

function options(schema: JsonSchema | undefined): JsonSchema[] {
  if (schema === undefined) return []
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [schema, ...inner.flatMap(option => (typeof option === 'object' ? options(option) : []))]
}

function propertyOf(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  for (const { properties } of options(schema)) {
    const found = properties && Object.hasOwn(properties, key) ? properties[key] : undefined
    if (typeof found === 'object') return found
  }
  return undefined
}

/** One line, as YAML's flow style: `{ max: 512KiB, accept: [json, form] }`. */
export function flow(value: PlanValue): string {
  if (value === null) return 'none'
  if (typeof value === 'string')
    return /^[\w./:@%+*~$()-][\w ./:@%+*~$()=-]*$/.test(value) ? value : JSON.stringify(value)
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${value.map(flow).join(', ')}]`
  const all = Object.entries(value).map(([key, entry]) => `${key}: ${flow(entry)}`)
  return all.length === 0 ? '{}' : `{ ${all.join(', ')} }`
}
