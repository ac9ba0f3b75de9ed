import { toldWithin } from '../../core/ending.ts'
import { formatDuration } from '../../core/units.ts'
import { EXPIRY_REMEDY, type ExpiryReading, NOT_RENEWED } from '../expiry.ts'
import type { ExpiresRule } from './config.ts'
import type { Reading, RuleWatch, Trouble } from './rule.ts'

/** Lists that are made anew every few days are told of only once they have ended: they always end soon. */
const SHORT_LIVED: ReadonlySet<ExpiryReading['kind']> = new Set(['crl', 'staple'])

/** A certificate, token or secret ends soon. */
export class ExpiresWatch implements RuleWatch {
  /** What has been replaced stays so. */
  readonly calm = 0
  readonly #rule: ExpiresRule

  constructor(rule: ExpiresRule) {
    this.#rule = rule
  }

  look({ now, expiries }: Reading): Trouble[] {
    return expiries().flatMap(expiry => {
      const { kind, name, seconds, renewedBefore } = expiry
      const left = seconds * 1000
      if (left > this.#within(expiry)) return []
      const route = this.#routeOf(name)
      if (this.#rule.routes !== undefined && route === undefined) return []
      return [
        {
          subject: `${kind} ${name}`,
          route,
          what: `the ${kind} ${name} ${left > 0 ? `ends in ${formatDuration(left)}` : 'has ended'}`,
          evidence: `its end is ${new Date(now + left).toISOString().slice(0, 19)}Z`,
          mend: renewedBefore === undefined ? EXPIRY_REMEDY[kind] : NOT_RENEWED,
        },
      ]
    })
  }

  /**
   * Milliseconds before its end that something is told of. What is renewed, by the gate or by others: once half of the time for
   * that has gone in vain.
   */
  #within({ kind, lifetime, renewedBefore }: ExpiryReading): number {
    if (SHORT_LIVED.has(kind)) return 0
    const { within } = this.#rule
    if (renewedBefore !== undefined) return Math.min(within, renewedBefore * 500)
    return toldWithin(within, lifetime === undefined ? undefined : lifetime * 1000)
  }

  /** The first part of a check's name for what ends; files belong to no route. */
  #routeOf(name: string): string | undefined {
    return this.#rule.routes?.find(route => name.startsWith(`${route}/`))
  }

  over(subject: string): string {
    return `the ${subject} has been replaced or taken out`
  }

  keep(): void {
    // What ends is told at each look.
  }
}
