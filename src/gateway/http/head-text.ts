import { charCodeAt } from '../../core/char-code.ts'
import { knownName } from '../../core/headers.ts'

const TAB = 0x09
const SPACE = 0x20

/**
 * What stood in the places of the head before, of whatever connection: most heads have much of it too. Comparing bytes takes
 * less than to make a text of them anew, which then has to be looked up again as well.
 */
class Places {
  readonly #longest: number
  readonly #bytes: Buffer
  readonly #texts: (string | undefined)[]

  /** @param longest bytes of a text that is kept: longer ones, mostly signatures and tokens, are each another */
  constructor(count: number, longest: number) {
    this.#longest = longest
    this.#bytes = Buffer.alloc(count * longest)
    this.#texts = new Array(count).fill(undefined)
  }

  /** The text of these bytes where it stood in this place. */
  find(place: number, bytes: Buffer, from: number, end: number): string | undefined {
    const text = this.#texts[place]
    if (text === undefined || text.length !== end - from) return undefined
    const before = this.#bytes
    const offset = place * this.#longest - from
    // To the end whatever differs: a value may be another sender's secret, and time must not tell how much of it was guessed.
    let difference = 0
    for (let at = from; at < end; at++) difference |= (bytes[at] ?? 0) ^ (before[at + offset] ?? 0)
    return difference === 0 ? text : undefined
  }

  /** @param text of these bytes, one byte a character */
  keep(place: number, bytes: Buffer, from: number, end: number, text: string): void {
    if (end - from > this.#longest || place >= this.#texts.length) return
    const before = this.#bytes
    const offset = place * this.#longest - from
    for (let at = from; at < end; at++) before[at + offset] = bytes[at] ?? 0
    this.#texts[place] = text
  }
}

const PLACES = 64
const names = new Places(PLACES, 64)
const values = new Places(PLACES, 64)
const targets = new Places(1, 256)

/** The fields of a head: one text, which each that is new is a slice of. Whoever keeps one for long copies it. */
export class HeadText {
  readonly #bytes: Buffer
  readonly #from: number
  readonly #end: number
  #text: string | undefined

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes
    this.#from = from
    this.#end = end
  }

  #slice(from: number, end: number): string {
    this.#text ??= this.#bytes.toString('latin1', this.#from, this.#end)
    return this.#text.slice(from - this.#from, end - this.#from)
  }

  name(place: number, from: number, end: number): string {
    const found = names.find(place, this.#bytes, from, end)
    if (found !== undefined) return found
    const name = this.#slice(from, end)
    const known = knownName(name)
    if (known === undefined) return name
    names.keep(place, this.#bytes, from, end, known)
    return known
  }

  value(place: number, from: number, end: number): string {
    const found = values.find(place, this.#bytes, from, end)
    if (found !== undefined) return found
    const value = trimmedEnd(this.#slice(from, end))
    if (value.length === end - from) values.keep(place, this.#bytes, from, end, value)
    return value
  }
}

/** Targets are kept by others. */
export function targetOf(bytes: Buffer, from: number, end: number): string {
  const found = targets.find(0, bytes, from, end)
  if (found !== undefined) return found
  const target = bytes.toString('latin1', from, end)
  targets.keep(0, bytes, from, end, target)
  return target
}

/** The parser leaves out the blanks before a value, and not those behind it. */
function trimmedEnd(value: string): string {
  let end = value.length
  while (end > 0) {
    const code = charCodeAt(value, end - 1)
    if (code !== SPACE && code !== TAB) break
    end--
  }
  return end === value.length ? value : value.slice(0, end)
}
