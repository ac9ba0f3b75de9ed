/** Counts by name over the time that has just passed, exact to a sixtieth of it. */
export class Tally {
  readonly #span: number
  readonly #grain: number
  readonly #entries: { readonly at: number; readonly counts: Map<string, number> }[] = []
  readonly #totals = new Map<string, number>()

  /** @param span milliseconds */
  constructor(span: number) {
    this.#span = span
    this.#grain = span / 60
  }

  /** @param now milliseconds that never step back */
  add(now: number, name: string, count: number): void {
    if (count === 0) return
    let last = this.#entries.at(-1)
    if (last === undefined || now - last.at >= this.#grain) {
      last = { at: now, counts: new Map() }
      this.#entries.push(last)
    }
    last.counts.set(name, (last.counts.get(name) ?? 0) + count)
    this.#totals.set(name, (this.#totals.get(name) ?? 0) + count)
  }

  /** The counts of the span that ends now. */
  totals(now: number): ReadonlyMap<string, number> {
    let old = 0
    for (const { at, counts } of this.#entries) {
      if (at > now - this.#span) break
      old++
      for (const [name, count] of counts) {
        const left = (this.#totals.get(name) ?? 0) - count
        if (left > 0) this.#totals.set(name, left)
        else this.#totals.delete(name)
      }
    }
    if (old > 0) this.#entries.splice(0, old)
    return this.#totals
  }

  /** How much was counted after `from` and until `to`, whatever its name. */
  between(from: number, to: number): number {
    let sum = 0
    for (const { at, counts } of this.#entries)
      if (at > from && at <= to) for (const count of counts.values()) sum += count
    return sum
  }
}
