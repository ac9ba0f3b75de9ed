import type { Sample } from './measure.ts'
import { ratios, type Summary, summarise } from './stats.ts'

/** All rounds of one peer at one work; no samples where `problem` says why. */
export interface Outcome {
  readonly peer: string
  readonly title: string
  readonly note: string
  readonly version: string | undefined
  readonly problem?: string | undefined
  /** Bytes. */
  readonly atRest: number
  /** Milliseconds from the start to listening. */
  readonly startMs: number
  readonly samples: readonly Sample[]
}

export interface Row {
  readonly outcome: Outcome
  readonly absolute: Record<Measure, Summary>
  /** Round by round against the base; `undefined` where the base was not measured. */
  readonly ratio: Record<Measure, Summary> | undefined
  readonly busy: number
}

export type Measure = 'cpuUs' | 'perSecond' | 'p50' | 'p99' | 'resident'
export const MEASURES: readonly Measure[] = ['cpuUs', 'perSecond', 'p50', 'p99', 'resident']
export const BASE = 'nginx-njs'

function each(of: (measure: Measure) => Summary): Record<Measure, Summary> {
  return {
    cpuUs: of('cpuUs'),
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    resident: of('resident'),
  }
}

export function rows(outcomes: readonly Outcome[], baseName: string = BASE): Row[] {
  const base = outcomes.find(({ peer, samples }) => peer === baseName && samples.length > 0)?.samples
  return outcomes.map(outcome => {
    const values = (measure: Measure) => outcome.samples.map(sample => sample[measure])
    return {
      outcome,
      absolute: each(measure => summarise(values(measure))),
      ratio:
        base &&
        each(measure =>
          summarise(
            ratios(
              values(measure),
              base.map(sample => sample[measure]),
            ),
          ),
        ),
      busy: summarise(outcome.samples.map(({ busy }) => busy)).median,
    }
  })
}

const plain = (value: number, digits: number): string => value.toFixed(digits)
const spread = ({ median, min, max }: Summary): string => `${plain(median, 2)} (${plain(min, 2)}-${plain(max, 2)})`

/** A table in columns as wide as they need; every column but the first is aligned to the right. */
export function columns(table: readonly (readonly string[])[]): string {
  const widths = (table[0] ?? []).map((_, i) => Math.max(...table.map(row => (row[i] ?? '').length)))
  return table
    .map(row =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** For the terminal: what was measured, and the ratios to the base. */
export function terminalTable(outcomes: readonly Outcome[], base: string = BASE): string {
  const head = [
    ...['', 'CPU us/req', 'ratio (spread)', 'req/s', 'ratio', 'p50 ms', 'p99 ms'],
    ...['start ms', 'rest MB', 'load MB', 'core'],
  ]
  const measured = rows(outcomes, base).filter(({ outcome }) => outcome.samples.length > 0)
  const body = measured.map(({ outcome, absolute, ratio, busy }) => [
    outcome.title,
    plain(absolute.cpuUs.median, 1),
    ratio ? spread(ratio.cpuUs) : '-',
    plain(absolute.perSecond.median, 0),
    ratio ? plain(ratio.perSecond.median, 2) : '-',
    plain(absolute.p50.median / 1000, 2),
    plain(absolute.p99.median / 1000, 2),
    plain(outcome.startMs, 0),
    plain(outcome.atRest / 1e6, 0),
    plain(absolute.resident.median / 1e6, 0),
    `${plain(busy * 100, 0)}%`,
  ])
  const missing = outcomes
    .filter(({ samples }) => samples.length === 0)
    .map(({ title, problem }) => `${title}: ${problem ?? 'not measured'}`)
  return [columns([head, ...body]), ...missing].join('\n')
}

/** For the documentation: ratios only, since the figures themselves belong to one machine. */
export function markdownTable(outcomes: readonly Outcome[], base: string = BASE): string {
  const lines = [
    '| | CPU a request (spread) | requests/s | p50 | p99 | memory under load |',
    '|---|--:|--:|--:|--:|--:|',
  ]
  for (const { outcome, ratio } of rows(outcomes, base)) {
    const name = outcome.version === undefined ? outcome.title : `${outcome.title} ${outcome.version}`
    if (outcome.samples.length === 0 || ratio === undefined) {
      lines.push(`| ${name} | ${outcome.problem ?? 'not measured'} | | | | |`)
      continue
    }
    const cells = [ratio.perSecond, ratio.p50, ratio.p99, ratio.resident].map(({ median }) => plain(median, 2))
    lines.push(`| ${name} | ${spread(ratio.cpuUs)} | ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

/** Bars of the processor time a request, the base being 1. */
export function chart(outcomes: readonly Outcome[], base: string = BASE, width = 48): string {
  const bars = rows(outcomes, base).flatMap(({ outcome, ratio }) =>
    ratio && outcome.samples.length > 0 ? [{ title: outcome.title, value: ratio.cpuUs.median }] : [],
  )
  const longest = Math.max(...bars.map(({ value }) => value))
  const titles = Math.max(...bars.map(({ title }) => title.length))
  return bars
    .map(({ title, value }) => {
      const bar = '#'.repeat(Math.max(1, Math.round((value / longest) * width)))
      return `${title.padEnd(titles)}  ${bar} ${plain(value, 2)}`
    })
    .join('\n')
}
