/** Where the tags and anchors of a document stand: the YAML library keeps the places of values alone. */
export class Marks {
  /** Of each token that is a mark, a value or a bracket. */
  readonly #starts: number[] = []
  readonly #tokens: string[] = []

  /** @param tokens of YAML's lexer, all of them */
  constructor(tokens: Iterable<string>) {
    let at = 0
    let scalar = false
    for (const token of tokens) {
      // The lexer's own: before a value, and around documents.
      if (token === SCALAR || token === DOCUMENT || token === FLOW_ERROR) {
        scalar = token === SCALAR
        continue
      }
      if (scalar || !BLANK.test(token)) {
        this.#starts.push(at)
        this.#tokens.push(scalar ? '' : token)
      }
      scalar = false
      at += token.length
    }
  }

  /** The marks right before a value, in the order that they stand in, in UTF-16 units. */
  before(start: number): readonly (readonly [start: number, end: number])[] {
    const found: (readonly [number, number])[] = []
    for (let index = this.#firstFrom(start) - 1; index >= 0; index--) {
      const token = this.#tokens[index] ?? ''
      const from = this.#starts[index] ?? 0
      if (!/^[&!]/.test(token)) break
      found.unshift([from, from + token.length])
    }
    return found
  }

  /** The index of the first token that begins at or after an offset. */
  #firstFrom(start: number): number {
    let low = 0
    let high = this.#starts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) < start) low = middle + 1
      else high = middle
    }
    return low
  }
}

const DOCUMENT = '\u0002'
const FLOW_ERROR = '\u0018'
const SCALAR = '\u001f'
const BLANK = /^[\s\ufeff]*(?:#.*)?$/
