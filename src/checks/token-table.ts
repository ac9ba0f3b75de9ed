import { timingSafeEqual } from 'node:crypto'

const DIGEST = 32

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
 */
export class TokenTable {
  readonly #digests: Buffer
  /** Open addressing, at most half full: token + 1, or 0 where free. */
  readonly #slots: Uint32Array
  readonly #mask: number
  readonly #tokens: KnownToken[] = []

  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2) * 2))
    this.#slots = new Uint32Array(slots)
    this.#mask = slots - 1
    this.#digests = Buffer.alloc(capacity * DIGEST)
  }

  /** Adds a token, at most `capacity` in all; gives the token that already has this digest instead, if there is one. */
  add(digest: Buffer, token: KnownToken): KnownToken | undefined {
    const known = this.find(digest)
    if (known) return known
    this.#digests.set(digest, this.#tokens.length * DIGEST)
    let slot = digest.readUInt32LE(0) & this.#mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[slot] = this.#tokens.push(token)
    return undefined
  }

  /** @param digest SHA-256, 32 bytes. */
  find(digest: Buffer): KnownToken | undefined {
    for (let slot = digest.readUInt32LE(0) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = (this.#slots[slot] ?? 0) - 1
      if (index < 0) return undefined
      const at = index * DIGEST
      if (timingSafeEqual(this.#digests.subarray(at, at + DIGEST), digest)) return this.#tokens[index]
    }
  }
}
