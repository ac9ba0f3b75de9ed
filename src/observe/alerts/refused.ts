import { formatDuration } from '../../core/units.ts'
import type { RefusedRule } from './config.ts'
import { calmOf, forget, isFor, listed, type Reading, type RuleWatch, type Trouble } from './rule.ts'
import { Tally } from './tally.ts'

/** The name under which a tally counts what was let in; no code has it. */
const LET_IN = ''

/** A route refuses more than a share of the requests of the time that has just passed. */
export class RefusedWatch implements RuleWatch {
  readonly calm: number
  readonly #rule: RefusedRule
  readonly #routes = new Map<string, Tally>()

  constructor(rule: RefusedRule) {
    this.#rule = rule
    this.calm = calmOf(rule.within)
  }

  look({ monotonic, moved }: Reading): Trouble[] {
    for (const [route, delta] of moved) {
      if (!isFor(this.#rule.routes, route)) continue
      const tally = this.#routes.get(route) ?? new Tally(this.#rule.within)
      this.#routes.set(route, tally)
      tally.add(monotonic, LET_IN, delta.verified)
      for (const [code, count] of delta.refused) tally.add(monotonic, code, count)
    }
    return [...this.#routes].flatMap(([route, tally]) => this.#judge(route, tally.totals(monotonic)))
  }

  #judge(route: string, totals: ReadonlyMap<string, number>): Trouble[] {
    let all = 0
    for (const count of totals.values()) all += count
    const refused = all - (totals.get(LET_IN) ?? 0)
    const { over, within } = this.#rule
    if (all < this.#rule['of-at-least'] || refused <= over * all) return []
    const codes = [...totals].filter(([code]) => code !== LET_IN)
    return [
      {
        subject: route,
        route,
        what: `route ${route} refuses ${percent(refused / all)} of its requests`,
        evidence: `${refused} of ${all} in the last ${formatDuration(within)}: ${listed(codes)}`,
        mend: 'Look at the log lines of these codes: each has its evidence and its mend.',
      },
    ]
  }

  over(route: string): string {
    return `route ${route} no longer refuses more than ${percent(this.#rule.over)} of its requests`
  }

  keep(routes: ReadonlySet<string>): void {
    forget(this.#routes, routes)
  }
}

/** To a tenth. */
const percent = (part: number): string => `${Math.round(part * 1000) / 10} %`
