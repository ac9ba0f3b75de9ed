import { z } from 'zod'
import type { $ZodIssue, $ZodType } from 'zod/v4/core'
import type { Fault, Path, ValueFault } from './fault.ts'
import { meant } from './nearest.ts'
import type { IssueParams } from './shape.ts'
import { alternatives, elementOf, keysAt, schemasAt, takesSecret, wordsAt } from './walk-schema.ts'

/** What the sentences need besides the issue: the schema it came from, and the values as written. */
export interface Context {
  readonly schema: $ZodType
  at(path: Path): unknown
}

/** Every zod issue as a fault with a sentence of this project and a mend. */
export function faultsOf(issues: readonly $ZodIssue[], context: Context, base: Path = []): Fault[] {
  return issues.flatMap(issue =>
    faultOf(issue, [...base, ...issue.path.map(step => (typeof step === 'number' ? step : String(step)))], context),
  )
}

function faultOf(issue: $ZodIssue, path: Path, context: Context): Fault[] {
  const value = context.at(path)
  const label = labelOf(path, context)
  const say = (message: string, mend: string): Fault => ({
    severity: 'error',
    path,
    on: 'value',
    message: `${label}: ${message}`,
    mend,
  })
  if (typeof value === 'string' && takesSecret(context.schema, path) && issue.code !== 'custom')
    return [literalSecret(path, label, context)]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(context.schema, path)
      if (path.at(-2) === 'checks') return issue.keys.map(key => unknownCheck(key, path, known, value))
      return issue.keys.map(key => ({
        severity: 'error',
        path: [...path, key],
        on: 'key',
        message: `${label}: unknown key ${JSON.stringify(key)}`,
        mend: meant(key, known, label),
      }))
    }
    case 'invalid_type': {
      if (value === undefined && path.length > 0) return [missing(path, context)]
      return [
        say(
          `${written(value)} stands here, but ${expected(issue.expected)} is expected`,
          mendFor(path, context, issue.expected, value),
        ),
      ]
    }
    case 'invalid_value': {
      if (value === undefined && path.length > 0) return [missing(path, context)]
      const known = issue.values.map(String)
      return [
        say(
          `${written(value)} is not known here`,
          typeof value === 'string' ? meant(value, known, keyOf(path)) : `${keyOf(path)} takes: ${known.join(', ')}`,
        ),
      ]
    }
    case 'invalid_union':
      return unionFaults(issue, path, context, say)
    case 'too_small':
    case 'too_big':
      return [bounds(issue, value, say)]
    case 'invalid_format':
    case 'custom':
      return [custom(issue, value, path, context, say)]
    default:
      return [say(`${written(value)} can not stand here`, mendFor(path, context, 'value', value))]
  }
}

function unknownCheck(key: string, path: Path, known: readonly string[], entry: unknown): Fault {
  const check = known.find(name => typeof entry === 'object' && entry !== null && Object.hasOwn(entry, name))
  const [message, mend] =
    check === undefined
      ? [`checks: unknown check ${JSON.stringify(key)}`, meant(key, known, 'checks')]
      : [
          `checks: unknown key ${JSON.stringify(key)} beside "${check}"`,
          'an entry holds one check: take the key out, or indent it if it belongs to the check',
        ]
  return { severity: 'error', path: [...path, key], on: 'key', message, mend }
}

function missing(path: Path, context: Context): Fault {
  const parent = path.slice(0, -1)
  const key = String(path.at(-1))
  const taker = labelOf(parent, context)
  return {
    severity: 'error',
    path: parent,
    on: 'value',
    message: `${taker}: the key "${key}" is missing`,
    mend: takesSecret(context.schema, path)
      ? `add ${key}: ${takesList(path, context) ? '[{ env: NAME }]' : '{ env: NAME }, or { file: path }'}`
      : `add "${key}"${withColon(descriptionAt(path, context))}`,
  }
}

function literalSecret(path: Path, label: string, context: Context): Fault {
  const list = takesList(path, context)
  const name = typeof path.at(-1) === 'number' ? '- ' : `${path.at(-1)}: `
  return {
    severity: 'error',
    path,
    on: 'value',
    message: `${label}: a secret stands in the config itself (not shown here)`,
    mend: `put it into an environment variable or a file and refer to it: ${name}${list ? '[{ env: NAME }]' : '{ env: NAME }'}; then make a new one, as this one has been written down`,
  }
}

const takesList = (path: Path, context: Context): boolean =>
  schemasAt(context.schema, path).some(schema =>
    [...alternatives(schema)].some(option => elementOf(option) !== undefined),
  )

/** One sentence for a union: the option that got furthest speaks, or all of them say what they expect. */
function unionFaults(issue: $ZodIssue & { code: 'invalid_union' }, path: Path, context: Context, say: Say): Fault[] {
  const value = context.at(path)
  if (value === undefined && path.length > 0) return [missing(path, context)]
  const options = issue.errors.filter(errors => errors.length > 0)
  const atRoot = (errors: readonly $ZodIssue[]) =>
    errors.some(error => error.path.length === 0 && (error.code === 'invalid_type' || error.code === 'invalid_value'))
  const further = options.filter(errors => !atRoot(errors))
  if (further.length > 0) {
    const depth = (errors: readonly $ZodIssue[]) => Math.max(...errors.map(error => error.path.length))
    const [best = []] = further.toSorted((a, b) => a.length - b.length || depth(b) - depth(a))
    return faultsOf(best, context, path)
  }
  const known = wordsAt(context.schema, path)
  // No option is tried where the key that tells them apart is unknown.
  if (options.length === 0 && typeof value === 'string' && known.length > 0)
    return [say(`${written(value)} is not known here`, meant(value, known, keyOf(path)))]
  const words = options.flatMap(errors => errors.map(wordFor))
  return [
    say(
      `${written(value)} stands here, but ${[...new Set(words)].join(' or ')} is expected`,
      mendFor(path, context, 'value', value),
    ),
  ]
}

function wordFor(issue: $ZodIssue): string {
  if (issue.code === 'invalid_type') return expected(issue.expected)
  if (issue.code === 'invalid_value') return issue.values.map(value => JSON.stringify(value)).join(' or ')
  return issue.message
}

type Say = (message: string, mend: string) => Fault

function bounds(issue: $ZodIssue & { code: 'too_small' | 'too_big' }, value: unknown, say: Say): Fault {
  const low = issue.code === 'too_small'
  const limit = String(low ? issue.minimum : issue.maximum)
  const most = low ? 'at least' : 'at most'
  if (issue.origin === 'array' || issue.origin === 'string') {
    const unit = issue.origin === 'array' ? 'entries' : 'characters'
    if (low && limit === '1')
      return say(
        issue.origin === 'array' ? 'the list is empty' : 'the text is empty',
        'write at least one entry'.replace('one entry', issue.origin === 'array' ? 'one entry' : 'one character'),
      )
    return say(`it has ${low ? 'too few' : 'too many'} ${unit}`, `write ${most} ${limit} ${unit}`)
  }
  return say(`${written(value)} is too ${low ? 'small' : 'large'}`, `write ${most} ${limit}`)
}

/** What a check's own schema says, brought to sentence and mend: `is ...` follows the value, a noun names what to write. */
function custom(
  issue: $ZodIssue & { code: 'custom' | 'invalid_format' },
  value: unknown,
  path: Path,
  context: Context,
  say: Say,
): Fault {
  const hint = issue.code === 'custom' ? paramsOf(issue.params) : undefined
  const shown = written(value)
  if (hint) return { ...say(`${shown} ${issue.message}`, hint.mend), part: hint.part }
  const choice = /^takes one of ([a-z, -]+)$/.exec(issue.message)?.[1]
  if (choice !== undefined && typeof value === 'object') return oneOf(choice.split(', '), value, say)
  if (issue.message.startsWith('Invalid'))
    return say(`${shown} has the wrong form`, mendFor(path, context, 'value', value))
  const [, sentence = issue.message, mend] =
    /^(.*?)[:;] ((?:write|use|add|name|put|give|leave|remove|choose|list|set|take|did) .*)$/s.exec(issue.message) ?? []
  const known = mend ?? describe(path, context) ?? `see "sallyport schema" for what ${keyOf(path)} takes`
  if (/^(is|are|has|have|holds|takes|needs|must|can|does|do|was|names|begins|ends|should) /.test(sentence)) {
    const subject = typeof value === 'object' ? '' : `${shown} `
    return say(
      `${subject}${sentence}`,
      mend ?? (sentence.startsWith('takes ') ? `write ${sentence.slice('takes '.length)}` : known),
    )
  }
  if (sentence.startsWith('"') || /^\d/.test(sentence) || mend !== undefined || typeof value === 'object')
    return say(sentence, known)
  if (/^(an?|the|letters|one) /.test(sentence) || sentence.startsWith('letters'))
    return say(`${shown} has the wrong form`, `write ${sentence}`)
  return say(`${shown}: ${sentence}`, known)
}

function oneOf(keys: readonly string[], value: object | null, say: Say): Fault {
  const given = keys.filter(key => value !== null && key in value)
  if (given.length > 1) return say(`${given.join(' and ')} exclude each other`, `keep one of ${keys.join(', ')}`)
  return say(`none of ${keys.join(', ')} is given`, `add one of ${keys.join(', ')}`)
}

function paramsOf(params: Record<string, unknown> | undefined): IssueParams | undefined {
  const { mend, part } = params ?? {}
  return typeof mend === 'string' ? { mend, part: isPart(part) ? part : undefined } : undefined
}

function isPart(part: unknown): part is NonNullable<ValueFault['part']> {
  return typeof part === 'object' && part !== null && 'at' in part && 'length' in part
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

function descriptionAt(path: Path, context: Context): string | undefined {
  for (const schema of schemasAt(context.schema, path)) {
    const text = z.globalRegistry.get(schema as z.ZodType)?.description
    if (text !== undefined) return text
  }
  return undefined
}

const withColon = (text: string | undefined): string => (text === undefined ? '' : `: ${text}`)

/** What a value is for, where its schema says so. */
function describe(path: Path, context: Context): string | undefined {
  const text = descriptionAt(path, context)
  return text === undefined ? undefined : `${keyOf(path)} is: ${text}`
}

/** The nearest key: of an entry of a list, the list's. */
const keyOf = (path: Path): string => String(path.findLast(step => typeof step === 'string') ?? 'the config')

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a block of keys',
  record: 'a block of keys',
  array: 'a list',
}
const expected = (type: string): string => EXPECTED[type] ?? `a ${type}`

/** A value as the operator wrote it, short. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a block of keys'
  const text = JSON.stringify(value)
  const shown = text.length > 80 ? `${text.slice(0, 77)}..."` : text
  return typeof value === 'number' ? `the number ${shown}` : shown
}

function mendFor(path: Path, context: Context, type: string, value: unknown): string {
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
  if (type === 'array') return 'write a list: begin every entry with "- "'
  const known = keysAt(context.schema, path).sort().join(', ')
  if (known !== '' && value === null) return `write {} for the defaults, or some of the keys that it takes: ${known}`
  if (known !== '') return `write { key: value }; it takes: ${known}`
  const about = descriptionAt(path, context)
  const word = EXPECTED[type]
  if (word === undefined) return describe(path, context) ?? `see "sallyport schema" for what ${keyOf(path)} takes`
  return about === undefined ? `write ${word}` : `write ${word}: ${about}`
}
