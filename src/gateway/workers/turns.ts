/** Lets one at a time do something that takes a while. */
export class Turns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when it is one's turn; the returned function ends it. */
  async take(): Promise<() => void> {
    const before = this.#last
    let end: () => void = () => undefined
    this.#last = new Promise(resolve => {
      end = resolve
    })
    await before
    return end
  }
}
