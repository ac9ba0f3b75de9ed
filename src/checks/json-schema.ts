import { createRequire } from 'node:module'
import type { Format, Options, ValidateFunction } from 'ajv'
import { type Cost, costOf } from './regex-cost.ts'

/** A JSON Schema, compiled, and how its cost may grow with what it is asked. */
export interface CompiledSchema {
  readonly validate: ValidateFunction
  readonly cost: Cost
}

const OPTIONS: Options = {
  // A keyword or format that is not known is a mistake that would leave a hole. What is only unusual style is let be.
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  allErrors: false,
  // Without this, {} would have the required property "constructor".
  ownProperties: true,
  logger: false,
}

/** The compilers, loaded with the first schema: a gate without one starts that much sooner. */
function load() {
  const require = createRequire(import.meta.url)
  const { Ajv } = require('ajv') as typeof import('ajv')
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  const { fullFormats } = require('ajv-formats/dist/formats.js') as typeof import('ajv-formats/dist/formats.js')
  const formats = Object.entries(fullFormats).filter((entry): entry is [string, Format] => entry[1] !== undefined)
  return { Ajv, Ajv2020, formats }
}
let loaded: ReturnType<typeof load> | undefined

/** The formats that are checked without a repetition that could be drawn out. */
const LINEAR_FORMATS: ReadonlySet<string> = new Set([
  ...['date', 'time', 'date-time', 'iso-time', 'iso-date-time', 'uuid', 'ipv4'],
  ...['int32', 'int64', 'float', 'double', 'password', 'binary'],
])

// A schema of the config is compiled when it is validated and again when its route is made.
const compiled = new WeakMap<object, CompiledSchema>()

/**
 * Compiles a schema of draft 2020-12, or of draft-07 where its `$schema` says so. Keywords that begin with `x-` are
 * annotations. Nothing is fetched: a `$ref` must point into the schema itself.
 *
 * @throws Error that says what is wrong with the schema.
 */
export function compileSchema(schema: object): CompiledSchema {
  const known = compiled.get(schema)
  if (known) return known
  const draft = '$schema' in schema ? String(schema.$schema) : ''
  loaded ??= load()
  const { Ajv, Ajv2020, formats } = loaded
  const ajv = /draft-07\/schema#?$/.test(draft) ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS)
  for (const [name, format] of formats) ajv.addFormat(name, format)
  let cost: Cost = 'linear'
  const raise = (other: Cost) => {
    if (cost === 'linear' || other === 'unbounded') cost = other
  }
  for (const [key, value] of membersOf(schema)) {
    if (/^x-[a-z0-9_:-]*$/i.test(key) && !ajv.getKeyword(key)) ajv.addKeyword(key)
    if (key === 'pattern' && typeof value === 'string') raise(costOf(value))
    else if (key === 'patternProperties' && typeof value === 'object' && value !== null)
      for (const pattern of Object.keys(value)) raise(costOf(pattern))
    else if ((key === 'format' && !LINEAR_FORMATS.has(String(value))) || (key === 'uniqueItems' && value === true))
      raise('square')
  }
  const validate = ajv.compile(schema)
  // An asynchronous schema answers a promise, which would pass for true.
  if ('$async' in validate) throw new Error('"$async" schemas can not be used')
  const result = { validate, cost }
  compiled.set(schema, result)
  return result
}

/** Every member of every object in the schema. */
function* membersOf(schema: unknown): Generator<[key: string, value: unknown]> {
  if (typeof schema !== 'object' || schema === null) return
  for (const [key, value] of Object.entries(schema)) {
    yield [key, value]
    yield* membersOf(value)
  }
}
