/** The middle of several rounds and how far they lie apart. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function summarise(values: readonly number[]): Summary {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** The value at `share` (0 to 1) of a sorted list, nearest rank. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const at = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)))
  return sorted[at - 1] ?? Number.NaN
}

/** `values[i] / base[i]`: rounds of the same number ran next to each other, so what slowed one slowed the other. */
export function ratios(values: readonly number[], base: readonly number[]): number[] {
  return values.slice(0, base.length).map((value, i) => value / (base[i] ?? Number.NaN))
}
