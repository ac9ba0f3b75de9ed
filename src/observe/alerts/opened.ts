import type { Limited } from './config.ts'
import { calmOf, isFor, type Reading, type RuleWatch, type Trouble } from './rule.ts'

/** The breaker of a route is open, or tries whether it may close. */
export class BreakerWatch implements RuleWatch {
  readonly calm = calmOf(Number.POSITIVE_INFINITY)
  readonly #rule: Limited

  constructor(rule: Limited) {
    this.#rule = rule
  }

  look({ breakers }: Reading): Trouble[] {
    return [...breakers()]
      .filter(({ route, breaker }) => breaker !== undefined && breaker !== 'closed' && isFor(this.#rule.routes, route))
      .map(({ route }) => ({
        subject: route,
        route,
        what: `the breaker of route ${route} has opened`,
        evidence:
          'its upstream failed as often as forward.breaker allows; requests are answered 503 without being sent',
        mend: 'See whether the upstream runs and answers; the breaker closes by itself when it does.',
      }))
  }

  over(route: string): string {
    return `the breaker of route ${route} is closed again`
  }

  keep(): void {
    // How breakers stand is told at each look.
  }
}
