import type { $ZodShape, $ZodType, $ZodTypes } from 'zod/v4/core'
import type { Path } from './fault.ts'

/** The def of a zod type, as zod publishes it for tools. */
const defOf = (schema: $ZodType) => (schema as $ZodTypes)._zod.def

/** The types that a value may have to be, without optional, default and transforms; a union gives each of its options. */
export function* alternatives(schema: $ZodType): Generator<$ZodType> {
  const def = defOf(schema)
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      yield* alternatives(def.innerType)
      break
    case 'pipe':
      yield* alternatives(def.in)
      break
    case 'lazy':
      yield* alternatives(def.getter())
      break
    case 'union':
      for (const option of def.options) yield* alternatives(option)
      break
    default:
      yield schema
  }
}

export function shapeOf(schema: $ZodType): $ZodShape | undefined {
  const def = defOf(schema)
  return def.type === 'object' ? def.shape : undefined
}

/** Whether an object may stand without the key. */
export const isOptional = (schema: $ZodType): boolean => schema._zod.optin !== undefined

/** The options of the union that stands at `path`; none where none stands there. */
export function optionsAt(root: $ZodType, path: Path): readonly $ZodType[] {
  for (const schema of schemasAt(root, path)) {
    const def = defOf(bare(schema))
    if (def.type === 'union') return def.options.map(bare)
  }
  return []
}

/** Without what stands around the type itself. */
function bare(schema: $ZodType): $ZodType {
  const def = defOf(schema)
  if ('innerType' in def) return bare(def.innerType)
  return def.type === 'lazy' ? bare(def.getter()) : schema
}

export function elementOf(schema: $ZodType): $ZodType | undefined {
  const def = defOf(schema)
  return def.type === 'array' ? def.element : undefined
}

/** What a block takes under a key. */
export function memberOf(schema: $ZodType, key: string): $ZodType | undefined {
  const def = defOf(schema)
  if (def.type === 'record') return def.valueType
  const shape = shapeOf(schema)
  return shape && Object.hasOwn(shape, key) ? shape[key] : undefined
}

/** Every schema that may stand at `path`. */
export function schemasAt(root: $ZodType, path: Path): $ZodType[] {
  let here = [root]
  for (const step of path) {
    here = here.flatMap(schema =>
      [...alternatives(schema)].flatMap(option => {
        const child = typeof step === 'number' ? elementOf(option) : memberOf(option, step)
        return child === undefined ? [] : [child]
      }),
    )
  }
  return here
}

/** The keys that an object at `path` takes. */
export function keysAt(root: $ZodType, path: Path): string[] {
  const keys = schemasAt(root, path).flatMap(schema =>
    [...alternatives(schema)].flatMap(option => Object.keys(shapeOf(option) ?? {})),
  )
  return [...new Set(keys)]
}

/** Whether a secret by reference (`env` or `file`), or a list of them, stands at `path`. */
export function takesSecret(root: $ZodType, path: Path): boolean {
  return schemasAt(root, path).some(schema =>
    [...alternatives(schema)].some(option => isSecret(option) || isSecretList(option)),
  )
}

/** The words that a value at `path` may be. */
export function wordsAt(root: $ZodType, path: Path): string[] {
  const words = schemasAt(root, path).flatMap(schema =>
    [...alternatives(schema)].flatMap(option => {
      const def = defOf(option)
      if (def.type === 'literal') return def.values.map(String)
      return def.type === 'enum' ? Object.values(def.entries).map(String) : []
    }),
  )
  return [...new Set(words)]
}

/** The keys of a block with what they take; of a block whose keys the operator chooses, one of no name. */
export function membersOf(schema: $ZodType): readonly (readonly [name: string, member: $ZodType])[] {
  const def = defOf(schema)
  if (def.type === 'record') return [['', def.valueType]]
  return Object.entries(shapeOf(schema) ?? {})
}

const indexes = new WeakMap<$ZodType, ReadonlyMap<string, readonly $ZodType[]>>()

/** What any block of a shape takes under a key. */
export function everyMember(root: $ZodType, key: string): readonly $ZodType[] {
  const index = indexes.get(root) ?? indexOf(root)
  indexes.set(root, index)
  return index.get(key) ?? []
}

function indexOf(root: $ZodType): ReadonlyMap<string, readonly $ZodType[]> {
  const seen = new Set<$ZodType>()
  const index = new Map<string, $ZodType[]>()
  const visit = (schema: $ZodType): void => {
    for (const option of alternatives(schema)) {
      if (seen.has(option)) continue
      seen.add(option)
      for (const [name, member] of membersOf(option)) {
        visit(member)
        const found = index.get(name)
        if (found !== undefined) found.push(member)
        else if (name !== '') index.set(name, [member])
      }
      const element = elementOf(option)
      if (element !== undefined) visit(element)
    }
  }
  visit(root)
  return index
}

/** Whether a list of secrets by reference. */
export function isSecretList(schema: $ZodType): boolean {
  const element = elementOf(schema)
  return element !== undefined && [...alternatives(element)].some(isSecret)
}

/** Whether a secret by reference, `env` or `file`. */
export function isSecret(schema: $ZodType): boolean {
  const shape = shapeOf(schema)
  return shape !== undefined && 'env' in shape && 'file' in shape
}
