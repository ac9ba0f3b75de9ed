import { type $ZodIssue, safeParse } from 'zod/v4/core'
import { isPlaceholder } from '../core/placeholder.ts'
import { blockFaults, unknownKeys } from './blocks.ts'
import type { Fault, Path, ValueFault } from './fault.ts'
import { meant, nearest } from './nearest.ts'
import type { IssueParams } from './shape.ts'
import { alternatives, elementOf, keysAt, schemasAt, takesSecret, wordsAt } from './walk-schema.ts'
import {
  type Context,
  describe,
  descriptionAt,
  expected,
  keyOf,
  labelOf,
  mendFor,
  withColon,
  written,
} from './words.ts'

/** The keys whose lists hold checks. */
const CHECK_LISTS: ReadonlySet<unknown> = new Set(['checks', 'any-of', 'all-of'])

/** Every zod issue as a fault with a sentence of this project and a mend. */
export function faultsOf(issues: readonly $ZodIssue[], context: Context, base: Path = []): Fault[] {
  const placed = issues.map(issue => ({
    issue,
    path: [...base, ...issue.path.map(step => (typeof step === 'number' ? step : String(step)))],
  }))
  // A key that is misspelled is missing as well: one fault, told once.
  const misspelled = new Set(
    placed.flatMap(({ issue, path }) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.flatMap(key => {
            const near = nearest(key, keysAt(context.schema, path))
            // Where the secret itself was written, how to refer to one is news.
            const literal =
              takesSecret(context.schema, [...path, near ?? key]) && typeof context.at([...path, key]) === 'string'
            return near === undefined || literal ? [] : [JSON.stringify([...path, near])]
          })
        : [],
    ),
  )
  return placed.flatMap(({ issue, path }) =>
    misspelled.has(JSON.stringify(path)) && context.at(path) === undefined ? [] : faultOf(issue, path, context),
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
  const variable = typeof value === 'string' ? VARIABLE.exec(value) : null
  if (variable)
    return [
      {
        ...say(
          `${written(value)} holds ${variable[0]}, and nothing puts a value in its place`,
          'write the value itself, or make the file by envsubst; a secret alone is read from the environment, by { env: NAME }',
        ),
        part: { at: variable.index, length: variable[0].length },
      },
    ]
  switch (issue.code) {
    case 'unrecognized_keys': {
      if (CHECK_LISTS.has(path.at(-2))) {
        const known = keysAt(context.schema, path)
        return issue.keys.map(key => unknownCheck(key, path, known, value))
      }
      return unknownKeys(issue.keys, path, context)
    }
    case 'invalid_type': {
      if (value === undefined && path.length > 0) return [missing(path, context)]
      const asText = typeof value === 'number' ? faultAsText(value, path, context) : undefined
      if (asText) return [say(`${written(value)} ${asText.message}`, asText.mend)]
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

/** What a rule says of a number that would be no better in quotes. */
function faultAsText(value: number, path: Path, context: Context): Pick<Fault, 'message' | 'mend'> | undefined {
  for (const schema of schemasAt(context.schema, path))
    for (const issue of safeParse(schema, String(value)).error?.issues ?? []) {
      const hint = issue.code === 'custom' && issue.path.length === 0 ? paramsOf(issue.params) : undefined
      if (hint) return { message: issue.message, mend: hint.mend }
    }
  return undefined
}

/** As shells, docker compose, Helm and Ansible write a variable. */
const VARIABLE = /\$\{[A-Za-z_][^{}]*\}|\{\{[^{}]*\}\}/

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
  // The keys of a signature or an issuer are public ones; those of api-key are secrets.
  const isPublic = keyOf(path) === 'keys' && !path.includes('api-key')
  const isEntry = typeof path.at(-1) === 'number'
  const variable = variableIn(context.at(path))
  const reference = `{ env: ${variable ?? 'NAME'} }`
  if (variable !== undefined)
    return {
      severity: 'error',
      path,
      on: 'value',
      message: `${label}: nothing puts the value of a variable in its place here`,
      mend: isEntry || !list ? `write ${reference}` : `write [${reference}]`,
    }
  return {
    severity: 'error',
    path,
    on: 'value',
    message: `${label}: a ${isPublic ? 'key' : 'secret'} stands in the config itself (not shown here)`,
    mend: `put it into an environment variable or a file and ${isEntry ? `write ${reference}, or { file: path }, in place of it` : `refer to it: ${path.at(-1)}: ${list ? `[${reference}]` : reference}`}${isPublic ? '' : '; then make a new one, as this one has been written down'}`,
  }
}

/** The variable's name in `$NAME` or `${NAME}`, where it is surely one and no secret with a "$". */
const variableIn = (value: unknown): string | undefined =>
  typeof value === 'string' && isPlaceholder(value)
    ? /^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_]+))$/.exec(value)?.slice(1).find(Boolean)
    : undefined

const takesList = (path: Path, context: Context): boolean =>
  schemasAt(context.schema, path).some(schema =>
    [...alternatives(schema)].some(option => elementOf(option) !== undefined),
  )

/** One sentence for a union: the option that got furthest speaks, or all of them say what they expect. */
function unionFaults(issue: $ZodIssue & { code: 'invalid_union' }, path: Path, context: Context, say: Say): Fault[] {
  const value = context.at(path)
  if (value === undefined && path.length > 0) return [missing(path, context)]
  const block = blockFaults(issue, path, context, own => faultsOf(own, context, path))
  if (block) return block
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
  if (typeof value === 'string' && known.length > 0 && options.flat().every(({ code }) => code === 'invalid_value'))
    return [say(`${written(value)} is not known here`, meant(value, known, keyOf(path)))]
  const word = typeof value === 'string' ? (nearest(value, known) ?? known.find(isWithin(value))) : undefined
  if (word !== undefined)
    return [say(`${written(value)} is not known here`, `${meant(word, known, keyOf(path))}, or a block of keys`)]
  const keys = keysAt(context.schema, path)
  if (typeof value === 'string' && known.length > 0 && keys.length > 0)
    return [say(`${written(value)} is not known here`, `${meant(value, known, keyOf(path))}, or { ${keys[0]}: ... }`)]
  const words = options.flatMap(errors => errors.map(wordFor))
  return [
    say(
      `${written(value)} stands here, but ${[...new Set(words)].join(' or ')} is expected`,
      mendFor(path, context, 'value', value),
    ),
  ]
}

/** Whether a word of several is meant by one of them: `source-ip` by `ip`. */
const isWithin =
  (part: string) =>
  (word: string): boolean =>
    word.split('-').includes(part.toLowerCase())

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
  const choice = /^takes one of ([a-z0-9, -]+)$/.exec(issue.message)?.[1]
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
  if (sentence.includes(shown) || /^\d/.test(sentence) || mend !== undefined || typeof value === 'object')
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
