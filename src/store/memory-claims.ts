import type { Clock } from '../core/clock.ts'
import type { Claim, ClaimStore } from '../core/stores.ts'
import { KeyTable } from './key-table.ts'
import { DEFAULT_KEYS } from './memory-rates.ts'
import type { Seat } from './seats.ts'

const SWEEP = 2
/** What a claim that finds no room looks through, in so many turns: some microseconds. */
const SWEEP_WHEN_FULL = 32
const TURNS = 32

const DELIVERED = 2
/** And four times whose it is. */
const IN_FLIGHT = 1

export interface MemoryClaimsOptions {
  readonly clock: Clock
  /** Of a table of its own. */
  readonly capacity?: number
  /** A table that threads share, and who of them this is. */
  readonly shared?: { readonly table: KeyTable; readonly seat: Seat }
}

/**
 * Claims in this process's memory, of one thread or shared by several. Where it is full of live claims it answers `full`:
 * it never forgets inside a claim's time. What was in flight in a thread that has died is released. Times are monotonic,
 * so a step of the wall clock opens nothing.
 */
export class MemoryClaims implements ClaimStore {
  readonly #clock: Clock
  readonly #seat: Seat | undefined
  /** What stands for in flight in this thread. */
  readonly #mine: number
  /** `first`: in flight, and where, or delivered. `second`: until when, milliseconds, monotonic. */
  readonly #table: KeyTable

  constructor({ clock, capacity = DEFAULT_KEYS, shared }: MemoryClaimsOptions) {
    this.#clock = clock
    this.#seat = shared?.seat
    this.#mine = 4 * (shared?.seat.token ?? 0) + IN_FLIGHT
    this.#table = shared?.table ?? new KeyTable(KeyTable.memory(capacity))
  }

  static share(capacity: number): SharedArrayBuffer {
    return KeyTable.memory(capacity)
  }

  static open(clock: Clock, memory: SharedArrayBuffer, seat: Seat): MemoryClaims {
    return new MemoryClaims({ clock, shared: { table: new KeyTable(memory, seat), seat } })
  }

  /** Keys remembered now. */
  get size(): number {
    return this.#table.size
  }

  claim(key: string, ttlMs: number): Claim {
    const now = this.#clock.monotonic()
    const table = this.#table
    table.aim(key)
    table.lock()
    table.sweep(SWEEP, now)
    const claim = this.#claim(now, now + ttlMs)
    table.unlock()
    return claim
  }

  keep(key: string, ttlMs: number): void {
    const until = this.#clock.monotonic() + ttlMs
    const table = this.#table
    table.aim(key)
    table.lock()
    const row = table.find()
    if (row < 0) table.insert(DELIVERED, until)
    else {
      // The time first: between the two the key is still in flight, in a thread that has died.
      table.setSecond(row, until)
      table.setFirst(row, DELIVERED)
    }
    table.unlock()
  }

  release(key: string): void {
    const table = this.#table
    table.aim(key)
    table.lock()
    const row = table.find()
    // A claim that outlived its time may be another's by now; what that one delivered stays remembered.
    if (row >= 0 && table.first(row) === this.#mine) table.remove(row)
    table.unlock()
  }

  #claim(now: number, until: number): Claim {
    const table = this.#table
    const row = table.find()
    if (row < 0) {
      for (let turn = 0; turn < TURNS && table.size === table.capacity; turn++) table.sweep(SWEEP_WHEN_FULL, now)
      return table.insert(this.#mine, until) < 0 ? 'full' : 'fresh'
    }
    if (table.second(row) > now) {
      const first = table.first(row)
      if (first === DELIVERED) return 'delivered'
      if (!this.#isLeft(first)) return 'in-flight'
    }
    // Whose it is first: between the two it is over, or in flight in a thread that has died.
    table.setFirst(row, this.#mine)
    table.setSecond(row, until)
    return 'fresh'
  }

  /** Whether the thread that it is in flight in has died. */
  #isLeft(first: number): boolean {
    return first !== this.#mine && this.#seat?.isGone((first - IN_FLIGHT) / 4) === true
  }
}
