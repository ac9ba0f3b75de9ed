/** What a `Fullest` weighs; it alone writes `weight`. */
export interface Weighed {
  weight: number
}

/** Knows which of many is the heaviest, in time that does not grow with how many there are. */
export class Fullest<T extends Weighed> {
  /** By weight; of equals the one that has had its weight for longest is first. */
  readonly #levels: (Set<T> | undefined)[] = []
  #top = 0

  /** @param by whole; what weighs nothing is let go of */
  add(item: T, by: number): void {
    this.#levels[item.weight]?.delete(item)
    item.weight += by
    if (item.weight > 0) {
      const level = this.#levels[item.weight] ?? new Set()
      this.#levels[item.weight] = level
      level.add(item)
      this.#top = Math.max(this.#top, item.weight)
    }
    while (this.#top > 0 && (this.#levels[this.#top]?.size ?? 0) === 0) this.#top--
  }

  get first(): T | undefined {
    return this.#levels[this.#top]?.values().next().value
  }
}
