import { isUtf8 } from 'node:buffer'

/**
 * Strict JSON (RFC 8259) over bytes, without building a value: what passes means the same to every parser, so the bytes
 * themselves can be forwarded. On top of the grammar it refuses what parsers disagree about: names that occur twice in
 * an object (RFC 7493 section 2.3), and nesting or names beyond a bound.
 */
export interface JsonFault {
  readonly kind: 'encoding' | 'syntax' | 'duplicate' | 'depth' | 'name-length' | 'scalar'
  /** Bytes from the start. */
  readonly offset: number
  /** For the operator. */
  readonly message: string
}

export const MAX_DEPTH = 64
export const MAX_NAME_BYTES = 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Up to here, looking through the earlier names of an object is cheaper than a set of them. */
const LINEAR_NAMES = 48

// The names of the open objects, the innermost last: a mark that tells most names apart, and where each stands. Shared by
// all scans, each of which is synchronous: nothing is allocated for an ordinary body.
const MARK = new Int32Array(MAX_DEPTH * LINEAR_NAMES)
const START = new Int32Array(MAX_DEPTH * LINEAR_NAMES)
const END = new Int32Array(MAX_DEPTH * LINEAR_NAMES)
// By depth: whether the container is an object, and where its names begin in the tables above.
const IS_OBJECT = new Uint8Array(MAX_DEPTH)
const FIRST = new Int32Array(MAX_DEPTH)

const WHITE = new Uint8Array(256)
for (const byte of [0x20, 0x09, 0x0a, 0x0d]) WHITE[byte] = 1
/** Bytes of a string that need no attention. */
const PLAIN = new Uint8Array(256).fill(1, 0x20)
PLAIN[QUOTE] = 0
PLAIN[BACKSLASH] = 0
const HEX = new Uint8Array(256)
for (const char of '0123456789abcdefABCDEF') HEX[char.charCodeAt(0)] = 1
const ESCAPED = new Uint8Array(256)
for (const char of '"\\/bfnrt') ESCAPED[char.charCodeAt(0)] = 1

/** `undefined` where `bytes` is one unambiguous JSON text. `scalars` allows a text that is no object or array. */
export function checkJson(bytes: Buffer, scalars = false): JsonFault | undefined {
  if (!isUtf8(bytes)) return { kind: 'encoding', offset: 0, message: 'the body is not valid UTF-8' }
  return new Scanner(bytes).scan(scalars)
}

class Scanner {
  readonly #bytes: Buffer
  readonly #end: number
  #at = 0
  #fault: JsonFault | undefined
  /** Whether the last string held an escape. */
  #escaped = false
  #depth = 0
  #names = 0
  /** By depth: the names of an object that has many, or one with an escape. */
  #sets: Map<number, Set<string>> | undefined

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  scan(scalars: boolean): JsonFault | undefined {
    this.#white()
    const first = this.#bytes[this.#at]
    if (first !== OPEN_BRACE && first !== OPEN_BRACKET && !scalars) {
      // A scalar is JSON, but no webhook is one, and upstreams that expect an object trip over it.
      const start = this.#at
      if (!this.#value() || !this.#trailing()) return this.#fault
      return { kind: 'scalar', offset: start, message: 'the body is neither an object nor an array' }
    }
    if (this.#value()) this.#trailing()
    return this.#fault
  }

  #trailing(): boolean {
    this.#white()
    return this.#at === this.#end || this.#syntax('text follows the end of the JSON value')
  }

  /** One value, containers included, without recursion: a stranger chooses the depth. */
  #value(): boolean {
    const bytes = this.#bytes
    for (;;) {
      // Here a value must start.
      const byte = bytes[this.#at]
      let opened = false
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (this.#depth >= MAX_DEPTH) return this.#fail('depth', `the body is nested deeper than ${MAX_DEPTH} levels`)
        this.#at++
        this.#white()
        const object = byte === OPEN_BRACE
        if (bytes[this.#at] === (object ? CLOSE_BRACE : CLOSE_BRACKET)) {
          this.#at++
        } else {
          IS_OBJECT[this.#depth] = object ? 1 : 0
          FIRST[this.#depth++] = this.#names
          opened = true
          if (object && !this.#name()) return false
        }
      } else if (!this.#scalar(byte)) return false
      if (opened) continue

      // A value has ended: close containers until one goes on.
      for (;;) {
        if (this.#depth === 0) return true
        const object = IS_OBJECT[this.#depth - 1] === 1
        this.#white()
        const next = bytes[this.#at]
        if (next === COMMA) {
          this.#at++
          this.#white()
          if (object && !this.#name()) return false
          break
        }
        if (next !== (object ? CLOSE_BRACE : CLOSE_BRACKET))
          return this.#syntax(object ? 'expected "," or "}"' : 'expected "," or "]"')
        this.#at++
        this.#names = FIRST[--this.#depth] ?? 0
        this.#sets?.delete(this.#depth)
      }
    }
  }

  #scalar(byte: number | undefined): boolean {
    if (byte === QUOTE) return this.#string()
    if (byte === 0x74) return this.#word('true')
    if (byte === 0x66) return this.#word('false')
    if (byte === 0x6e) return this.#word('null')
    return this.#number()
  }

  #name(): boolean {
    const start = this.#at + 1
    if (this.#bytes[this.#at] !== QUOTE) return this.#syntax('expected a member name in double quotes')
    if (!this.#string()) return false
    const escaped = this.#escaped
    const end = this.#at - 1
    if (end - start > MAX_NAME_BYTES)
      return this.#fail('name-length', `a member name is longer than ${MAX_NAME_BYTES} bytes`)
    if (!this.#remember(start, end, escaped)) {
      this.#at = start
      return this.#fail(
        'duplicate',
        `an object has the member ${JSON.stringify(this.#nameText(start, end).slice(0, 64))} twice`,
      )
    }
    this.#white()
    if (this.#bytes[this.#at] !== COLON) return this.#syntax('expected ":" after a member name')
    this.#at++
    this.#white()
    return true
  }

  /** Whether the name of these bytes is new to the innermost object. */
  #remember(start: number, end: number, escaped: boolean): boolean {
    const depth = this.#depth - 1
    const first = FIRST[depth] ?? 0
    let set = this.#sets?.get(depth)
    if (set === undefined && (escaped || this.#names - first >= LINEAR_NAMES)) {
      set = new Set()
      for (let i = first; i < this.#names; i++) set.add(`.${this.#nameText(START[i] ?? 0, END[i] ?? 0)}`)
      this.#sets ??= new Map()
      this.#sets.set(depth, set)
    }
    if (set !== undefined) {
      // The dot keeps names like "33554432" from being hashed as array indices, which strangers can make collide.
      const key = `.${this.#nameText(start, end)}`
      if (set.has(key)) return false
      set.add(key)
      return true
    }
    const bytes = this.#bytes
    const mark =
      ((end - start) << 24) ^
      ((bytes[start] ?? 0) << 16) ^
      ((bytes[(start + end) >> 1] ?? 0) << 8) ^
      (bytes[end - 1] ?? 0)
    for (let i = first; i < this.#names; i++)
      if (MARK[i] === mark && this.#same(START[i] ?? 0, END[i] ?? 0, start, end)) return false
    MARK[this.#names] = mark
    START[this.#names] = start
    END[this.#names++] = end
    return true
  }

  #same(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (end - start !== otherEnd - otherStart) return false
    for (let i = 0; i < end - start; i++) if (this.#bytes[start + i] !== this.#bytes[otherStart + i]) return false
    return true
  }

  /** A name as its readers will see it. */
  #nameText(start: number, end: number): string {
    return JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) as string
  }

  #string(): boolean {
    const bytes = this.#bytes
    let at = this.#at + 1
    this.#escaped = false
    for (;;) {
      while (PLAIN[bytes[at] ?? 0] === 1) at++
      const byte = bytes[at]
      if (byte === QUOTE) {
        this.#at = at + 1
        return true
      }
      this.#at = at
      if (byte === undefined) return this.#syntax('a string does not end')
      if (byte !== BACKSLASH) return this.#syntax('a control character stands in a string unescaped')
      this.#escaped = true
      const escaped = bytes[at + 1] ?? 0
      if (ESCAPED[escaped] === 1) at += 2
      else if (
        escaped === 0x75 &&
        HEX[bytes[at + 2] ?? 0] === 1 &&
        HEX[bytes[at + 3] ?? 0] === 1 &&
        HEX[bytes[at + 4] ?? 0] === 1 &&
        HEX[bytes[at + 5] ?? 0] === 1
      )
        at += 6
      else return this.#syntax('a string holds an unknown escape')
    }
  }

  #number(): boolean {
    const start = this.#at
    if (this.#bytes[this.#at] === 0x2d) this.#at++
    if (this.#bytes[this.#at] === 0x30) this.#at++
    else if (!this.#digits()) {
      this.#at = start
      return this.#syntax('expected a value')
    }
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++
      if (!this.#digits()) return this.#syntax('a number has no digit after its point')
    }
    const exponent = this.#bytes[this.#at]
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at++
      const sign = this.#bytes[this.#at]
      if (sign === 0x2b || sign === 0x2d) this.#at++
      if (!this.#digits()) return this.#syntax('a number has no digit in its exponent')
    }
    return true
  }

  #digits(): boolean {
    const start = this.#at
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || byte < 0x30 || byte > 0x39) return this.#at > start
      this.#at++
    }
  }

  #word(word: string): boolean {
    for (let i = 0; i < word.length; i++)
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return this.#syntax('expected a value')
    this.#at += word.length
    return true
  }

  #white(): void {
    while (WHITE[this.#bytes[this.#at] ?? 0] === 1) this.#at++
  }

  #syntax(message: string): false {
    return this.#fail('syntax', message)
  }

  #fail(kind: JsonFault['kind'], message: string): false {
    this.#fault ??= { kind, offset: this.#at, message: `${message} (byte ${this.#at})` }
    return false
  }
}
