import { cpus, release } from 'node:os'
import { figuresMarkdown } from './figures.ts'
import { goalsMarkdown, judge, type Result } from './goals.ts'
import { chart, markdownTable, type Outcome } from './report.ts'

/** The parts of docs/benchmarks.md that are written from figures, and the cases that each holds. */
const MARKS = {
  measured: { begin: '<!-- measured: written by npm run bench -- --write -->', end: '<!-- end of measured -->' },
  verification: {
    begin: '<!-- verification: written by npm run bench -- --case verification --write -->',
    end: '<!-- end of verification -->',
  },
} as const

/** What a work cost every peer. */
export interface Section {
  readonly kind: 'requests'
  readonly name: string
  readonly title: string
  /** The peer that the ratios are to. */
  readonly base: string
  readonly outcomes: readonly Outcome[]
}

/** Processor, system and versions; nothing that names the machine. */
export function machine(): string {
  const all = cpus()
  return `${all.length} x ${all[0]?.model ?? 'unknown processor'}, Linux ${release().split('-')[0]}, Node ${process.versions.node}`
}

/** The measured section of docs/benchmarks.md. */
export function measuredSection(command: string, results: readonly Result[], about: readonly string[]): string {
  const parts = results.map(result =>
    result.kind === 'figures'
      ? `### ${result.title}\n\n${figuresMarkdown(result)}`
      : `### ${result.title}\n\n${markdownTable(result.outcomes, result.base)}\n\nProcessor time a request:\n\n\`\`\`text\n${chart(result.outcomes, result.base)}\n\`\`\``,
  )
  const judged = judge(results)
  const goals = judged.length > 0 ? [`### Goals\n\n${goalsMarkdown(judged)}`] : []
  return [`\`${command}\``, about.map(line => `- ${line}`).join('\n'), ...goals, ...parts].join('\n\n')
}

/** The part about the cost of a check. */
export function verificationSection(command: string, tables: string, about: readonly string[]): string {
  return [`\`${command}\``, about.map(line => `- ${line}`).join('\n'), tables].join('\n\n')
}

/** `text` with what stands between two marks replaced. @throws where a mark is missing. */
export function replaceSection(text: string, section: string, part: keyof typeof MARKS = 'measured'): string {
  const marks = MARKS[part]
  const begin = text.indexOf(marks.begin)
  const end = text.indexOf(marks.end)
  if (begin < 0 || end < begin) {
    throw new Error(
      `docs/benchmarks.md has no part "${part}": put the lines "${marks.begin}" and "${marks.end}" into it`,
    )
  }
  return `${text.slice(0, begin + marks.begin.length)}\n\n${section}\n\n${text.slice(end)}`
}
