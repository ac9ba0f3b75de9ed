/**
 * What has been sent to one receiver, as its limit counts it. A request counts from when it is sent until a period after
 * its answer: the receiver counted it at some moment between the two, so that its count can't be higher than this one,
 * however long each was on its way.
 */
export class Ledger {
  /** When the answers came, oldest first; milliseconds, monotonic. */
  readonly #answered: number[] = []
  #underWay = 0
  /** When the bucket of what may come at once is full again; milliseconds, monotonic. */
  full = 0
  /** No request before then; milliseconds, monotonic. */
  heldUntil = 0
  /** Called when there may be room: several queues may share one receiver. */
  readonly wake = new Set<() => void>()

  /** Requests that count now. */
  count(now: number, periodMs: number): number {
    let old = 0
    while (old < this.#answered.length && (this.#answered[old] ?? 0) + periodMs <= now) old++
    if (old > 0) this.#answered.splice(0, old)
    return this.#answered.length + this.#underWay
  }

  /** When the oldest that has been answered counts no more; infinite where none has. */
  nextRoom(periodMs: number): number {
    return (this.#answered[0] ?? Number.POSITIVE_INFINITY) + periodMs
  }

  sent(): void {
    this.#underWay++
  }

  /** @param received whether the receiver may have counted it */
  ended(now: number, received: boolean, keep: boolean): void {
    this.#underWay--
    if (received && keep) this.#answered.push(now)
    for (const wake of this.wake) wake()
  }

  hold(until: number): void {
    if (until > this.heldUntil) this.heldUntil = until
  }
}
