import { randomFillSync } from 'node:crypto'
import { KeyHash } from './key-hash.ts'
import { Lock } from './lock.ts'
import type { Seat } from './seats.ts'

// The head's words; it is a cache line.
const HEAD_BYTES = 64
const LOCK = 0
const CAPACITY = 1
/** Rows below this have been used. */
const TOP = 2
const SIZE = 3
/** Row + 1 of the first free row below the top; the next stands as its first number. */
const FREE = 4
const SWEPT = 5
const SEED = 8

// A row is 32 bytes in one place, half a cache line: four words of the key's hash, then the caller's two numbers.
const ROW_BYTES = 32
const ROW_WORDS = 8
const ROW_NUMBERS = 4
const FIRST = 2
const SECOND = 3

/** One memory, seen as what lies in it. */
export interface Views {
  readonly head: Int32Array
  readonly seed: Uint32Array
  readonly words: Uint32Array
  /** The same memory as `words`. */
  readonly numbers: Float64Array
  /** Open addressing, linear probing, at most half full: row + 1, or 0 where free. */
  readonly slots: Uint32Array
}

export function viewsOf(memory: ArrayBufferLike): Views {
  const head = new Int32Array(memory, 0, HEAD_BYTES / 4)
  const capacity = head[CAPACITY] ?? 0
  return {
    head,
    seed: new Uint32Array(memory, SEED * 4, 4),
    words: new Uint32Array(memory, HEAD_BYTES, capacity * ROW_WORDS),
    numbers: new Float64Array(memory, HEAD_BYTES, capacity * ROW_NUMBERS),
    slots: new Uint32Array(memory, HEAD_BYTES + capacity * ROW_BYTES, slotsFor(capacity)),
  }
}

/**
 * A hash table of at most `capacity` keys, each with two numbers of the caller's, in a memory that may be shared by
 * threads. The memory is reserved at once and used as it fills, so it never grows, rehashes or burdens the garbage
 * collector. A key is known by a 128-bit keyed hash of it. A row keeps its number until it is removed.
 *
 * A thread may die between any two writes while it holds a shared table. So the rows alone are true: those below the top
 * whose second number is a number. It is written last where a row is made, first where it is freed, and the rest is
 * made anew from the rows by whoever comes next.
 */
export class KeyTable {
  readonly capacity: number
  readonly #hash: KeyHash
  readonly #lock: Lock | undefined
  readonly #head: Int32Array
  readonly #words: Uint32Array
  readonly #numbers: Float64Array
  readonly #slots: Uint32Array
  readonly #mask: number

  /** @param seat whose table it is, where the memory is shared: then everything is done between `lock` and `unlock` */
  constructor(memory: ArrayBufferLike, seat?: Seat, views: Views = viewsOf(memory)) {
    this.#head = views.head
    this.#words = views.words
    this.#numbers = views.numbers
    this.#slots = views.slots
    this.#hash = new KeyHash(views.seed)
    this.capacity = views.head[CAPACITY] ?? 0
    this.#mask = views.slots.length - 1
    this.#lock = seat && new Lock(new Int32Array(memory, 0, HEAD_BYTES / 4), LOCK, seat)
  }

  /**
   * The memory of an empty table. Shared, whether or not threads share it: for what is reserved in another kind, V8 collects
   * garbage.
   */
  static memory(capacity: number): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(bytesFor(capacity))
    new Int32Array(memory)[CAPACITY] = capacity
    // Random words are never written into a shared memory directly.
    new Uint32Array(memory, SEED * 4, 4).set(randomFillSync(new Uint32Array(4)))
    return memory
  }

  get size(): number {
    return this.#head[SIZE] ?? 0
  }

  /** Sets the key that `find` and `insert` are for: outside of the lock, since it takes as long as the key is. */
  aim(key: string): void {
    this.#hash.hash(key)
  }

  /** @throws where another worker holds it and does not go on */
  lock(): void {
    if (this.#lock?.acquire()) this.repair()
  }

  unlock(): void {
    this.#lock?.release()
  }

  first(row: number): number {
    return this.#numbers[row * ROW_NUMBERS + FIRST] ?? 0
  }

  second(row: number): number {
    return this.#numbers[row * ROW_NUMBERS + SECOND] ?? 0
  }

  setFirst(row: number, first: number): void {
    this.#numbers[row * ROW_NUMBERS + FIRST] = first
  }

  /** @param second never NaN, by which a free row is known */
  setSecond(row: number, second: number): void {
    this.#numbers[row * ROW_NUMBERS + SECOND] = second
  }

  /** The key's row, or -1 where it is not in the table. */
  find(): number {
    const { words } = this.#hash
    let slot = (words[0] ?? 0) & this.#mask
    for (;;) {
      const row = (this.#slots[slot] ?? 0) - 1
      if (row < 0 || this.#holds(row, words)) return row
      slot = (slot + 1) & this.#mask
    }
  }

  /** A new row for the key, which `find` has not found; -1 where the table is full. */
  insert(first: number, second: number): number {
    const row = this.#take()
    if (row < 0) return -1
    const { words } = this.#hash
    for (let i = 0; i < words.length; i++) this.#words[row * ROW_WORDS + i] = words[i] ?? 0
    this.#link(row)
    this.#head[SIZE] = this.size + 1
    this.setFirst(row, first)
    this.setSecond(row, second)
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
    this.#release(row)
    this.#head[SIZE] = this.size - 1
  }

  /** Looks at the next `steps` rows, round and round, and removes those whose second number is at most `now`. */
  sweep(steps: number, now: number): void {
    const top = this.#head[TOP] ?? 0
    let row = this.#head[SWEPT] ?? 0
    for (let i = Math.min(steps, top); i > 0; i--) {
      if (row >= top) row = 0
      if (this.second(row) <= now) this.remove(row)
      row++
    }
    this.#head[SWEPT] = row
  }

  /** Makes slots, free rows and size anew from the rows. One that dies in here is followed by another that does the same. */
  repair(): void {
    this.#slots.fill(0)
    this.#head[FREE] = 0
    const top = this.#head[TOP] ?? 0
    let size = 0
    for (let row = 0; row < top; row++) {
      if (Number.isNaN(this.second(row))) this.#release(row)
      else {
        this.#link(row)
        size++
      }
    }
    this.#head[SIZE] = size
  }

  #link(row: number): void {
    let slot = this.#home(row)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[slot] = row + 1
  }

  #release(row: number): void {
    // First of all, since the first number is the caller's until then.
    this.setSecond(row, Number.NaN)
    this.setFirst(row, this.#head[FREE] ?? 0)
    this.#head[FREE] = row + 1
  }

  /** A row that is free until its second number is written. */
  #take(): number {
    const free = (this.#head[FREE] ?? 0) - 1
    if (free >= 0) {
      this.#head[FREE] = this.first(free)
      return free
    }
    const top = this.#head[TOP] ?? 0
    if (top >= this.capacity) return -1
    // Before it is below the top, where a 0 would be a number.
    this.setSecond(top, Number.NaN)
    this.#head[TOP] = top + 1
    return top
  }

  #home(row: number): number {
    return (this.#words[row * ROW_WORDS] ?? 0) & this.#mask
  }

  #holds(row: number, words: Uint32Array): boolean {
    const at = row * ROW_WORDS
    const keys = this.#words
    return keys[at] === words[0] && keys[at + 1] === words[1] && keys[at + 2] === words[2] && keys[at + 3] === words[3]
  }
}

const slotsFor = (capacity: number): number => 2 ** Math.ceil(Math.log2(Math.max(capacity, 2) * 2))

const bytesFor = (capacity: number): number => HEAD_BYTES + capacity * ROW_BYTES + slotsFor(capacity) * 4
