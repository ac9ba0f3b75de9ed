import { columns } from './report.ts'
import { summarise } from './stats.ts'

/** What one peer showed, round by round, for each column. No values where `problem` says why. */
export interface FigureRow {
  readonly peer: string
  readonly title: string
  readonly version: string | undefined
  readonly problem?: string | undefined
  readonly values: readonly (readonly number[])[]
}

/** A table of measurements in their own units, for what is not a cost a request. */
export interface Figures {
  readonly kind: 'figures'
  readonly name: string
  readonly title: string
  /** Each with its unit. */
  readonly columns: readonly string[]
  readonly rows: readonly FigureRow[]
  /** What the reader must know to judge them. */
  readonly notes: readonly string[]
}

function cells({ problem, values }: FigureRow): string[] {
  if (problem !== undefined) return [problem]
  return values.map(column => {
    if (column.length === 0) return '-'
    const { median, min, max } = summarise(column)
    return column.length === 1 ? short(median) : `${short(median)} (${short(min)}-${short(max)})`
  })
}

/** Two places below ten, one below a hundred, none above. */
function short(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0)
}

export function figuresText(figures: Figures): string {
  const measured = figures.rows.filter(({ problem }) => problem === undefined)
  const missing = figures.rows.filter(({ problem }) => problem !== undefined)
  return [
    columns([['', ...figures.columns], ...measured.map(row => [row.title, ...cells(row)])]),
    ...missing.map(({ title, problem }) => `${title}: ${problem}`),
    ...figures.notes,
  ].join('\n')
}

export function figuresMarkdown(figures: Figures): string {
  const head = ['', ...figures.columns]
  const rows = figures.rows.map(row => {
    const name = row.version === undefined ? row.title : `${row.title} ${row.version}`
    const filled = cells(row)
    return `| ${[name, ...head.slice(1).map((_, i) => filled[i] ?? '')].join(' | ')} |`
  })
  return [
    `| ${head.join(' | ')} |`,
    `|---|${figures.columns.map(() => '--:').join('|')}|`,
    ...rows,
    ...(figures.notes.length > 0 ? ['', figures.notes.join(' ')] : []),
  ].join('\n')
}

/** The median of one peer's column; `undefined` where it was not measured. */
export function figureOf(figures: Figures | undefined, peer: string, column: number): number | undefined {
  const values = figures?.rows.find(row => row.peer === peer)?.values[column]
  return values === undefined || values.length === 0 ? undefined : summarise(values).median
}
