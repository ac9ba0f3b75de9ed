import { timingSafeEqual } from 'node:crypto'

const DIGEST = 32

// A token's row lies in one place: its digest, when it expires, where its name begins and ends, and which scopes it has.
const ROW_BYTES = 56
const ROW_NUMBERS = 7
const EXPIRES = 4
const ROW_WORDS = 14
const NAME_AT = 10
const NAME_END = 11
const SCOPES = 12

/** A token that may be presented. */
export interface KnownToken {
  readonly name: string
  /** Epoch milliseconds. */
  readonly expires: number | undefined
  readonly scopes: readonly string[]
}

/**
 * Tokens by the SHA-256 of their text: found in the same time however many there are, and compared in constant time.
 * The time it takes tells at most where a digest falls in the table, which says nothing of any token.
 *
 * What is known of a token is bytes, and becomes an object when it is found: a million objects would be gone through by
 * each garbage collection, and lie in five places where a row lies in one.
 */
export class TokenTable {
  readonly #rows: Buffer
  /** The same memory as `#rows`. NaN where a token does not expire. */
  readonly #numbers: Float64Array
  /** The same memory as `#rows`. */
  readonly #words: Uint32Array
  /** Open addressing, at most half full: row + 1, or 0 where free. */
  readonly #slots: Uint32Array
  readonly #mask: number
  #size = 0
  #names = Buffer.alloc(64)
  #namesEnd = 0
  /** Each list once: most tokens of a file have the same ones. */
  readonly #scopes: (readonly string[])[] = []
  readonly #scopesAt = new Map<readonly string[], number>()

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2) * 2))
    this.#slots = new Uint32Array(slots)
    this.#mask = slots - 1
    const memory = new ArrayBuffer(capacity * ROW_BYTES)
    this.#rows = Buffer.from(memory)
    this.#numbers = new Float64Array(memory)
    this.#words = new Uint32Array(memory)
  }

  /** Adds a token, at most `capacity` in all; gives the token that already has this digest instead, if there is one. */
  add(digest: Buffer, token: KnownToken): KnownToken | undefined {
    const known = this.find(digest)
    if (known) return known
    const row = this.#size++
    this.#rows.set(digest, row * ROW_BYTES)
    this.#numbers[row * ROW_NUMBERS + EXPIRES] = token.expires ?? Number.NaN
    this.#words[row * ROW_WORDS + NAME_AT] = this.#namesEnd
    this.#addName(token.name)
    this.#words[row * ROW_WORDS + NAME_END] = this.#namesEnd
    this.#words[row * ROW_WORDS + SCOPES] = this.#indexOf(token.scopes)
    let slot = digest.readUInt32LE(0) & this.#mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[slot] = row + 1
    return undefined
  }

  /** @param digest SHA-256, 32 bytes. */
  find(digest: Buffer): KnownToken | undefined {
    for (let slot = digest.readUInt32LE(0) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const row = (this.#slots[slot] ?? 0) - 1
      if (row < 0) return undefined
      const at = row * ROW_BYTES
      if (timingSafeEqual(this.#rows.subarray(at, at + DIGEST), digest)) return this.#token(row)
    }
  }

  #token(row: number): KnownToken {
    const at = row * ROW_WORDS
    const expires = this.#numbers[row * ROW_NUMBERS + EXPIRES] ?? Number.NaN
    return {
      name: this.#names.toString('utf8', this.#words[at + NAME_AT], this.#words[at + NAME_END]),
      expires: Number.isNaN(expires) ? undefined : expires,
      scopes: this.#scopes[this.#words[at + SCOPES] ?? 0] ?? [],
    }
  }

  #addName(name: string): void {
    const end = this.#namesEnd + Buffer.byteLength(name)
    if (end > this.#names.length) {
      const names = Buffer.alloc(Math.max(end, 2 * this.#names.length))
      this.#names.copy(names)
      this.#names = names
    }
    this.#names.write(name, this.#namesEnd)
    this.#namesEnd = end
  }

  #indexOf(scopes: readonly string[]): number {
    let index = this.#scopesAt.get(scopes)
    if (index === undefined) {
      index = this.#scopes.push(scopes) - 1
      this.#scopesAt.set(scopes, index)
    }
    return index
  }
}
