import type { Clock } from '../core/clock.ts'
import type { RateResult, RateStore } from '../core/stores.ts'
import { KeyTable } from './key-table.ts'
import type { Seat } from './seats.ts'

/** How many keys a store remembers where nothing else is said: about 40 MB when full. */
export const DEFAULT_KEYS = 1_000_000

/** Different rates that strangers may come with while a table is full. */
const OVERFLOW_RATES = 4096

/** Rows looked at for each take: two, so that the sweep is always faster than new keys come. */
const SWEEP = 2
const SWEEP_WHEN_FULL = 32

/** A millionth of a token: what rounding may add up to, far below what any clock can tell. */
const GRAIN = 1e-6

/** The tables of one store, which may be shared by threads. */
export interface RateTables {
  readonly keys: KeyTable
  readonly overflow: KeyTable
}

export interface SharedRates {
  readonly keys: SharedArrayBuffer
  readonly overflow: SharedArrayBuffer
}

export interface MemoryRatesOptions {
  readonly clock: Clock
  /** Of a table of its own. */
  readonly capacity?: number
  readonly tables?: RateTables
}

/**
 * Token buckets in this process's memory (GCRA, ITU-T I.371), of one thread or shared by several. A bucket is one time:
 * when it is full again. A full one need not be remembered, so it is swept.
 */
export class MemoryRates implements RateStore {
  readonly #clock: Clock
  /**
   * `first`: when the bucket was last full. `second`: when it is full again. Milliseconds, monotonic. The first changes
   * only while the second is over, when it says nothing; so a bucket changes by one write.
   */
  readonly #table: KeyTable
  /** Where the table is full, keys not in it share one bucket for each rate. */
  readonly #overflow: KeyTable

  constructor({ clock, capacity = DEFAULT_KEYS, tables }: MemoryRatesOptions) {
    this.#clock = clock
    this.#table = tables?.keys ?? new KeyTable(KeyTable.memory(capacity))
    this.#overflow = tables?.overflow ?? new KeyTable(KeyTable.memory(OVERFLOW_RATES))
  }

  static share(capacity: number): SharedRates {
    return { keys: KeyTable.memory(capacity), overflow: KeyTable.memory(OVERFLOW_RATES) }
  }

  static open(clock: Clock, { keys, overflow }: SharedRates, seat: Seat): MemoryRates {
    return new MemoryRates({
      clock,
      tables: { keys: new KeyTable(keys, seat), overflow: new KeyTable(overflow, seat) },
    })
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#table.size
  }

  take(key: string, burst: number, intervalMs: number): RateResult {
    const now = this.#clock.monotonic()
    const most = (burst + GRAIN) * intervalMs
    let next = takeFrom(this.#table, key, intervalMs, most, now)
    if (next < 0) next = takeFrom(this.#overflow, `${burst}/${intervalMs}`, intervalMs, most, now)
    // No room for yet another rate either: as if its bucket were empty.
    if (next < 0) next = now + (burst + 1) * intervalMs
    return next - now > most ? refused(next, burst, intervalMs, now) : taken(next, burst, intervalMs, now)
  }
}

/**
 * When the key's bucket is full again after one more take, which was taken unless that is more than `most` milliseconds
 * from now; -1 where there is no room for the key. A time that is late by the wait for the lock refuses rather than admits.
 */
function takeFrom(table: KeyTable, key: string, intervalMs: number, most: number, now: number): number {
  table.aim(key)
  table.lock()
  table.sweep(SWEEP, now)
  const row = table.find()
  let next = -1
  if (row < 0) {
    if (table.size === table.capacity) table.sweep(SWEEP_WHEN_FULL, now)
    if (table.insert(now, now + intervalMs) >= 0) next = now + intervalMs
  } else {
    const since = table.first(row)
    const full = table.second(row)
    next = later(since, full, intervalMs, now)
    if (next - now <= most) {
      if (full <= now) table.setFirst(row, now)
      table.setSecond(row, next)
    }
  }
  table.unlock()
  return next
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
