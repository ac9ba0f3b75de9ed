import { visible } from '../../config/problem.ts'
import type { EvidenceValue } from '../../core/decision.ts'
import type { Finding } from '../../core/finding.ts'
import type { VerbIo } from '../verb.ts'

/** What was looked at as one. */
export interface Section {
  readonly route: string | undefined
  /** `config`: its files and secrets; `in`: an endpoint; `out`: the way to the upstream. */
  readonly part: 'config' | 'in' | 'out'
  readonly subject: string
}

export interface Looked extends Section {
  readonly findings: readonly Finding[]
}

const PARTS = { config: 'config', in: 'in', out: 'out' } as const
const INDENT = ' '.repeat(8)

/** Lines for people, as the findings come. */
export class TextReport {
  readonly #io: VerbIo

  constructor(io: VerbIo) {
    this.#io = io
  }

  section({ route, part, subject }: Section): void {
    const name = route === undefined ? '' : `  ${route}`
    this.#io.stdout.write(`${PARTS[part]}${name}  ${visible(subject)}\n`)
  }

  finding({ level, cause, because, evidence, mend, certainty }: Finding): void {
    const word = level === 'fail' ? 'FAIL' : level
    const surely = level === 'ok' || certainty === 'proven' ? '' : ` (${certainty})`
    let text = `  ${word.padEnd(4)}  ${cause}  ${visible(because)}${surely}\n`
    if (level !== 'ok' && evidence && Object.keys(evidence).length > 0) {
      const said = Object.entries(evidence).map(([name, value]) => `${name}=${shown(value)}`)
      text += `${INDENT}evidence  ${visible(said.join(' '))}\n`
    }
    if (mend !== '') text += `${INDENT}mend      ${visible(mend)}\n`
    this.#io.stdout.write(text)
  }

  end(looked: readonly Looked[]): void {
    const { fail, warn, ok } = counts(looked)
    this.#io.stdout.write(`\n${fail} failed, ${warn} warned, ${ok} in order\n`)
  }
}

const shown = (value: EvidenceValue): string => (Array.isArray(value) ? value.map(String).join(',') : String(value))

export function counts(looked: readonly Looked[]): Readonly<Record<Finding['level'], number>> {
  const count = { ok: 0, warn: 0, fail: 0 }
  for (const { findings } of looked) for (const { level } of findings) count[level]++
  return count
}

/** For programs. */
export function jsonReport(looked: readonly Looked[]): string {
  const count = counts(looked)
  return `${JSON.stringify({ ok: count.fail === 0, counts: count, sections: looked }, null, 2)}\n`
}
