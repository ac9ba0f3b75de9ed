import type { $ZodIssue, $ZodType } from 'zod/v4/core'
import { error, type Fault, type Path } from './fault.ts'
import { meant, nearest } from './nearest.ts'
import { isOptional, keysAt, optionsAt, shapeOf, wordsAt } from './walk-schema.ts'
import { type Context, descriptionAt, labelOf, withColon, written } from './words.ts'

/** One kind of block of a union. */
interface Block {
  /** The key that tells it from the others: it alone needs it, or with words of its own, e.g. `provider` or `scheme`. */
  readonly mark: string
  /** The words that stand under the mark; none where any value may. */
  readonly words: readonly string[]
  readonly keys: readonly string[]
}

/**
 * Of several kinds of block, the one whose mark is given was meant, and its faults are the ones to print. `undefined`
 * where the options are no blocks, or have no marks.
 * @param tell makes faults of a block's own issues
 */
export function blockFaults(
  issue: $ZodIssue & { code: 'invalid_union' },
  path: Path,
  context: Context,
  tell: (issues: readonly $ZodIssue[]) => Fault[],
): Fault[] | undefined {
  const value = context.at(path)
  const blocks = blocksOf(optionsAt(context.schema, path))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (blocks.length === 0 || blocks.length !== issue.errors.length) return undefined
  const given = blocks.filter(({ mark }) => Object.hasOwn(value, mark))
  const [one] = given
  if (one === undefined) return [noneGiven(blocks, Object.keys(value), path, context)]
  const another = given.find(({ mark }) => mark !== one.mark)
  if (another !== undefined) {
    const message = `${labelOf(path, context)}: ${one.mark} and ${another.mark} exclude each other`
    return [error([...path, another.mark], message, `keep one of ${one.mark}, ${another.mark}`, 'key')]
  }
  const block = meantBlock(given, value)
  if (block !== undefined) return tell(issue.errors[blocks.indexOf(block)] ?? [])
  const word: unknown = Reflect.get(value, one.mark)
  const known = given.flatMap(({ words }) => words)
  const mend = meant(typeof word === 'string' ? word : '', known, one.mark)
  return [error([...path, one.mark], `${one.mark}: ${written(word)} is not known here`, mend)]
}

/** Of blocks with one mark, the one whose word stands under it. */
function meantBlock(given: readonly Block[], value: object): Block | undefined {
  if (given.length < 2) return given[0]
  return given.find(({ mark, words }) => words.includes(String(Reflect.get(value, mark))))
}

/** Keys that the block at `path` does not take; of several kinds of block, the one that was meant. */
export function unknownKeys(keys: readonly string[], path: Path, context: Context): Fault[] {
  const value = context.at(path)
  const label = labelOf(path, context)
  const blocks = blocksOf(optionsAt(context.schema, path))
  const given = blocks.filter(({ mark }) => typeof value === 'object' && value !== null && Object.hasOwn(value, mark))
  const one = (typeof value === 'object' && value !== null ? meantBlock(given, value) : undefined) ?? given[0]
  const known = one?.keys ?? keysAt(context.schema, path)
  return keys.map(key => {
    const other = given.find(({ mark }) => mark !== key)
    if (other !== undefined && given.some(({ mark }) => mark === key))
      return error([...path, key], `${label}: ${other.mark} and ${key} exclude each other`, 'keep one of them', 'key')
    const [before = ''] = key.split(':')
    if (before !== key && known.includes(before))
      return unknown(key, path, label, `write a blank behind the colon: "${before}: ..."`)
    const owner = blocks.find(block => block.keys.includes(key))
    const name = (block: Block | undefined) =>
      owner?.mark === one?.mark ? `${block?.mark}: ${block?.words.join(', ')}` : `${block?.mark}`
    const elsewhere = owner === undefined ? '' : `it goes with "${name(owner)}"; beside "${name(one)}" `
    const mend = owner === undefined ? meant(key, known, label) : `${elsewhere}${meant('', known, label)}`
    return unknown(key, path, label, mend)
  })
}

/** None, unless every option is a block with a mark. */
function blocksOf(options: readonly $ZodType[]): readonly Block[] {
  const shapes = options.map(option => shapeOf(option) ?? {})
  const blocks = shapes.flatMap((shape, at) => {
    const own = (key: string) =>
      shapes.every((other, index) => index === at || !Object.hasOwn(other, key) || areApart(shape[key], other[key]))
    const mark = Object.keys(shape).find(key => shape[key] && !isOptional(shape[key]) && own(key))
    return mark === undefined ? [] : [{ mark, words: wordsOf(shape[mark]), keys: Object.keys(shape) }]
  })
  return blocks.length === options.length ? blocks : []
}

/** Whether no word stands for both. */
function areApart(one: $ZodType | undefined, other: $ZodType | undefined): boolean {
  const words = wordsOf(one)
  const others = wordsOf(other)
  return words.length > 0 && others.length > 0 && !words.some(word => others.includes(word))
}

const wordsOf = (schema: $ZodType | undefined): string[] => (schema === undefined ? [] : wordsAt(schema, []))

function noneGiven(blocks: readonly Block[], given: readonly string[], path: Path, context: Context): Fault {
  const label = labelOf(path, context)
  const marks = [...new Set(blocks.map(({ mark }) => mark))]
  const known = [...new Set(blocks.flatMap(({ keys }) => keys))]
  const misspelt = given.find(key => !known.includes(key) && nearest(key, marks) !== undefined)
  if (misspelt !== undefined) return unknown(misspelt, path, label, meant(misspelt, known, label))
  const choices = marks.map(mark => `"${mark}"${withColon(descriptionAt([...path, mark], context))}`)
  return error(path, `${label}: none of ${marks.join(', ')} is given`, `add ${choices.join(' Or add ')}`)
}

const unknown = (key: string, path: Path, label: string, mend: string): Fault =>
  error([...path, key], `${label}: unknown key ${JSON.stringify(key)}`, mend, 'key')
