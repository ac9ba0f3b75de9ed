import type { Ledger, PaceLimits } from '../core/stores.ts'

/** What one thread alone sends. */
export class LocalLedger implements Ledger {
  /** When the answers came, oldest first. */
  readonly #answered: number[] = []
  /** When the bucket of what may come at once is full again. */
  #full = 0
  underWay = 0
  heldUntil = 0
  readonly wake = new Set<() => void>()

  take(now: number, _since: number, limits: PaceLimits): number {
    const at = this.nextAt(now, limits)
    if (at > now) return at
    this.underWay++
    this.#full = Math.max(this.#full, now) + limits.interval
    return at
  }

  untake({ interval }: PaceLimits): void {
    this.underWay--
    this.#full -= interval
  }

  leave(): void {}

  nextAt(now: number, { count, period, interval, burst, concurrency }: PaceLimits): number {
    if (this.underWay >= concurrency) return Number.POSITIVE_INFINITY
    if (interval === 0) return this.heldUntil
    const room = this.counted(now, period) < count ? 0 : (this.#answered[0] ?? Number.POSITIVE_INFINITY) + period
    return Math.max(room, this.heldUntil, this.#full - (burst - 1) * interval)
  }

  /** Requests that count now. */
  counted(now: number, period: number): number {
    let old = 0
    while (old < this.#answered.length && (this.#answered[old] ?? 0) + period <= now) old++
    if (old > 0) this.#answered.splice(0, old)
    return this.#answered.length + this.underWay
  }

  ended(now: number, received: boolean, limits: PaceLimits): void {
    if (received) {
      this.underWay--
      if (limits.interval > 0) this.#answered.push(now)
    } else this.untake(limits)
    for (const wake of this.wake) wake()
  }

  hold(until: number): void {
    if (until > this.heldUntil) this.heldUntil = until
  }

  close(): void {}
}
