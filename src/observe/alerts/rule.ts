import type { BridgeReading } from '../bridge-metrics.ts'
import type { ExpiryReading } from '../expiry.ts'
import type { Delta } from './deltas.ts'

/** How the gate stands at one look. */
export interface Reading {
  /** Epoch milliseconds. */
  readonly now: number
  /** Milliseconds that never step back. */
  readonly monotonic: number
  /** Routes that counted something since the last look. */
  readonly moved: ReadonlyMap<string, Delta>
  expiries(): readonly ExpiryReading[]
  breakers(): Iterable<Pick<BridgeReading, 'route' | 'breaker'>>
}

/** Something that is so now and should not be. The texts are the operator's: what, the evidence, the mend. */
export interface Trouble {
  /** What tells it from the rule's others: a route, or what ends. */
  readonly subject: string
  /** Absent where it is no route's. */
  readonly route?: string | undefined
  /** One clause, without its full stop. */
  readonly what: string
  readonly evidence: string
  readonly mend: string
}

/** One rule at work. It keeps its own windows; whether somebody was told is not its business. */
export interface RuleWatch {
  /** Everything that is in trouble by this rule now. */
  look(reading: Reading): readonly Trouble[]
  /** What is said once a trouble is over. */
  over(subject: string): string
  /** Milliseconds for which it has to be over before that is said. */
  readonly calm: number
  /** Forgets routes that are no longer there. */
  keep(routes: ReadonlySet<string>): void
}

/** Shorter than a minute only where the rule itself looks back on less. */
export const calmOf = (span: number): number => Math.min(span, 60_000)

export function isFor(routes: readonly string[] | undefined, route: string): boolean {
  return routes === undefined || routes.includes(route)
}

/** `12 signature.mismatch, 2 schema.invalid`: the most frequent first, five at most. */
export function listed(counts: Iterable<readonly [name: string, count: number]>): string {
  const all = [...counts].sort(([, a], [, b]) => b - a)
  const more = all.slice(5).reduce((sum, [, count]) => sum + count, 0)
  const named = all.slice(0, 5).map(([name, count]) => `${count} ${name}`)
  return [...named, ...(more > 0 ? [`${more} others`] : [])].join(', ')
}

export function forget(known: Map<string, unknown>, routes: ReadonlySet<string>): void {
  for (const route of known.keys()) if (!routes.has(route)) known.delete(route)
}
