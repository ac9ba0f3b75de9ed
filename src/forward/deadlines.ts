import { performance } from 'node:perf_hooks'

/** Something that must have ended by its deadline. */
export interface Expiring {
  /** Called once, when the deadline has passed. */
  expire(deadlineMs: number): void
}

/** One wait; `Deadlines` keeps it in its list until it is stopped or has expired. */
export class Deadline {
  /** `undefined` once it has ended. */
  expiring: Expiring | undefined
  /** Milliseconds of `performance.now`. */
  readonly at: number
  previous: Deadline | undefined
  next: Deadline | undefined

  constructor(expiring: Expiring | undefined, at: number) {
    this.expiring = expiring
    this.at = at
  }
}

/**
 * One deadline for many: as all wait equally long they expire in the order they came, so one timer for the oldest does,
 * where a timer each would cost more than all the rest of the bookkeeping.
 *
 * The list is linked by hand, and what leaves it lets go of its neighbours: a Map that is filled and emptied all the time
 * links its outgrown tables to their successors, and the collector then takes every request for alive.
 */
export class Deadlines {
  readonly #ms: number
  /** Before the oldest and after the newest. */
  readonly #ends = new Deadline(undefined, 0)
  #timer: NodeJS.Timeout | undefined

  /** @param ms milliseconds from `start` to the deadline. */
  constructor(ms: number) {
    this.#ms = ms
    this.#ends.previous = this.#ends
    this.#ends.next = this.#ends
  }

  start(expiring: Expiring): Deadline {
    const deadline = new Deadline(expiring, performance.now() + this.#ms)
    const newest = this.#ends.previous ?? this.#ends
    deadline.previous = newest
    deadline.next = this.#ends
    newest.next = deadline
    this.#ends.previous = deadline
    this.#timer ??= this.#wait(this.#ms)
    return deadline
  }

  /** Does nothing where it has ended before. */
  stop(deadline: Deadline): void {
    const { previous, next } = deadline
    if (previous === undefined || next === undefined) return
    previous.next = next
    next.previous = previous
    deadline.previous = undefined
    deadline.next = undefined
    deadline.expiring = undefined
  }

  /** Whoever waits holds a socket that keeps the process alive; the timer alone must not. */
  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    for (let oldest = this.#ends.next; oldest !== undefined && oldest !== this.#ends; oldest = this.#ends.next) {
      if (oldest.at > now) {
        this.#timer = this.#wait(oldest.at - now)
        return
      }
      const { expiring } = oldest
      this.stop(oldest)
      expiring?.expire(this.#ms)
    }
  }
}
