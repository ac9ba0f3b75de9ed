import { describeCharacter, isHidden } from './characters.ts'

/** One thing that is wrong with a config file: what happened, where, and what mends it. */
export interface Problem {
  /** A warning lets the config load; an error does not. */
  readonly severity: 'error' | 'warning'
  /** As the caller named it. */
  readonly file: string
  /** From 1; 0 where the file as a whole is meant. */
  readonly line: number
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number
  /** UTF-16 units to underline, on that line. */
  readonly length: number
  readonly message: string
  readonly mend: string
}

const WIDTH = 100
const LEAD = 60

/** What a terminal may be given for `text`: everything hidden is shown by its code point. */
export function visible(text: string): string {
  let out = ''
  for (const char of text) out += isHidden(char) && char !== '\t' ? `<${describeCharacter(char, 'short')}>` : char
  return out.replaceAll('\t', ' ')
}

/**
 * One problem as text: place and sentence, the source line, carets, the mend.
 * @param text the masked text that the loader returned, so that no literal secret is printed.
 */
export function formatProblem(problem: Problem, text: string): string {
  const kind = problem.severity === 'warning' ? 'warning: ' : ''
  const message = `${kind}${visible(problem.message)}`
  const mend = `  mend: ${visible(problem.mend)}`
  if (problem.line === 0) return `${problem.file}  ${message}\n${mend}`
  const head = `${problem.file}:${problem.line}:${problem.column}  ${message}`
  const source = (text.split('\n')[problem.line - 1] ?? '').replace(/\r$/, '')
  const from = problem.column - 1
  const cut = from > LEAD && source.length > WIDTH ? from - LEAD : 0
  const until = Math.max(cut + WIDTH, Math.min(from + problem.length, from + WIDTH))
  const before = `${cut > 0 ? '...' : ''}${visible(source.slice(cut, from))}`
  const marked = visible(source.slice(from, Math.min(from + problem.length, until)))
  const after = `${visible(source.slice(from + problem.length, until))}${source.length > until ? '...' : ''}`
  const gutter = ' '.repeat(String(problem.line).length)
  return [
    head,
    `  ${problem.line} | ${before}${marked}${after}`,
    `  ${gutter} | ${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`,
    mend,
  ].join('\n')
}

/** Every problem, in the order given, a blank line between two; ends with a line feed unless there is none. */
export function formatProblems(problems: readonly Problem[], text: string): string {
  return problems.map(problem => `${formatProblem(problem, text)}\n`).join('\n')
}
