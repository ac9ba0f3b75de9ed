import { z } from 'zod'
import type { $ZodType } from 'zod/v4/core'
import type { SecretRef } from '../core/secret.ts'
import type { Bind } from './model.ts'
import { alternatives, elementOf, shapeOf } from './walk-schema.ts'

/** What could be read of a config that has faults: every part that did not fit is `undefined`. */
export type Draft<T> = T extends string | number | boolean | SecretRef | Bind
  ? T
  : T extends readonly (infer Entry)[]
    ? readonly (Draft<Entry> | undefined)[]
    : T extends object
      ? { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
      : T

/**
 * Reads what can be read, so that one fault hides no other: where a block fails as a whole, its parts are read alone.
 * The caller reports the faults; zod's own answer on the whole is the one that counts.
 */
export function readDraft<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Draft<z.output<Schema>> | undefined {
  return read(schema, value) as Draft<z.output<Schema>> | undefined
}

function read(schema: $ZodType, value: unknown): unknown {
  const whole = z.safeParse(schema, value)
  if (whole.success) return whole.data
  if (Array.isArray(value)) {
    for (const option of alternatives(schema)) {
      const element = elementOf(option)
      if (element) return value.map(entry => read(element, entry))
    }
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const option of alternatives(schema)) {
    const shape = shapeOf(option)
    if (shape)
      return Object.fromEntries(
        Object.entries(shape).map(([key, child]) => [
          key,
          read(child, Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined),
        ]),
      )
  }
  return undefined
}
