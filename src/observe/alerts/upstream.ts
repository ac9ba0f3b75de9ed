import { formatDuration } from '../../core/units.ts'
import type { UpstreamRule } from './config.ts'
import { calmOf, forget, isFor, listed, type Reading, type RuleWatch, type Trouble } from './rule.ts'

interface Failing {
  /** Milliseconds of the monotonic clock: of the first failure since something got through. */
  readonly since: number
  /** The same, epoch milliseconds. */
  readonly at: number
  readonly codes: Map<string, number>
}

/** Nothing has got through to a route's upstream since a failure some time ago; how it stood last, where nothing more came. */
export class UpstreamWatch implements RuleWatch {
  readonly calm: number
  readonly #rule: UpstreamRule
  readonly #failing = new Map<string, Failing>()

  constructor(rule: UpstreamRule) {
    this.#rule = rule
    this.calm = calmOf(rule.for)
  }

  look({ now, monotonic, moved }: Reading): Trouble[] {
    for (const [route, { delivered, undelivered }] of moved) {
      if (!isFor(this.#rule.routes, route)) continue
      if (delivered > 0) this.#failing.delete(route)
      else if (undelivered.length > 0) {
        const failing = this.#failing.get(route) ?? { since: monotonic, at: now, codes: new Map<string, number>() }
        this.#failing.set(route, failing)
        for (const [code, count] of undelivered) failing.codes.set(code, (failing.codes.get(code) ?? 0) + count)
      }
    }
    return [...this.#failing]
      .filter(([, { since }]) => monotonic - since >= this.#rule.for)
      .map(([route, failing]) => this.#trouble(route, failing))
  }

  #trouble(route: string, { at, codes }: Failing): Trouble {
    return {
      subject: route,
      route,
      what: `the upstream of route ${route} has taken nothing for ${formatDuration(this.#rule.for)}`,
      evidence: `since ${new Date(at).toISOString().slice(0, 19)}Z failed: ${listed(codes)}`,
      mend: 'See whether the upstream runs and answers; the log lines of these codes say what its connection said.',
    }
  }

  over(route: string): string {
    return `the upstream of route ${route} takes requests again`
  }

  keep(routes: ReadonlySet<string>): void {
    forget(this.#failing, routes)
  }
}
