import type { Clock } from '../core/clock.ts'
import type { Claim, ClaimStore } from '../core/stores.ts'
import { KeyTable } from './key-table.ts'
import { DEFAULT_KEYS } from './memory-rates.ts'

const SWEEP = 2
/** What a claim that finds no room looks through: some microseconds. */
const SWEEP_WHEN_FULL = 1024

const IN_FLIGHT = 1
const DELIVERED = 2

/**
 * Claims in this process's memory. Where it is full of live claims it answers `full`: it never forgets inside a
 * claim's time. Times are monotonic, so a step of the wall clock opens nothing.
 */
export class MemoryClaims implements ClaimStore {
  readonly #clock: Clock
  /** `first`: in flight or delivered. `second`: until when, milliseconds, monotonic. */
  readonly #table: KeyTable

  constructor(options: { readonly clock: Clock; readonly capacity?: number }) {
    this.#clock = options.clock
    this.#table = new KeyTable(options.capacity ?? DEFAULT_KEYS)
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#table.size
  }

  claim(key: string, ttlMs: number): Claim {
    const now = this.#clock.monotonic()
    const table = this.#table
    table.sweep(SWEEP, now)
    let row = table.find(key)
    if (row >= 0 && (table.second[row] ?? 0) > now) return table.first[row] === DELIVERED ? 'delivered' : 'in-flight'
    if (row < 0) {
      if (table.size === table.capacity) table.sweep(SWEEP_WHEN_FULL, now)
      row = table.insert()
      if (row < 0) return 'full'
    }
    this.#write(row, IN_FLIGHT, now + ttlMs)
    return 'fresh'
  }

  keep(key: string, ttlMs: number): void {
    const found = this.#table.find(key)
    const row = found < 0 ? this.#table.insert() : found
    if (row >= 0) this.#write(row, DELIVERED, this.#clock.monotonic() + ttlMs)
  }

  release(key: string): void {
    const row = this.#table.find(key)
    // A claim that outlived its time may be another's by now; what that one delivered stays remembered.
    if (row >= 0 && this.#table.first[row] === IN_FLIGHT) this.#table.remove(row)
  }

  #write(row: number, state: number, until: number): void {
    this.#table.first[row] = state
    this.#table.second[row] = until
  }
}
