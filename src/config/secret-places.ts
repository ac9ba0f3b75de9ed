import { z } from 'zod'
import type { $ZodType, $ZodTypes } from 'zod/v4/core'
import { nearest } from './nearest.ts'
import { hasSecretPrefix } from './variable-name.ts'
import { alternatives, elementOf, everyMember, isSecret, isSecretList, memberOf, membersOf } from './walk-schema.ts'

/** What a config's shape takes at one place, as far as secrets go. */
export interface Standing {
  /** What may stand there; none where the shape knows nothing of the place. */
  readonly options: readonly $ZodType[]
  /** Whether credentials belong there, below it or beside it, so that a slip may have put one there. */
  readonly guarded: boolean
  /** Whether a secret by reference stands there, or a list of them. */
  readonly secret: boolean
  /** Whether a text or a number may stand there. */
  readonly scalar: boolean
}

/** The place of the whole file. */
export const standingAtRoot = (root: $ZodType): Standing => standing([root], false)

/** The place below another, by the shape; where the shape has none, what was probably meant. */
export function standingBelow(parent: Standing, step: string | number, root: $ZodType): Standing {
  const own = typeof step === 'number' ? parent.options.flatMap(elementsOf) : membersOfAll(parent.options, step)
  if (own.length > 0) return standing(own, parent.options.some(takesDirectly))
  return standing(typeof step === 'number' ? entriesMeant(parent) : membersMeant(parent, step, root), parent.guarded)
}

/** Whether a text at a place is, or may be, a secret. */
export function hidesText({ options, guarded, secret, scalar }: Standing, text: string): boolean {
  if (secret || !guarded) return secret
  if (scalar) return hasSecretPrefix(text)
  return text.length > LONGEST_HARMLESS && !options.some(option => isWordOf(option, text))
}

/** Whether what stands in place of a value (a tag, an anchor, an alias, a comment) may be a secret. */
export const hidesMark = ({ guarded, scalar }: Standing): boolean => guarded && !scalar

/**
 * Whether a key of the block at a place may be a secret itself: it is none that belongs there, and no word as keys are.
 * @param empty whether no value stands behind it
 */
export function hidesKey({ options, guarded }: Standing, key: string, empty: boolean, root: $ZodType): boolean {
  if (!guarded) return false
  const blocks = withElements(options)
  if (blocks.some(block => memberOf(block, key) !== undefined && !(empty && isRecord(block)))) return false
  const isDoubtful = !isWord(key) || (empty && (options.length === 0 || blocks.some(takesDirectly)))
  return isDoubtful && nearest(key, keysOf(blocks)) === undefined && everyMember(root, key).length === 0
}

function standing(schemas: readonly $ZodType[], guarded: boolean): Standing {
  const options = schemas.flatMap(schema => [...alternatives(schema)])
  return {
    options,
    guarded: guarded || options.some(holdsSecret),
    secret: options.some(option => isSecret(option) || isSecretList(option)),
    scalar: options.some(takesScalar),
  }
}

const withElements = (options: readonly $ZodType[]): readonly $ZodType[] => [...options, ...options.flatMap(elementsOf)]

const membersOfAll = (blocks: readonly $ZodType[], key: string): readonly $ZodType[] =>
  blocks.flatMap(block => memberOf(block, key) ?? [])

/** A list that stands for a block has blocks as its entries. */
const entriesMeant = ({ options }: Standing): readonly $ZodType[] => options.filter(option => !takesScalar(option))

/** What an unknown key stands for: a key of a list's entry, the nearest key, or the same key of a block elsewhere. */
function membersMeant({ options }: Standing, key: string, root: $ZodType): readonly $ZodType[] {
  const elements = options.flatMap(elementsOf)
  if (elements.length > 0) {
    const ofEntry = membersOfAll(elements, key)
    return ofEntry.length > 0 ? ofEntry : elements
  }
  // Whatever stands beside `env` and `file` may be the secret.
  if (options.some(isSecret)) return []
  const near = nearest(key, keysOf(options))
  if (near === undefined && options.some(takesDirectly)) return []
  return [...(near === undefined ? [] : membersOfAll(options, near)), ...everyMember(root, key)]
}

function elementsOf(option: $ZodType): readonly $ZodType[] {
  const element = elementOf(option)
  return element === undefined ? [] : [...alternatives(element)]
}

const keysOf = (blocks: readonly $ZodType[]): string[] =>
  blocks.flatMap(block => membersOf(block).flatMap(([name]) => (name === '' ? [] : name)))

const typeOf = (schema: $ZodType) => (schema as $ZodTypes)._zod.def.type
const isRecord = (schema: $ZodType): boolean => typeOf(schema) === 'record'
const COLLECTIONS: ReadonlySet<string> = new Set(['object', 'array', 'record'])
const takesScalar = (schema: $ZodType): boolean => !COLLECTIONS.has(typeOf(schema))

/** Whether a block has a secret, a list of them, or a list of blocks with one, among its own keys. */
const takesDirectly = remembered(schema => {
  const isBlockOfSecret = (block: $ZodType) => membersOf(block).some(([, member]) => takesOne(member))
  if (isSecret(schema)) return true
  return membersOf(schema).some(
    ([, member]) =>
      takesOne(member) || [...alternatives(member)].some(option => elementsOf(option).some(isBlockOfSecret)),
  )
})

const takesOne = (schema: $ZodType): boolean =>
  [...alternatives(schema)].some(option => isSecret(option) || isSecretList(option))

/** Whether a secret by reference may stand at a schema or anywhere below it. */
const holdsSecret = remembered(schema => finds(schema, new Set()))

/** The same, asked once for each schema. */
function remembered(ask: (schema: $ZodType) => boolean): (schema: $ZodType) => boolean {
  const known = new WeakMap<$ZodType, boolean>()
  return schema => {
    const before = known.get(schema)
    if (before !== undefined) return before
    const answer = ask(schema)
    known.set(schema, answer)
    return answer
  }
}

/** @param seen the schemas that were met already, as some hold themselves */
function finds(schema: $ZodType, seen: Set<$ZodType>): boolean {
  if (seen.has(schema)) return false
  seen.add(schema)
  if (isSecret(schema)) return true
  const below = [...membersOf(schema).map(([, member]) => member), ...elementsOf(schema)]
  return below.some(child => [...alternatives(child)].some(option => finds(option, seen)))
}

/** Whether a text is a key of the block, or what one of its keys takes and few others would: `signature: github`. */
function isWordOf(schema: $ZodType, text: string): boolean {
  return [schema, ...elementsOf(schema)].some(block =>
    membersOf(block).some(([name, member]) => name === text || isFormOf(member, text)),
  )
}

/** Whether a text has the form of a word, a URL, an address: a form that no secret has. */
function isFormOf(schema: $ZodType, text: string): boolean {
  const takes = (other: string) => z.safeParse(schema, other).success
  return takes(text) && !ANY_TEXTS.some(takes)
}

/** Units. */
const LONGEST_HARMLESS = 3
const ANY_TEXTS = ['abc', 'aB3-x', 'aB3+/x==']
/** Letters in groups, some with a number, as keys are written in one file format or another: `http2`, `_format_version`. */
const isWord = (key: string): boolean => key.length <= 24 && /^_?[A-Za-z]+\d{0,2}(?:[-_.][A-Za-z]+\d{0,2})*$/.test(key)
