import { type Seat, seatOf } from './seats.ts'

declare global {
  interface Atomics {
    /** By the ECMAScript proposal "microwait"; Node has it since 24. */
    pause(): void
  }
}

/** Set beside the holder's token where others may sleep. */
const CONTENDED = 2 ** 30
/** Looks at a lock that is held, before sleeping: what it guards takes less than a microsecond. */
const SPINS = 200
/** Milliseconds of a sleep. A holder that dies wakes nobody, so none is for longer. */
const NAP_MS = 20
/** Naps between two questions to the system whether the holder is still there. */
const ASK_AFTER = 5
/** Naps until it is given up: 5 seconds. */
const GIVE_UP_AFTER = 250

/**
 * A lock in shared memory that outlives its holder: its word tells who holds it. What it guards must not throw, allocate
 * or call anybody else, and is not entered twice.
 */
export class Lock {
  readonly #words: Int32Array
  readonly #at: number
  readonly #seat: Seat

  constructor(words: Int32Array, at: number, seat: Seat) {
    this.#words = words
    this.#at = at
    this.#seat = seat
  }

  /**
   * Gives whether it was taken from one that left it in the middle: then what it guards has to be repaired.
   * @throws where it is held by a thread that lives and does not go on; nothing has been changed
   */
  acquire(): boolean {
    return Atomics.compareExchange(this.#words, this.#at, 0, this.#seat.token) !== 0 && this.#acquireHeld()
  }

  release(): void {
    if (Atomics.exchange(this.#words, this.#at, 0) >= CONTENDED) Atomics.notify(this.#words, this.#at, 1)
  }

  #acquireHeld(): boolean {
    const words = this.#words
    const at = this.#at
    const seat = this.#seat
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(words, at) === 0 && Atomics.compareExchange(words, at, 0, seat.token) === 0) return false
      // Where the holder is on the other thread of the same core, looking again at once would take its time.
      Atomics.pause()
    }
    for (let naps = 0; naps < GIVE_UP_AFTER; ) {
      const held = Atomics.load(words, at)
      // Whoever has slept can't know who else does, and so leaves the word contended.
      if (held === 0) {
        if (Atomics.compareExchange(words, at, 0, seat.token + CONTENDED) === 0) return false
        continue
      }
      const holder = held % CONTENDED
      // Its own: an error has left what it guards before the end.
      if (holder === seat.token) return true
      if (seat.isGone(holder)) {
        if (Atomics.compareExchange(words, at, held, seat.token + CONTENDED) === held) return true
        continue
      }
      const contended = holder + CONTENDED
      if (held !== contended && Atomics.compareExchange(words, at, held, contended) !== held) continue
      if (Atomics.wait(words, at, contended, NAP_MS) !== 'timed-out') continue
      naps++
      if (naps % ASK_AFTER === 0) seat.look(holder)
    }
    const holder = seatOf(Atomics.load(words, at) % CONTENDED)
    throw new Error(
      `what the workers share has been held by worker ${holder} for ${(GIVE_UP_AFTER * NAP_MS) / 1000} s. mend: if it goes on, restart the gate; a debugger that stops one worker stops the others`,
    )
  }
}
