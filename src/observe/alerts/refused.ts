import { formatDuration } from '../../core/units.ts'
import type { ShareRule } from './config.ts'
import type { Delta } from './deltas.ts'
import { calmOf, forget, isFor, listed, type Reading, type RuleWatch, type Trouble } from './rule.ts'
import { Tally } from './tally.ts'

/** The name under which a tally counts what was taken; no code has it. */
const TAKEN = ''

/** Who refuses. */
interface Refuser {
  readonly refused: (delta: Delta) => Delta['refused']
  readonly taken: (delta: Delta) => number
  readonly name: (route: string) => string
  readonly does: string
  readonly mend: string
}

export const GATE: Refuser = {
  refused: ({ refused }) => refused,
  taken: ({ verified }) => verified,
  name: route => `route ${route}`,
  does: 'of its requests',
  mend: 'Look at the log lines of these codes: each has its evidence and its mend.',
}

export const UPSTREAM: Refuser = {
  refused: ({ rejected }) => rejected,
  taken: ({ delivered, rejected }) => delivered - rejected.reduce((sum, [, count]) => sum + count, 0),
  name: route => `the upstream of route ${route}`,
  does: 'of what it is sent',
  mend: 'Look at the log lines of these statuses: "sallyport explain" and their request id tell what the upstream misses.',
}

/** More than a share of the requests of the time that has just passed was refused. */
export class RefusedWatch implements RuleWatch {
  readonly calm: number
  readonly #rule: ShareRule
  readonly #by: Refuser
  readonly #routes = new Map<string, Tally>()

  constructor(rule: ShareRule, by: Refuser) {
    this.#rule = rule
    this.#by = by
    this.calm = calmOf(rule.within)
  }

  look({ monotonic, moved }: Reading): Trouble[] {
    for (const [route, delta] of moved) {
      if (!isFor(this.#rule.routes, route)) continue
      const tally = this.#routes.get(route) ?? new Tally(this.#rule.within)
      this.#routes.set(route, tally)
      tally.add(monotonic, TAKEN, this.#by.taken(delta))
      for (const [code, count] of this.#by.refused(delta)) tally.add(monotonic, code, count)
    }
    return [...this.#routes].flatMap(([route, tally]) => this.#judge(route, tally.totals(monotonic)))
  }

  #judge(route: string, totals: ReadonlyMap<string, number>): Trouble[] {
    let all = 0
    for (const count of totals.values()) all += count
    const refused = all - (totals.get(TAKEN) ?? 0)
    const { over, within } = this.#rule
    const { name, does, mend } = this.#by
    if (all < this.#rule['of-at-least'] || refused <= over * all) return []
    const codes = [...totals].filter(([code]) => code !== TAKEN)
    return [
      {
        subject: route,
        route,
        what: `${name(route)} refuses ${percent(refused / all)} ${does}`,
        evidence: `${refused} of ${all} in the last ${formatDuration(within)}: ${listed(codes)}`,
        mend,
      },
    ]
  }

  over(route: string): string {
    return `${this.#by.name(route)} no longer refuses more than ${percent(this.#rule.over)} ${this.#by.does}`
  }

  keep(routes: ReadonlySet<string>): void {
    forget(this.#routes, routes)
  }
}

/** To a tenth. */
const percent = (part: number): string => `${Math.round(part * 1000) / 10} %`
