import type { Clock } from '../core/clock.ts'
import type { RateResult, RateStore } from '../core/stores.ts'
import { KeyTable } from './key-table.ts'

/** How many keys a store remembers where nothing else is said: about 40 MB when full. */
export const DEFAULT_KEYS = 1_000_000

/** Rows looked at for each take: two, so that the sweep is always faster than new keys come. */
const SWEEP = 2
const SWEEP_WHEN_FULL = 32

/** A millionth of a token: what rounding may add up to, far below what any clock can tell. */
const GRAIN = 1e-6

/**
 * Token buckets in this process's memory (GCRA, ITU-T I.371). A bucket is one time: when it is full again. A full one
 * need not be remembered, so it is swept.
 */
export class MemoryRates implements RateStore {
  readonly #clock: Clock
  /** `first`: when the bucket was last full. `second`: when it is full again. Milliseconds, monotonic. */
  readonly #table: KeyTable
  /** Where the table is full, keys not in it share one bucket for each rate. */
  readonly #overflow = new Map<string, { since: number; full: number }>()

  constructor(options: { readonly clock: Clock; readonly capacity?: number }) {
    this.#clock = options.clock
    this.#table = new KeyTable(options.capacity ?? DEFAULT_KEYS)
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#table.size
  }

  take(key: string, burst: number, intervalMs: number): RateResult {
    const now = this.#clock.monotonic()
    const table = this.#table
    table.sweep(SWEEP, now)
    let row = table.find(key)
    if (row < 0) {
      if (table.size === table.capacity) table.sweep(SWEEP_WHEN_FULL, now)
      row = table.insert()
      if (row < 0) return this.#takeShared(burst, intervalMs, now)
      table.first[row] = now
      table.second[row] = now
    }
    const since = table.first[row] ?? now
    const full = table.second[row] ?? now
    const next = later(since, full, intervalMs, now)
    if (next - now > (burst + GRAIN) * intervalMs) return refused(next, burst, intervalMs, now)
    if (full <= now) table.first[row] = now
    table.second[row] = next
    return taken(next, burst, intervalMs, now)
  }

  #takeShared(burst: number, intervalMs: number, now: number): RateResult {
    const rate = `${burst}/${intervalMs}`
    const bucket = this.#overflow.get(rate) ?? { since: now, full: now }
    this.#overflow.set(rate, bucket)
    const next = later(bucket.since, bucket.full, intervalMs, now)
    if (next - now > (burst + GRAIN) * intervalMs) return refused(next, burst, intervalMs, now)
    if (bucket.full <= now) bucket.since = now
    bucket.full = next
    return taken(next, burst, intervalMs, now)
  }
}

/**
 * When the bucket is full again after one more take. It is counted from when it was last full, in whole intervals:
 * adding one interval to the last result would let the rounding of each add up over a million takes.
 */
function later(since: number, full: number, intervalMs: number, now: number): number {
  return full <= now ? now + intervalMs : since + (Math.round((full - since) / intervalMs) + 1) * intervalMs
}

function taken(full: number, burst: number, intervalMs: number, now: number): RateResult {
  const left = burst - (full - now) / intervalMs + GRAIN
  const remaining = Math.max(0, Math.floor(left))
  return {
    allowed: true,
    remaining,
    retryAfterMs: remaining > 0 ? 0 : Math.max(0, full - now - (burst - 1) * intervalMs),
    resetMs: full - now,
  }
}

function refused(next: number, burst: number, intervalMs: number, now: number): RateResult {
  return {
    allowed: false,
    remaining: 0,
    retryAfterMs: next - now - burst * intervalMs,
    resetMs: next - intervalMs - now,
  }
}
