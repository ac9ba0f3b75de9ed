import { readdirSync, readlinkSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'

/** Seats there are; seat 0 is the main thread's, the others are for workers. */
export const SEATS = 256

// In words: the life of each seat, its thread, how often one has died; then, as numbers, when each died.
const THREADS = SEATS
const DEATHS = 2 * SEATS
const DIED_BYTE = (2 * SEATS + 2) * 4

/**
 * Who shares a memory. A seat's life is a count, odd while a thread sits there: what a thread leaves behind bears its seat
 * and life, so that it is known for a dead one's when the seat is taken again.
 */
export class Seats {
  readonly #words: Int32Array
  readonly #died: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, DEATHS + 1)
    this.#died = new Float64Array(memory, DIED_BYTE, SEATS)
  }

  static create(): SharedArrayBuffer {
    return new SharedArrayBuffer(DIED_BYTE + SEATS * 8)
  }

  /** Times that anyone has died. */
  get deaths(): number {
    return Atomics.load(this.#words, DEATHS)
  }

  lifeOf(seat: number): number {
    return Atomics.load(this.#words, seat)
  }

  /** When the last one on this seat died; milliseconds, monotonic. */
  diedAt(seat: number): number {
    return this.#died[seat] ?? 0
  }

  /** Before the thread is started. */
  take(seat: number): void {
    checkSeat(seat)
    if (this.lifeOf(seat) % 2 !== 0) throw new Error(`seat ${seat} is taken: the thread on it has not been marked dead`)
    Atomics.store(this.#words, THREADS + seat, 0)
    Atomics.add(this.#words, seat, 1)
  }

  /** Nothing that bears this seat and life will run again. Once is enough. */
  bury(seat: number, life: number, now: number): void {
    checkSeat(seat)
    if (life % 2 === 0 || this.lifeOf(seat) !== life) return
    // Before the life ends: who sees that it has reads this time.
    this.#died[seat] = now
    if (Atomics.compareExchange(this.#words, seat, life, life + 1) === life) Atomics.add(this.#words, DEATHS, 1)
  }

  /** In the thread that sits there. */
  open(seat: number, clock: Clock): Seat {
    checkSeat(seat)
    const life = this.lifeOf(seat)
    if (life % 2 === 0) throw new Error(`seat ${seat} is not taken: mark it alive before its thread is started`)
    const thread = threadId()
    Atomics.store(this.#words, THREADS + seat, thread)
    return new Seat(this, seat, life, thread, clock)
  }

  /** Whether the system has no such thread any more. `false` also where it can't be known. */
  isLost(seat: number, own: number): boolean {
    const thread = Atomics.load(this.#words, THREADS + seat)
    if (thread === 0 || own === 0) return false
    const running = threads()
    return running.includes(String(own)) && !running.includes(String(thread))
  }
}

/** One thread's place among those that share a memory. */
export class Seat {
  readonly seats: Seats
  readonly number: number
  readonly life: number
  /** What stands in a lock's word while this one holds it: life and seat, never 0, within 30 bits. */
  readonly token: number
  readonly #thread: number
  readonly #clock: Clock

  constructor(seats: Seats, number: number, life: number, thread: number, clock: Clock) {
    this.seats = seats
    this.number = number
    this.life = life
    this.token = tokenOf(number, life)
    this.#thread = thread
    this.#clock = clock
  }

  /** Whether the thread that held a token has died. */
  isGone(token: number): boolean {
    const number = seatOf(token)
    return tokenOf(number, this.seats.lifeOf(number)) !== token
  }

  /** Asks the system whether the thread is still there, and marks it dead where it is not: it can't be told in time by a thread that waits. */
  look(token: number): void {
    const number = seatOf(token)
    const life = this.seats.lifeOf(number)
    if (tokenOf(number, life) === token && this.seats.isLost(number, this.#thread))
      this.seats.bury(number, life, this.#clock.monotonic())
  }
}

export const seatOf = (token: number): number => token % SEATS

const tokenOf = (seat: number, life: number): number => (life % 2 ** 22) * SEATS + seat

function checkSeat(seat: number): void {
  if (!Number.isInteger(seat) || seat < 0 || seat >= SEATS) throw new Error(`seat ${seat}: there are 0 to ${SEATS - 1}`)
}

/** The system's number of this thread; 0 where it does not tell (anything but Linux). */
function threadId(): number {
  try {
    const id = readlinkSync('/proc/thread-self').split('/')[2] ?? ''
    return threads().includes(id) ? Number(id) : 0
  } catch {
    return 0
  }
}

function threads(): readonly string[] {
  try {
    return readdirSync('/proc/self/task')
  } catch {
    return []
  }
}
