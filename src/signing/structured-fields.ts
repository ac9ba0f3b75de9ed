/**
 * Structured field values (RFC 9651, which includes RFC 8941): parsed once, from left to right, into values that keep
 * their canonical text (section 4.1), so that writing one again is joining what is there.
 *
 * Two places are stricter than the RFC, as two parsers could read two things there: a key that comes twice is refused
 * instead of the last one winning, and base64 has its one padded spelling.
 */

export type BareKind = 'integer' | 'decimal' | 'string' | 'token' | 'bytes' | 'boolean' | 'date' | 'display'

export interface Bare {
  readonly kind: BareKind
  /** A number for integer, decimal and date; text for string, token and display; else bytes or a boolean. */
  readonly value: number | string | boolean | Buffer
  /** Canonical. */
  readonly text: string
}

export type Parameters = ReadonlyMap<string, Bare>

export interface Item {
  readonly bare: Bare
  readonly parameters: Parameters
}

export interface InnerList {
  readonly items: readonly Item[]
  readonly parameters: Parameters
}

export type Member = Item | InnerList
export type Dictionary = ReadonlyMap<string, Member>
export type FieldType = 'dictionary' | 'list' | 'item'

/** A text that is not the structured field it should be: where, counted from 1, and what stood to be read. */
export interface StructureFault {
  readonly ok: false
  readonly why: string
}

export type Structured<Value> = { readonly ok: true; readonly value: Value } | StructureFault

/** @param text the field's values, joined by commas where it came more than once. */
export function parseDictionary(text: string): Structured<Dictionary> {
  return whole(text, parser => parser.dictionary())
}

/** As `parseDictionary`. */
export function parseList(text: string): Structured<readonly Member[]> {
  return whole(text, parser => parser.list())
}

/** As `parseDictionary`. */
export function parseItem(text: string): Structured<Item> {
  return whole(text, parser => parser.item())
}

export const isInnerList = (member: Member): member is InnerList => 'items' in member

export function serialiseParameters(parameters: Parameters): string {
  let text = ''
  for (const [key, bare] of parameters) text += bare.value === true ? `;${key}` : `;${key}=${bare.text}`
  return text
}

export function serialiseItem({ bare, parameters }: Item): string {
  return bare.text + serialiseParameters(parameters)
}

export function serialiseMember(member: Member): string {
  if (!isInnerList(member)) return serialiseItem(member)
  return `(${member.items.map(serialiseItem).join(' ')})${serialiseParameters(member.parameters)}`
}

export function serialiseList(list: readonly Member[]): string {
  return list.map(serialiseMember).join(', ')
}

export function serialiseDictionary(dictionary: Dictionary): string {
  return [...dictionary]
    .map(([key, member]) =>
      !isInnerList(member) && member.bare.value === true
        ? key + serialiseParameters(member.parameters)
        : `${key}=${serialiseMember(member)}`,
    )
    .join(', ')
}

/** An sf-string of printable ASCII; the caller knows that it is. */
export const stringText = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`

export const bytesText = (value: Buffer): string => `:${value.toString('base64')}:`

function whole<Value>(text: string, read: (parser: Parser) => Value | undefined): Structured<Value> {
  const parser = new Parser(text)
  const value = read(parser)
  return value !== undefined && parser.atEnd() ? { ok: true, value } : { ok: false, why: parser.why() }
}

// Sticky: each matches where the parser stands or not at all. No two parts of one can match the same character, so each
// takes time in proportion to what it reads.
const KEY = /[a-z*][a-z0-9_.*-]*/y
const NUMBER = /-?\d{1,15}(?:\.\d{1,3})?(?![\d.])/y
const DATE = /-?\d{1,15}(?![\d.])/y
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y
const DISPLAY = /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y
const TRUTH = /\?[01]/y
const SPACES = / */y
const BLANKS = /[ \t]*/y
const MOST_WHOLE_DIGITS = 12

class Parser {
  readonly #text: string
  #at = 0
  #why = ''

  constructor(text: string) {
    this.#text = text
    this.#take(SPACES)
  }

  why(): string {
    return this.#why === '' ? `text follows the end at character ${this.#at + 1}` : this.#why
  }

  atEnd(): boolean {
    this.#take(SPACES)
    return this.#at === this.#text.length
  }

  dictionary(): Dictionary | undefined {
    const members = new Map<string, Member>()
    return this.#members(() => {
      const key = this.#take(KEY) ?? this.#fail('a key in lower case')
      if (key === undefined) return false
      if (members.has(key)) return this.#refuse(`the key "${key}" comes twice`)
      const member = this.#skip('=') ? this.#member() : this.#flag()
      if (member !== undefined) members.set(key, member)
      return member !== undefined
    })
      ? members
      : undefined
  }

  list(): Member[] | undefined {
    const members: Member[] = []
    return this.#members(() => {
      const member = this.#member()
      if (member !== undefined) members.push(member)
      return member !== undefined
    })
      ? members
      : undefined
  }

  item(): Item | undefined {
    const bare = this.#bare()
    const parameters = bare && this.#parameters()
    return parameters && { bare, parameters }
  }

  #members(one: () => boolean): boolean {
    if (this.#at === this.#text.length) return true
    for (;;) {
      if (!one()) return false
      this.#take(BLANKS)
      if (this.#at === this.#text.length) return true
      if (!this.#skip(',')) return this.#refuse(`a comma is missing at character ${this.#at + 1}`)
      this.#take(BLANKS)
      if (this.#at === this.#text.length) return this.#refuse('it ends with a comma')
    }
  }

  #member(): Member | undefined {
    return this.#text[this.#at] === '(' ? this.#innerList() : this.item()
  }

  /** A key without a value is true. */
  #flag(): Item | undefined {
    const parameters = this.#parameters()
    return parameters && { bare: TRUE, parameters }
  }

  #innerList(): InnerList | undefined {
    this.#at++
    const items: Item[] = []
    for (;;) {
      const gap = this.#take(SPACES)
      if (this.#skip(')')) break
      if (items.length > 0 && gap === '') return this.#fail('a blank or ")"')
      const item = this.item()
      if (item === undefined) return undefined
      items.push(item)
    }
    const parameters = this.#parameters()
    return parameters && { items, parameters }
  }

  #parameters(): Parameters | undefined {
    if (this.#text[this.#at] !== ';') return NO_PARAMETERS
    const parameters = new Map<string, Bare>()
    while (this.#skip(';')) {
      this.#take(SPACES)
      const key = this.#take(KEY)
      if (key === undefined) return this.#fail("a parameter's name in lower case")
      if (parameters.has(key)) {
        this.#refuse(`the parameter "${key}" comes twice`)
        return undefined
      }
      const bare = this.#skip('=') ? this.#bare() : TRUE
      if (bare === undefined) return undefined
      parameters.set(key, bare)
    }
    return parameters
  }

  #bare(): Bare | undefined {
    const first = this.#text[this.#at] ?? ''
    if (first === '"') return this.#string()
    if (first === ':') return this.#bytes()
    if (first === '?') {
      const truth = this.#take(TRUTH)
      return truth === undefined ? this.#fail('?0 or ?1') : truth === '?1' ? TRUE : FALSE
    }
    if (first === '@') return this.#date()
    if (first === '%') return this.#display()
    if (/[A-Za-z*]/.test(first)) {
      const token = this.#take(TOKEN) ?? ''
      return { kind: 'token', value: token, text: token }
    }
    return this.#number()
  }

  #string(): Bare | undefined {
    const text = this.#take(STRING)
    if (text === undefined) return this.#fail('a string that ends, of printable ASCII')
    return { kind: 'string', value: text.slice(1, -1).replaceAll(/\\(.)/g, '$1'), text }
  }

  #bytes(): Bare | undefined {
    const from = this.#at
    const text = this.#take(BYTES)
    if (text === undefined) return this.#fail('bytes in base64 between colons')
    const value = Buffer.from(text.slice(1, -1), 'base64')
    if (bytesText(value) === text) return { kind: 'bytes', value, text }
    this.#at = from
    return this.#fail('bytes in base64, padded, whose spare bits are zero')
  }

  #date(): Bare | undefined {
    this.#at++
    const digits = this.#take(DATE)
    if (digits === undefined) return this.#fail('a date in whole seconds')
    const value = Number(digits) + 0
    return { kind: 'date', value, text: `@${value}` }
  }

  #display(): Bare | undefined {
    const from = this.#at
    const text = this.#take(DISPLAY)
    if (text === undefined) return this.#fail('a display string')
    try {
      return { kind: 'display', value: decodeURIComponent(text.slice(2, -1)), text: canonicalDisplay(text) }
    } catch {
      this.#at = from
      return this.#fail('a display string in UTF-8')
    }
  }

  #number(): Bare | undefined {
    const from = this.#at
    const digits = this.#take(NUMBER)
    if (digits === undefined) return this.#fail('a value')
    const [integer = '', fraction] = digits.split('.')
    // -0 is 0.
    const value = Number(digits) + 0
    if (fraction === undefined) return { kind: 'integer', value, text: String(value) }
    if (integer.replace('-', '').length <= MOST_WHOLE_DIGITS)
      return { kind: 'decimal', value, text: Number.isInteger(value) ? `${value}.0` : String(value) }
    this.#at = from
    return this.#fail(`a decimal of at most ${MOST_WHOLE_DIGITS} digits before the point`)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #fail(expected: string): undefined {
    this.#refuse(`${expected} is expected at character ${this.#at + 1}`)
    return undefined
  }

  #refuse(why: string): false {
    this.#why = why
    return false
  }
}

const NO_PARAMETERS: Parameters = new Map()
const TRUE: Bare = { kind: 'boolean', value: true, text: '?1' }
const FALSE: Bare = { kind: 'boolean', value: false, text: '?0' }

/** What need not be escaped is not, and the rest is; the text was decoded before, so every escape is a byte's. */
function canonicalDisplay(text: string): string {
  const inner = text.slice(2, -1).replaceAll(/%([0-9a-f]{2})/g, (written, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code < 0x20 || code > 0x7e || code === 0x22 || code === 0x25 ? written : String.fromCharCode(code)
  })
  return `%"${inner}"`
}
