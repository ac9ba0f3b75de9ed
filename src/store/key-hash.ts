import { charCodeAt } from '../core/char-code.ts'

/**
 * HalfSipHash-2-4 (Aumasson and Bernstein) over a string's UTF-16 units, under a random key, so that a
 * stranger can not choose keys that fall together. The whole state is drawn out: 128 bits instead of 64.
 * The result stands in `words` until the next call; nothing is allocated.
 */
export class KeyHash {
  readonly words = new Uint32Array(4)
  readonly #seed: Uint32Array
  #key: string | undefined

  /** @param seed four random words, the same for all who look for the same keys; they are copied */
  constructor(seed: Uint32Array) {
    // Where it is shared, it lies beside a lock: to read it there would take the cache line from whoever holds that.
    this.#seed = new Uint32Array(seed)
  }

  hash(key: string): void {
    if (key === this.#key) return
    this.#key = key
    const { length } = key
    let a = this.#seed[0] ?? 0
    let b = this.#seed[1] ?? 0
    let c = this.#seed[2] ?? 0
    let d = this.#seed[3] ?? 0
    // Two units make a word. The last word holds the odd unit and the length; one step more, without a word, finishes.
    const last = length - (length & 1)
    for (let i = 0; i <= last + 2; i += 2) {
      let word = 0
      let rounds = 2
      if (i < last) word = charCodeAt(key, i) | (charCodeAt(key, i + 1) << 16)
      else if (i === last) word = (i < length ? charCodeAt(key, i) : 0) | (length << 16)
      else {
        c ^= 0xff
        rounds = 4
      }
      d ^= word
      for (let round = 0; round < rounds; round++) {
        a = (a + b) | 0
        b = ((b << 5) | (b >>> 27)) ^ a
        a = (a << 16) | (a >>> 16)
        c = (c + d) | 0
        d = ((d << 8) | (d >>> 24)) ^ c
        a = (a + d) | 0
        d = ((d << 7) | (d >>> 25)) ^ a
        c = (c + b) | 0
        b = ((b << 13) | (b >>> 19)) ^ c
        c = (c << 16) | (c >>> 16)
      }
      a ^= word
    }
    this.words[0] = a
    this.words[1] = b
    this.words[2] = c
    this.words[3] = d
  }
}
