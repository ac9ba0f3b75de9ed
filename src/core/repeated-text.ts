/** Times that a text comes again before it is made one, which costs as much as joining it several times. */
const OFTEN = 16

/**
 * A text that is joined of several, and that most often is what it was the time before: then it is not joined again, and
 * after some times it is one text, where V8 would go through its parts whenever it is written. Without lone surrogates.
 */
export class RepeatedText {
  #text = ''
  #times = 0

  /** Another one than before. */
  renew(text: string): string {
    this.#text = text
    this.#times = 0
    return text
  }

  again(): string {
    if (this.#times < OFTEN && ++this.#times === OFTEN) this.#text = Buffer.from(this.#text).toString()
    return this.#text
  }
}

/** Two texts as one, which most often are what they were the time before. */
export class RepeatedPair {
  #left = ''
  #right = ''
  readonly #text = new RepeatedText()

  of(left: string, right: string): string {
    if (left === this.#left && right === this.#right) return this.#text.again()
    this.#left = left
    this.#right = right
    return this.#text.renew(left + right)
  }
}
