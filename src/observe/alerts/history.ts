const SLOT = 900_000
const DAY = 86_400_000
// Seven days back and the longest span before.
const DAYS = 9
const SLOTS = (DAYS * DAY) / SLOT
const MOST = 65_535

/** What a route heard in each quarter of an hour of the last nine days: 1.7 KiB. */
export class History {
  readonly #counts = new Uint16Array(SLOTS)
  readonly #since: number
  #latest: number

  /** @param now epoch milliseconds */
  constructor(now: number) {
    this.#since = now
    this.#latest = Math.floor(now / SLOT)
  }

  add(now: number, count: number): void {
    this.#advance(now)
    const at = Math.floor(now / SLOT)
    // A clock that was set back must not write into a slot of the future's.
    if (at <= this.#latest - SLOTS) return
    this.#counts[at % SLOTS] = Math.min(MOST, (this.#counts[at % SLOTS] ?? 0) + count)
  }

  /**
   * How much it heard from `from` to `to`, so many days before; a slot that is covered in part counts in part.
   * `undefined` where that was not watched whole.
   */
  before(days: number, from: number, to: number): number | undefined {
    this.#advance(to)
    const begin = from - days * DAY
    const end = to - days * DAY
    if (begin < this.#since) return undefined
    let sum = 0
    for (let at = Math.floor(begin / SLOT); at * SLOT < end; at++) {
      const covered = Math.min(end, (at + 1) * SLOT) - Math.max(begin, at * SLOT)
      sum += ((this.#counts[at % SLOTS] ?? 0) * covered) / SLOT
    }
    return sum
  }

  #advance(now: number): void {
    const to = Math.floor(now / SLOT)
    for (let at = Math.max(this.#latest + 1, to - SLOTS + 1); at <= to; at++) this.#counts[at % SLOTS] = 0
    this.#latest = Math.max(this.#latest, to)
  }
}
