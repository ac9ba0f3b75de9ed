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
    return expiries().flatMap(({ kind, name, seconds, renewedBefore }) => {
      const left = seconds * 1000
      if (left > this.#within(kind, renewedBefore)) return []
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

  /** How long before its end something is told of. What the gate renews: once half of the time for that has gone in vain. */
  #within(kind: ExpiryReading['kind'], renewedBefore: number | undefined): number {
    if (SHORT_LIVED.has(kind)) return 0
    return renewedBefore === undefined ? this.#rule.within : Math.min(this.#rule.within, renewedBefore * 500)
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
