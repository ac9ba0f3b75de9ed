import { SHARING, SHARING_CPU, SHARING_DONE } from './cases/shared.ts'
import type { Section } from './document.ts'
import { type Figures, figureOf } from './figures.ts'
import { columns, type Measure, rows } from './report.ts'
import { ratios, summarise } from './stats.ts'

export type Result = Section | Figures

/** Something that the gate is meant to reach. */
export interface Goal {
  readonly text: string
  /** As it is written, e.g. "<= 1.0 x nginx". */
  readonly bound: string
  readonly reached: 'at-most' | 'at-least'
  readonly limit: number
  /** `undefined` where what it needs was not measured. */
  figure(results: readonly Result[]): number | undefined
}

export interface Judged {
  readonly goal: Goal
  readonly figure: number
  readonly met: boolean
}

const GATE = 'sallyport'

function sectionOf(results: readonly Result[], name: string): Section | undefined {
  return results.find((result): result is Section => result.kind === 'requests' && result.name === name)
}

function figuresOf(results: readonly Result[], name: string): Figures | undefined {
  return results.find((result): result is Figures => result.kind === 'figures' && result.name === name)
}

/** The median, over the rounds, of the gate's measure by the base's. */
function toBase(work: string, measure: Measure, peer: string = GATE) {
  return (results: readonly Result[]): number | undefined => {
    const section = sectionOf(results, work)
    const row = section && rows(section.outcomes, section.base).find(({ outcome }) => outcome.peer === peer)
    return row && row.outcome.samples.length > 0 ? row.ratio?.[measure].median : undefined
  }
}

function median(results: readonly Result[], work: string, peer: string, measure: Measure): number | undefined {
  const samples = sectionOf(results, work)?.outcomes.find(outcome => outcome.peer === peer)?.samples ?? []
  return samples.length === 0 ? undefined : summarise(samples.map(sample => sample[measure])).median
}

const quotient = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a / b

/** The median, over the rounds, of the gate's processor time for this work by that for an accepted webhook. */
const toAccepted = (work: string) => (results: readonly Result[]) => {
  const [refusals, accepted] = [work, 'verified'].map(name => costs(results, name))
  if (refusals === undefined || accepted === undefined || refusals.length === 0) return undefined
  return refusals.length === accepted.length ? summarise(ratios(refusals, accepted)).median : undefined
}

function costs(results: readonly Result[], work: string): number[] {
  const outcome = sectionOf(results, work)?.outcomes.find(({ peer }) => peer === GATE)
  return outcome?.samples.map(({ cpuUs }) => cpuUs) ?? []
}

const cpu = (text: string, work: string, limit: number): Goal => ({
  text: `${text}: CPU a request`,
  bound: `<= ${limit.toFixed(1)} x nginx`,
  reached: 'at-most',
  limit,
  figure: toBase(work, 'cpuUs'),
})

const refused = (text: string, work: string, limit: number): Goal => ({
  text: `refused at ${text}: CPU a request`,
  bound: `<= ${limit.toFixed(1)} x accepted`,
  reached: 'at-most',
  limit,
  figure: toAccepted(work),
})

const atMost = (text: string, bound: string, limit: number, figure: Goal['figure']): Goal => ({
  text,
  bound: `<= ${bound}`,
  reached: 'at-most',
  limit,
  figure,
})

const streamed = (text: string, column: number): Goal => ({
  text: `bridge, 1 GiB ${text}: throughput`,
  bound: '>= 0.8 x nginx',
  reached: 'at-least',
  limit: 0.8,
  figure(results) {
    const figures = figuresOf(results, 'stream')
    return quotient(figureOf(figures, GATE, column), figureOf(figures, 'nginx-njs', column))
  },
})

const grows = (text: string, column: number): Goal =>
  atMost(`bridge, 1 GiB ${text}: growth of memory`, '32 MiB', 32, results =>
    figureOf(figuresOf(results, 'stream'), GATE, column),
  )

export const GOALS: readonly Goal[] = [
  cpu('verified webhook, 1 KB', 'verified', 1),
  {
    text: 'verified webhook, 1 KB: requests/s',
    bound: '>= 4.0 x Express',
    reached: 'at-least',
    limit: 4,
    figure: results =>
      quotient(median(results, 'verified', GATE, 'perSecond'), median(results, 'verified', 'express', 'perSecond')),
  },
  refused('the signature', 'forged', 0.6),
  refused('source-ip', 'foreign', 0.4),
  refused('rate-limit', 'limited', 0.4),
  cpu('verified webhook, 64 KB', 'large', 1),
  cpu('verified webhook, 1 MB', 'megabyte', 1),
  cpu('TLS, kept connections', 'tls', 1.2),
  atMost('p99 at half of capacity', '2.0 x nginx', 2, toBase('half', 'p99')),
  atMost(
    'many routes, networks, tokens and keys: CPU a request',
    '1.05 x one of each',
    1.05,
    toBase('scale', 'cpuUs', 'scale-many'),
  ),
  atMost('two workers on one core: CPU a request', '1.05 x two gates', 1.05, toBase('workers', 'cpuUs', 'two-workers')),
  atMost('two threads that share all that workers do: CPU', '1.05 x two apart', 1.05, results =>
    figureOf(figuresOf(results, 'shared'), SHARING, SHARING_CPU),
  ),
  {
    text: 'two threads that share all that workers do: done',
    bound: '>= 0.95 x two apart',
    reached: 'at-least',
    limit: 0.95,
    figure: results => figureOf(figuresOf(results, 'shared'), SHARING, SHARING_DONE),
  },
  atMost('half refused, captures on: CPU a request', '1.05 x off', 1.05, toBase('captures', 'cpuUs', 'captures-on')),
  atMost('memory at rest, 100 routes', '80 MiB', 80, results => figureOf(figuresOf(results, 'start'), GATE, 1)),
  atMost('memory of an idle connection, plain', '12 KiB', 12, results => figureOf(figuresOf(results, 'idle'), GATE, 0)),
  atMost('start to listening, 100 routes', '250 ms', 250, results => figureOf(figuresOf(results, 'start'), GATE, 0)),
  streamed('to the upstream', 0),
  streamed('from the upstream', 3),
  grows('to the upstream', 2),
  grows('from the upstream', 5),
]

/** The goals whose figures are among the results. */
export function judge(results: readonly Result[]): Judged[] {
  return GOALS.flatMap(goal => {
    const figure = goal.figure(results)
    if (figure === undefined || !Number.isFinite(figure)) return []
    return [{ goal, figure, met: goal.reached === 'at-most' ? figure <= goal.limit : figure >= goal.limit }]
  })
}

const cells = ({ goal, figure, met }: Judged): string[] => [
  goal.text,
  goal.bound,
  figure.toFixed(Math.abs(figure) < 10 ? 2 : 0),
  met ? 'yes' : 'no',
]
const HEAD = ['', 'goal', 'figure', 'reached']

export function goalsText(judged: readonly Judged[]): string {
  return columns([HEAD, ...judged.map(cells)])
}

export function goalsMarkdown(judged: readonly Judged[]): string {
  return [`| ${HEAD.join(' | ')} |`, '|---|--:|--:|--:|', ...judged.map(each => `| ${cells(each).join(' | ')} |`)].join(
    '\n',
  )
}
