/** Something that must have ended by its deadline. */
export interface Expiring {
  /** Called once, when the deadline has passed. */
  expire(deadlineMs: number): void
}

/**
 * One deadline for many: as all wait equally long they expire in the order they came, so one timer for the oldest does,
 * where a timer each would cost more than all the rest of the bookkeeping.
 */
export class Deadlines {
  readonly #ms: number
  /** In the order they came, with the moment each expires. */
  readonly #waiting = new Map<Expiring, number>()
  #timer: NodeJS.Timeout | undefined

  /** @param ms milliseconds from `add` to the deadline. */
  constructor(ms: number) {
    this.#ms = ms
  }

  add(expiring: Expiring): void {
    this.#waiting.set(expiring, performance.now() + this.#ms)
    this.#timer ??= this.#wait(this.#ms)
  }

  delete(expiring: Expiring): void {
    this.#waiting.delete(expiring)
  }

  /** Whoever waits holds a socket that keeps the process alive; the timer alone must not. */
  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref()
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const [expiring, at] of this.#waiting) {
      if (at > now) {
        this.#timer = this.#wait(at - now)
        return
      }
      this.#waiting.delete(expiring)
      expiring.expire(this.#ms)
    }
  }
}
