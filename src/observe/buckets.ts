/** Upper bounds in seconds: from a refusal by the head to the longest request allowed. */
export const BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** What buckets have counted, to be added to others. */
export interface BucketCounts {
  readonly counts: ArrayLike<number>
  readonly sum: number
  readonly count: number
  /** Seconds. */
  readonly largest: number
}

/** Durations counted into buckets, without a label looked up or an object made. */
export class Buckets {
  readonly #counts = new Float64Array(BOUNDS.length)
  #sum = 0
  #count = 0
  #largest = 0

  observe(seconds: number): void {
    this.#sum += seconds
    this.#count++
    if (seconds > this.#largest) this.#largest = seconds
    for (let i = 0; i < BOUNDS.length; i++) {
      if (seconds <= (BOUNDS[i] ?? 0)) {
        this.#counts[i] = (this.#counts[i] ?? 0) + 1
        return
      }
    }
  }

  get count(): number {
    return this.#count
  }

  /** Hands over what was counted, and begins anew. */
  drain(): BucketCounts {
    const drained = { counts: this.#counts.slice(), sum: this.#sum, count: this.#count, largest: this.takeLargest() }
    this.#counts.fill(0)
    this.#sum = 0
    this.#count = 0
    return drained
  }

  merge({ counts, sum, count, largest }: BucketCounts): void {
    for (let i = 0; i < BOUNDS.length; i++) this.#counts[i] = (this.#counts[i] ?? 0) + (counts[i] ?? 0)
    this.#sum += sum
    this.#count += count
    this.#largest = Math.max(this.#largest, largest)
  }

  /** The largest that came since this was last asked, in seconds; 0: none. One asks, as it then begins anew. */
  takeLargest(): number {
    const largest = this.#largest
    this.#largest = 0
    return largest
  }

  /** Seconds. */
  get sum(): number {
    return this.#sum
  }

  /** How many fell into each bucket, those above the last bound at the end. */
  counts(): number[] {
    const inside = [...this.#counts]
    return [...inside, inside.reduce((left, count) => left - count, this.#count)]
  }

  /** The samples of the Prometheus text format: cumulative buckets, sum and count. */
  samples(name: string, route: string) {
    let below = 0
    return [
      ...BOUNDS.map((le, i) => {
        below += this.#counts[i] ?? 0
        return { metricName: `${name}_bucket`, labels: { route, le }, value: below }
      }),
      { metricName: `${name}_bucket`, labels: { route, le: '+Inf' }, value: this.#count },
      { metricName: `${name}_sum`, labels: { route }, value: this.#sum },
      { metricName: `${name}_count`, labels: { route }, value: this.#count },
    ]
  }
}

/**
 * The duration in seconds that a share `q` of what was counted did not exceed, as Prometheus' histogram_quantile has it:
 * evenly spread within a bucket. A bucket ends at the `largest` of all where that lies in it; where it is not known, what
 * is above the last bound counts as that bound. NaN where nothing was counted.
 */
export function quantile(counts: ArrayLike<number>, q: number, largest = BOUNDS.at(-1) ?? 0): number {
  let total = 0
  for (let i = 0; i < counts.length; i++) total += counts[i] ?? 0
  let below = 0
  for (let i = 0; i <= BOUNDS.length; i++) {
    const inside = counts[i] ?? 0
    const from = i === 0 ? 0 : (BOUNDS[i - 1] ?? 0)
    if (inside > 0 && below + inside >= q * total) {
      const to = Math.max(from, Math.min(BOUNDS[i] ?? largest, largest))
      return from + (to - from) * ((q * total - below) / inside)
    }
    below += inside
  }
  return Number.NaN
}
