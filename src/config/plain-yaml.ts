import type { Place } from './place.ts'

/**
 * Reads the YAML that configs are usually written in: ASCII, block maps and lists, flow collections, plain and quoted
 * scalars, each scalar and flow collection on one line. Of such a text it makes what the YAML library makes, in a tenth
 * of the time; of anything else, and of whatever is at fault, it says `undefined`, and the library reads it. What both
 * make of the same text is compared in test/config/plain-yaml.test.ts.
 */
export function readPlain(text: string): Place | undefined {
  if (!PLAIN_TEXT.test(text)) return undefined
  try {
    return new PlainReader(text).read()
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}

class NotPlain extends Error {}

const PLAIN_TEXT = /^[\n -~]*$/
const DEEPEST = 20
/** A key is a text and nothing else that YAML knows; longer ones than the library takes are not met. */
const KEY = /[A-Za-z][A-Za-z0-9_-]{0,99}(?=:(?: |\n|$))/y
const OTHER_WORDS = /^(?:null|Null|NULL|true|True|TRUE|false|False|FALSE)$/
const QUOTED = /"[^"\\\n]*"|'[^'\n]*'(?!')/y
const BLOCK_PLAIN = /[A-Za-z0-9/._$^(](?:[^ \n:#]|:(?![ \n]|$)|#| +(?=[^ \n#]))*/y
const FLOW_PLAIN = /[A-Za-z0-9/._$^(](?:[^ \n:#,[\]{}]|:(?![ \n,[\]{}]|$)|#| +(?=[^ \n#,[\]{}]))*/y
const INTEGER = /^(?:0|[1-9][0-9]{0,14})$/
/** What could be a number, in any writing. */
const NUMBERISH = /^\.?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]*)?|0[ox][0-9A-Fa-f]*|inf|Inf|INF|nan|NaN|NAN)$/

class PlainReader {
  readonly #text: string
  #at = 0
  /** Of the line that `#at` stands in, at its first character that is no blank. */
  #indent = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Place {
    this.#nextLine()
    if (this.#indent !== 0) throw new NotPlain()
    const root = this.#map(0, 0)
    if (this.#at < this.#text.length) throw new NotPlain()
    return root
  }

  /** Goes on to the next line that holds something; to the end of the text where none does. */
  #nextLine(): void {
    const text = this.#text
    for (;;) {
      const start = this.#at
      while (text.charCodeAt(this.#at) === SPACE) this.#at++
      if (this.#at >= text.length) {
        this.#indent = -1
        return
      }
      const first = text.charCodeAt(this.#at)
      if (first !== LINE_FEED && first !== HASH) {
        this.#indent = this.#at - start
        return
      }
      const end = text.indexOf('\n', this.#at)
      this.#at = end < 0 ? text.length : end + 1
    }
  }

  /** After a value: nothing else may stand in its line but a comment, and no deeper line may go on with it. */
  #endLine(indent: number): void {
    const text = this.#text
    const start = this.#at
    while (text.charCodeAt(this.#at) === SPACE) this.#at++
    if (this.#at < text.length) {
      const next = text.charCodeAt(this.#at)
      if (next === HASH && this.#at > start) {
        const end = text.indexOf('\n', this.#at)
        this.#at = end < 0 ? text.length : end
      } else if (next !== LINE_FEED) throw new NotPlain()
      this.#at = Math.min(this.#at + 1, text.length)
    }
    this.#nextLine()
    if (this.#indent > indent) throw new NotPlain()
  }

  /** The lines from here on that are indented by `indent`. */
  #block(indent: number, depth: number): Place {
    if (depth > DEEPEST) throw new NotPlain()
    return this.#isEntry() ? this.#list(indent, depth) : this.#map(indent, depth)
  }

  #isEntry(): boolean {
    return this.#text.charCodeAt(this.#at) === DASH && this.#text.charCodeAt(this.#at + 1) === SPACE
  }

  #map(indent: number, depth: number): Place {
    const start = this.#at
    const children = new Map<string, Place>()
    const value: Record<string, unknown> = {}
    let end = start
    do {
      const key = [this.#at, this.#at] as [number, number]
      const name = this.#key(children)
      key[1] = this.#at
      this.#at++
      const child: Place = { ...this.#valueOf(indent, depth), key }
      children.set(name, child)
      value[name] = child.value
      end = child.range[1]
    } while (this.#indent === indent)
    if (this.#indent > indent) throw new NotPlain()
    return { value, range: [start, end], children, shadowed: [] }
  }

  #list(indent: number, depth: number): Place {
    const start = this.#at
    const children = new Map<number, Place>()
    let end = start
    do {
      if (!this.#isEntry()) break
      this.#at++
      while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++
      const column = this.#at - this.#text.lastIndexOf('\n', this.#at) - 1
      KEY.lastIndex = this.#at
      const child = KEY.test(this.#text) ? this.#compactMap(column, depth) : this.#scalarLine(indent, depth)
      children.set(children.size, child)
      end = child.range[1]
    } while (this.#indent === indent)
    if (this.#indent > indent) throw new NotPlain()
    return { value: [...children.values()].map(child => child.value), range: [start, end], children }
  }

  /** A map that begins behind the dash of a list's entry. */
  #compactMap(column: number, depth: number): Place {
    if (depth >= DEEPEST) throw new NotPlain()
    return this.#map(column, depth + 1)
  }

  #key(others: ReadonlyMap<string | number, Place>): string {
    KEY.lastIndex = this.#at
    const name = KEY.exec(this.#text)?.[0]
    if (name === undefined || OTHER_WORDS.test(name) || others.has(name)) throw new NotPlain()
    this.#at += name.length
    return name
  }

  /** What stands behind a key's colon, or below it. */
  #valueOf(indent: number, depth: number): Place {
    const text = this.#text
    const start = this.#at
    while (text.charCodeAt(this.#at) === SPACE) this.#at++
    const next = this.#at < text.length ? text.charCodeAt(this.#at) : LINE_FEED
    if (next !== LINE_FEED && (next !== HASH || this.#at === start)) return this.#scalarLine(indent, depth)
    this.#nextLine()
    const deeper = this.#indent > indent || (this.#indent === indent && this.#isEntry())
    if (!deeper) throw new NotPlain()
    return this.#block(this.#indent, depth + 1)
  }

  #scalarLine(indent: number, depth: number): Place {
    const place = this.#value(BLOCK_PLAIN, depth + 1)
    this.#endLine(indent)
    return place
  }

  #value(plain: RegExp, depth: number): Place {
    if (depth > DEEPEST) throw new NotPlain()
    const start = this.#at
    const first = this.#text.charCodeAt(start)
    if (first === OPEN_LIST) return this.#flowList(depth)
    if (first === OPEN_MAP) return this.#flowMap(depth)
    const isQuoted = first === QUOTE || first === APOSTROPHE
    const form = isQuoted ? QUOTED : plain
    form.lastIndex = start
    const written = form.exec(this.#text)?.[0]
    if (written === undefined) throw new NotPlain()
    this.#at += written.length
    const range = [start, this.#at] as const
    if (isQuoted) return { value: written.slice(1, -1), range, lead: 1 }
    if (INTEGER.test(written)) return { value: Number(written), range, lead: undefined }
    if (NUMBERISH.test(written)) throw new NotPlain()
    if (!OTHER_WORDS.test(written)) return { value: written, range, lead: 0 }
    if (written.charAt(0) === 'n' || written.charAt(0) === 'N') throw new NotPlain()
    return { value: written.toLowerCase() === 'true', range, lead: undefined }
  }

  #flowList(depth: number): Place {
    const start = this.#at
    const children = new Map<number, Place>()
    this.#at++
    this.#skipSpaces()
    while (!this.#closes(CLOSE_LIST)) {
      children.set(children.size, this.#value(FLOW_PLAIN, depth + 1))
      this.#separate(CLOSE_LIST)
    }
    return { value: [...children.values()].map(child => child.value), range: [start, this.#at], children }
  }

  #flowMap(depth: number): Place {
    const start = this.#at
    const children = new Map<string, Place>()
    const value: Record<string, unknown> = {}
    this.#at++
    this.#skipSpaces()
    while (!this.#closes(CLOSE_MAP)) {
      const from = this.#at
      const name = this.#key(children)
      const key = [from, this.#at] as const
      this.#at++
      this.#skipSpaces()
      const child: Place = { ...this.#value(FLOW_PLAIN, depth + 1), key }
      children.set(name, child)
      value[name] = child.value
      this.#separate(CLOSE_MAP)
    }
    return { value, range: [start, this.#at], children, shadowed: [] }
  }

  #closes(bracket: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== bracket) return false
    this.#at++
    return true
  }

  /** Behind an entry of a flow collection: a comma and one more entry, or the bracket that closes it, which is left. */
  #separate(bracket: number): void {
    this.#skipSpaces()
    const next = this.#text.charCodeAt(this.#at)
    if (next === bracket) return
    if (next !== COMMA) throw new NotPlain()
    this.#at++
    this.#skipSpaces()
    if (this.#text.charCodeAt(this.#at) === bracket) throw new NotPlain()
  }

  #skipSpaces(): void {
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++
  }
}

const LINE_FEED = 10
const SPACE = 32
const QUOTE = 34
const HASH = 35
const APOSTROPHE = 39
const COMMA = 44
const DASH = 45
const OPEN_LIST = 91
const CLOSE_LIST = 93
const OPEN_MAP = 123
const CLOSE_MAP = 125
