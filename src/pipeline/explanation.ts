import type { Evidence } from '../core/decision.ts'
import type { Finding } from '../core/finding.ts'
import { formatSize } from '../core/units.ts'

/**
 * `report`: a check that only reports would have refused it; `not-tried`: without what is missing nobody can tell.
 */
export type StepOutcome = 'pass' | 'fail' | 'report' | 'not-reached' | 'not-tried'

/** One check of a request's way, or what stands around the checks: `request`, `route`, `body`, `content`, `forward`. */
export interface ExplainedStep {
  readonly check: string
  readonly outcome: StepOutcome
  /** What was seen, short; empty where there is nothing to say. */
  readonly note: string
  /** The surest first. */
  readonly findings: readonly Finding[]
  /** Of a step that refused or would: its code, what was seen, and what mends it in general. */
  readonly code?: string | undefined
  readonly evidence?: Evidence | undefined
  readonly remedy?: string | undefined
}

/** Why a request was refused, as people and programs are told it. It holds no secret and nothing of a body. */
export interface Explanation {
  readonly id: string
  /** ISO 8601. */
  readonly time: string
  readonly method: string
  /** Without the query, which may hold credentials. */
  readonly path: string
  readonly source: string
  readonly route: string | null
  /** How it ended; of a request from a file, how it would. */
  readonly outcome: 'forwarded' | 'duplicate' | 'replied' | 'refused' | 'failed'
  /** What the sender was answered; 0: nothing, or it is from a file. */
  readonly status: number
  readonly refusal: { readonly code: string; readonly title: string; readonly meaning: string } | null
  /** What was not kept, or is not in force any more, and so limits what can be said. */
  readonly limits: readonly string[]
  readonly steps: readonly ExplainedStep[]
}

const WORD: Readonly<Record<StepOutcome, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  report: 'WOULD',
  'not-reached': ' -',
  'not-tried': ' ?',
}
/** Findings of a step that people are shown; `--json` has all. */
const SHOWN = 3

/** The explanation as text. */
export function formatExplanation(explanation: Explanation): string {
  const { method, path, source, route, limits, steps } = explanation
  const request = method === '' ? 'a connection' : `${method} ${path}`
  const where = route === null ? 'no route' : `route ${route}`
  const told = steps.filter(({ outcome }) => outcome !== 'not-reached')
  const rest = steps.filter(({ outcome }) => outcome === 'not-reached').map(({ check }) => check)
  const width = Math.max('evidence'.length, ...told.map(({ check }) => check.length))
  const lines = [`${request} from ${source}, ${where}: ${endOf(explanation)}`, '']
  for (const step of told) lines.push(...stepLines(step, width))
  if (rest.length > 0) lines.push(`${WORD['not-reached'].padStart(4)}    ${rest.join(', ')} not reached`)
  if (limits.length > 0) lines.push('', ...limits)
  return `${lines.map(line => line.trimEnd()).join('\n')}\n`
}

function endOf({ outcome, status, refusal }: Explanation): string {
  if (refusal !== null) return `${outcome === 'failed' ? 'failed' : 'refused'}, ${status || 'closed'} ${refusal.code}`
  const word = { forwarded: 'let through', duplicate: 'a duplicate', replied: 'answered by the gate' }[String(outcome)]
  return `${word ?? outcome}${status === 0 ? '' : `, ${status}`}`
}

function stepLines({ check, outcome, note, findings, evidence, remedy }: ExplainedStep, width: number): string[] {
  const row = (word: string, name: string, text: string) => `  ${word.padEnd(5)} ${name.padEnd(width)}  ${text}`
  const lines = [row(WORD[outcome], check, note)]
  if (outcome !== 'fail' && outcome !== 'report') return lines
  for (const { certainty, because, mend } of findings.slice(0, SHOWN)) {
    lines.push(row('', certainty === 'possible' ? 'perhaps' : 'because', because))
    if (mend !== '') lines.push(row('', 'mend', mend))
  }
  if (evidence !== undefined && Object.keys(evidence).length > 0)
    lines.push(row('', 'evidence', evidenceText(evidence)))
  if (findings.every(({ mend }) => mend === '') && remedy !== undefined) lines.push(row('', 'mend', remedy))
  return lines
}

export function evidenceText(evidence: Evidence): string {
  return Object.entries(evidence)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}

/** `1,204 bytes of 512 KiB` */
export const bytesOf = (bytes: number, limit: number): string =>
  `${bytes.toLocaleString('en')} bytes of ${formatSize(limit)}`
