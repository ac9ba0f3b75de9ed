import { KeyHash } from './key-hash.ts'

const WORDS = 4

/**
 * A hash table of at most `capacity` keys, each with two numbers of the caller's. Its memory is reserved at once and
 * used as it fills, so it never grows, rehashes or burdens the garbage collector. A key is known by a 128-bit keyed
 * hash of it. A row keeps its number until it is removed.
 */
export class KeyTable {
  readonly capacity: number
  /** The caller's numbers, by row. */
  readonly first: Float64Array
  readonly second: Float64Array
  readonly #hash = new KeyHash()
  readonly #keys: Uint32Array
  /** Open addressing, linear probing, at most half full: row + 1, or 0 where free. */
  readonly #slots: Uint32Array
  readonly #mask: number
  /** Rows below this have been used. */
  #top = 0
  #size = 0
  /** Row + 1 of the first free row below the top; the next stands in its `first`. */
  #free = 0
  #swept = 0

  constructor(capacity: number) {
    this.capacity = capacity
    const slots = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2) * 2))
    this.#slots = new Uint32Array(slots)
    this.#mask = slots - 1
    this.#keys = new Uint32Array(capacity * WORDS)
    this.first = new Float64Array(capacity)
    this.second = new Float64Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** The key's row, or -1 where it is not in the table. */
  find(key: string): number {
    this.#hash.hash(key)
    const { words } = this.#hash
    let slot = (words[0] ?? 0) & this.#mask
    for (;;) {
      const row = (this.#slots[slot] ?? 0) - 1
      if (row < 0 || this.#holds(row, words)) return row
      slot = (slot + 1) & this.#mask
    }
  }

  /** A new row for the key that `find` has just not found; -1 where the table is full. */
  insert(): number {
    const row = this.#take()
    if (row < 0) return -1
    const { words } = this.#hash
    this.#keys.set(words, row * WORDS)
    let slot = (words[0] ?? 0) & this.#mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[slot] = row + 1
    this.#size++
    return row
  }

  remove(row: number): void {
    let hole = this.#home(row)
    while (this.#slots[hole] !== row + 1) hole = (hole + 1) & this.#mask
    this.#slots[hole] = 0
    // What was pushed past the hole moves back into it; otherwise `find` would stop short of it.
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const other = (this.#slots[slot] ?? 0) - 1
      if (other < 0) break
      const pushed = (slot - this.#home(other)) & this.#mask
      if (pushed < ((slot - hole) & this.#mask)) continue
      this.#slots[hole] = other + 1
      this.#slots[slot] = 0
      hole = slot
    }
    // No number of a live row is NaN, so the sweep can tell a free row.
    this.second[row] = Number.NaN
    this.first[row] = this.#free
    this.#free = row + 1
    this.#size--
  }

  /** Looks at the next `steps` rows, round and round, and removes those whose `second` number is at most `now`. */
  sweep(steps: number, now: number): void {
    for (let i = Math.min(steps, this.#top); i > 0; i--) {
      if (this.#swept >= this.#top) this.#swept = 0
      const row = this.#swept++
      if ((this.second[row] ?? 0) <= now) this.remove(row)
    }
  }

  #take(): number {
    if (this.#free > 0) {
      const row = this.#free - 1
      this.#free = this.first[row] ?? 0
      return row
    }
    return this.#top < this.capacity ? this.#top++ : -1
  }

  #home(row: number): number {
    return (this.#keys[row * WORDS] ?? 0) & this.#mask
  }

  #holds(row: number, words: Uint32Array): boolean {
    const at = row * WORDS
    const keys = this.#keys
    return keys[at] === words[0] && keys[at + 1] === words[1] && keys[at + 2] === words[2] && keys[at + 3] === words[3]
  }
}
