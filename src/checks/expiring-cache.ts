import type { Clock } from '../core/clock.ts'

/** A bounded memory of answers, each for a time of its own; when it is full, the one kept longest makes room. */
export class ExpiringCache<T> {
  readonly #clock: Clock
  readonly #capacity: number
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>()

  constructor(clock: Clock, capacity: number) {
    this.#clock = clock
    this.#capacity = capacity
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // Measured by the clock that never steps back: setting the time keeps nothing longer than it was to be kept.
    if (this.#clock.monotonic() < entry.until) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** @param ms how long it is kept, in milliseconds; nothing is kept for no time. */
  set(key: string, value: T, ms: number): void {
    this.#entries.delete(key)
    if (!(ms > 0)) return
    if (this.#entries.size >= this.#capacity) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, until: this.#clock.monotonic() + ms })
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
  }
}
