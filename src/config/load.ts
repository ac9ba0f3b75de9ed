import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkKinds } from '../checks/index.ts'
import type { AnyCheckKind } from '../core/check.ts'
import { assemble } from './assemble.ts'
import { readDraft } from './draft.ts'
import type { Fault } from './fault.ts'
import { faultsOf } from './issues.ts'
import { type Masked, maskText } from './mask.ts'
import type { GatewayConfig } from './model.ts'
import type { Problem } from './problem.ts'
import { TYPOGRAPHIC } from './quote-marks.ts'
import { rules } from './rules/index.ts'
import { secretReader, whyUnreadable } from './secrets.ts'
import { fileShape } from './shape.ts'
import { readSource, type Source } from './source.ts'

export interface Loaded {
  /** Present where no problem is an error. */
  readonly config?: GatewayConfig
  /** In file order. */
  readonly problems: readonly Problem[]
  /** The file's text for `formatProblem`, literal secrets starred out; empty where there is no problem. */
  readonly text: string
  /** The file's text as it stands, with literal secrets: for nobody's eyes. Empty where it could not be read. */
  readonly written: string
}

export interface LoadOptions {
  readonly kinds?: readonly AnyCheckKind[]
  /** Epoch milliseconds, for what has expired. */
  readonly now?: number
  /** Told the absolute path of each file that is about to be looked at: the config itself, and those that it names. */
  readonly note?: (file: string) => void
}

/** Bytes: tens of thousands of routes. */
const LARGEST = 8 * 1024 * 1024

/** Reads and validates a config file; it does not throw for anything that the file holds. */
export function loadConfig(file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Loaded {
  let bytes: Buffer
  options.note?.(resolve(file))
  try {
    const { size } = statSync(file)
    if (size > LARGEST)
      return failed(
        file,
        'the config is larger than 8 MiB',
        'move networks, tokens and schemas into files of their own',
      )
    bytes = readFileSync(file)
  } catch (cause) {
    const { message, mend } = whyUnreadable('of that name', cause)
    const missing = message.startsWith('there is no file')
    return failed(
      file,
      missing
        ? 'there is no such file'
        : message.replace('the file of that name', 'the config').replace('of that name', 'the config'),
      missing ? 'check the path that --config names' : mend.replace('of that name', 'it'),
    )
  }
  const text = bytes.toString('utf8')
  if (Buffer.compare(Buffer.from(text), bytes) !== 0)
    return failed(file, 'the config is no UTF-8 text', 'save it as UTF-8')
  return parseConfig(text, file, env, options)
}

function failed(file: string, message: string, mend: string): Loaded {
  return {
    problems: [{ severity: 'error', file, line: 0, column: 0, length: 0, message, mend }],
    text: '',
    written: '',
  }
}

/**
 * Validates a config's text: every problem at once, in file order.
 * @param file the name that problems show; relative paths in the config are relative to its folder.
 */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv, options: LoadOptions = {}): Loaded {
  if (text.length > LARGEST)
    return failed(file, 'the config is larger than 8 MiB', 'move networks, tokens and schemas into files of their own')
  const kinds = options.kinds ?? checkKinds
  const source = readSource(text)
  const shape = fileShape(kinds)
  const mask = () => maskText(text, source, shape)
  const problems = source.spots.map(spot =>
    problemAt(source, file, text, spot.start, spot.end, { severity: 'error', ...spot }),
  )
  if (source.value === undefined) return { ...told(problems, mask()), written: text }
  if (source.value === null)
    return failed(
      file,
      'the config is empty',
      'write listeners and routes, as config/minimal.yaml of this package does',
    )
  const at = source.at
  const parsed = shape.safeParse(source.value)
  const faults: Fault[] = parsed.success ? [] : faultsOf(parsed.error.issues, { schema: shape, at })
  const draft = parsed.success ? parsed.data : readDraft(shape, source.value)
  const folder = dirname(resolve(file))
  const { note = () => undefined, now = Date.now() } = options
  const context = { kinds, env, folder, note, secret: secretReader(env, folder, note), now, at }
  if (draft) for (const rule of rules) faults.push(...rule(draft, context))
  for (const fault of faults) {
    const [start, end] = source.locate(fault)
    problems.push(problemAt(source, file, text, start, end, fault))
  }
  const config =
    parsed.success && !problems.some(({ severity }) => severity === 'error')
      ? assemble(parsed.data, resolve(file), kinds)
      : undefined
  const said = problems.length > 0 ? told(problems, mask()) : { problems, text: '' }
  return { ...(config ? { config } : {}), ...said, written: text }
}

/**
 * A config that was loaded, with what was found of the files that it names among its problems.
 * @param file the name that problems show
 */
export function withFaults(loaded: Loaded, faults: readonly Fault[], file: string, kinds = checkKinds): Loaded {
  if (faults.length === 0) return loaded
  const { written, config } = loaded
  const source = readSource(written)
  const found = faults.map(fault => problemAt(source, file, written, ...source.locate(fault), fault))
  const said = told([...loaded.problems, ...found], maskText(written, source, fileShape(kinds)))
  const isRefused = said.problems.some(({ severity }) => severity === 'error')
  return { ...(config && !isRefused ? { config } : {}), ...said, written }
}

function problemAt(
  source: Source,
  file: string,
  text: string,
  start: number,
  end: number,
  said: Pick<Problem, 'severity' | 'message' | 'mend'>,
): Problem {
  const { line, column } = source.place(start)
  const eol = text.indexOf('\n', start)
  const stop = Math.min(end, eol < 0 ? text.length : eol)
  return {
    severity: said.severity,
    file,
    line,
    column,
    length: Math.max(1, stop - start),
    message: said.message,
    mend: said.mend,
  }
}

const MOST = 200

/** What is wrong, fit to be shown: in file order, each once, and without a secret. */
function told(problems: readonly Problem[], { text, hide }: Masked): Pick<Loaded, 'problems' | 'text'> {
  return { problems: inOrder(problems, hide), text }
}

/** In file order, each once; a file with more than a person reads says how many are left. */
function inOrder(problems: readonly Problem[], hide: (text: string) => string): Problem[] {
  const place = (problem: Problem) => `${problem.line}:${problem.column}`
  const generic = (problem: Problem) => problem.message.startsWith('a hidden character')
  const isQuoted = (problem: Problem) => problem.message.startsWith(TYPOGRAPHIC)
  const named = (problem: Problem) => !generic(problem) && problem.message.includes('hidden character')
  const said = new Set(problems.filter(named).map(place))
  const quoted = new Set(problems.filter(isQuoted).map(place))
  const telling = problems.filter(
    problem =>
      !(generic(problem) && said.has(place(problem))) &&
      // Of what typographic quotes make of a value, the quotes are what to tell; a literal secret is one still.
      (!quoted.has(place(problem)) || isQuoted(problem) || problem.message.includes('secret')),
  )
  const unique = [...new Map(telling.map(problem => [`${place(problem)}:${problem.message}`, problem])).values()]
  unique.sort((a, b) => a.line - b.line || a.column - b.column)
  const shown = unique
    .slice(0, MOST)
    .map(problem => ({ ...problem, message: hide(problem.message), mend: hide(problem.mend) }))
  const next = unique[MOST]
  if (!next) return shown
  const severity = unique.some(problem => problem.severity === 'error') ? 'error' : 'warning'
  return [
    ...shown,
    {
      ...next,
      severity,
      message: `${unique.length - MOST} more problems from here on`,
      mend: `mend the first ${MOST}, and check again`,
    },
  ]
}
