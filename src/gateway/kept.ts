/** Things that live as long as some config asks for them: made once for a key, and kept across reloads. */
export class Kept<T> {
  readonly #all = new Map<string, T>()
  readonly #end: (value: T) => void
  #used = new Set<string>()

  /** @param end lets go of one that no config asks for any more */
  constructor(end: (value: T) => void = () => undefined) {
    this.#end = end
  }

  get(key: string, make: () => T): T {
    this.#used.add(key)
    const known = this.#all.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#all.set(key, made)
    return made
  }

  /** Before a config is compiled: what it asks for from now on is in use. */
  begin(): void {
    this.#used = new Set()
  }

  /** After a config has taken over: what it did not ask for is let go of. */
  sweep(): void {
    for (const [key, value] of this.#all) {
      if (this.#used.has(key)) continue
      this.#all.delete(key)
      this.#end(value)
    }
  }

  values(): Iterable<T> {
    return this.#all.values()
  }

  clear(): void {
    this.#all.clear()
  }
}
