import { cpus, release } from 'node:os'
import { chart, markdownTable, type Outcome } from './report.ts'

const BEGIN = '<!-- measured: written by npm run bench -- --write -->'
const END = '<!-- end of measured -->'

export interface Section {
  readonly title: string
  readonly outcomes: readonly Outcome[]
}

/** Processor, system and versions; nothing that names the machine. */
export function machine(): string {
  const all = cpus()
  return `${all.length} x ${all[0]?.model ?? 'unknown processor'}, Linux ${release().split('-')[0]}, Node ${process.versions.node}`
}

/** The measured section of docs/benchmarks.md. */
export function measuredSection(command: string, sections: readonly Section[], about: readonly string[]): string {
  const parts = sections.map(
    ({ title, outcomes }) =>
      `### ${title}\n\n${markdownTable(outcomes)}\n\nProcessor time a request:\n\n\`\`\`text\n${chart(outcomes)}\n\`\`\``,
  )
  return [`\`${command}\``, about.map(line => `- ${line}`).join('\n'), ...parts].join('\n\n')
}

/** `text` with what stands between the two marks replaced. @throws where a mark is missing. */
export function replaceSection(text: string, section: string): string {
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) {
    throw new Error(`docs/benchmarks.md has no measured section: put the lines "${BEGIN}" and "${END}" into it`)
  }
  return `${text.slice(0, begin + BEGIN.length)}\n\n${section}\n\n${text.slice(end)}`
}
