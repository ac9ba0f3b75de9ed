import { z } from 'zod'
import type { $ZodTypes } from 'zod/v4/core'
import type { AnyCheckKind } from '../core/check.ts'
import { quantityOf, writeQuantity } from './quantities.ts'
import { fileShape } from './shape.ts'

/** A JSON Schema, 2020-12. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

/** The JSON Schema of what is written for a zod type: of the YAML, before units and references are read. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: refine })
}

/** The JSON Schema of the whole config file, for editors; made from what validates it. */
export function configSchema(kinds: readonly AnyCheckKind[]): JsonSchema {
  const { $schema, ...rest } = inputSchema(fileShape(kinds))
  return { $schema: $schema ?? 'https://json-schema.org/draft/2020-12/schema', title: 'Sallyport config', ...rest }
}

function refine({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const quantity = quantityOf(jsonSchema.pattern)
  if (quantity !== undefined) {
    // The type also admits a number, but only to answer it with a sentence about units.
    delete jsonSchema.anyOf
    const written = writeQuantity(quantity, defaultOf(zodSchema))
    if (written !== undefined) jsonSchema.default = written
  } else if (typeof jsonSchema.default === 'object' && jsonSchema.type === 'object') delete jsonSchema.default
  const places = jsonSchema.properties
  if (places?.env !== undefined && places.file !== undefined && !jsonSchema.oneOf)
    jsonSchema.oneOf = [{ required: ['env'] }, { required: ['file'] }]
}

function defaultOf(schema: $ZodTypes): unknown {
  const { def } = schema._zod
  return def.type === 'default' ? def.defaultValue : undefined
}
