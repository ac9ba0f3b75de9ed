import type { Address, Network } from './address.ts'

const WORDS6 = 4

/**
 * A set of networks, searched in logarithmic time without allocating. Overlapping and adjoining networks are merged.
 * IPv4 and IPv6 are apart: `::/0` holds no IPv4 address, not even one written in IPv6 form.
 */
export class NetworkTable {
  /** First and last address of each range, ascending: one word each for IPv4, four for IPv6. */
  readonly #first4: Uint32Array
  readonly #last4: Uint32Array
  readonly #first6: Uint32Array
  readonly #last6: Uint32Array

  /** Bits of a network's address beyond its prefix do not count. */
  constructor(networks: readonly Network[]) {
    ;[this.#first4, this.#last4] = compile(networks, 4)
    ;[this.#first6, this.#last6] = compile(networks, 6)
  }

  /** Ranges left after merging. */
  get size(): number {
    return this.#first4.length + this.#first6.length / WORDS6
  }

  has(address: Address): boolean {
    return address.family === 4 ? this.#has4(address.bytes) : this.#has6(address.bytes)
  }

  #has4(bytes: readonly number[]): boolean {
    const wanted = word(bytes, 0)
    const first = this.#first4
    let low = 0
    let high = first.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((first[middle] ?? 0) <= wanted) low = middle + 1
      else high = middle
    }
    return low > 0 && wanted <= (this.#last4[low - 1] ?? 0)
  }

  #has6(bytes: readonly number[]): boolean {
    const a = word(bytes, 0)
    const b = word(bytes, 4)
    const c = word(bytes, 8)
    const d = word(bytes, 12)
    let low = 0
    let high = this.#first6.length / WORDS6
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare6(this.#first6, middle, a, b, c, d) <= 0) low = middle + 1
      else high = middle
    }
    return low > 0 && compare6(this.#last6, low - 1, a, b, c, d) >= 0
  }
}

function word(bytes: readonly number[], at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  )
}

/** Below 0 where the table's address comes before a:b:c:d. */
function compare6(table: Uint32Array, index: number, a: number, b: number, c: number, d: number): number {
  const at = index * WORDS6
  return (table[at] ?? 0) - a || (table[at + 1] ?? 0) - b || (table[at + 2] ?? 0) - c || (table[at + 3] ?? 0) - d
}

function compile(networks: readonly Network[], family: 4 | 6): [first: Uint32Array, last: Uint32Array] {
  const width = family === 4 ? 32 : 128
  const ranges = networks
    .filter(network => network.family === family)
    .map(network => {
      const size = BigInt(width - network.prefix)
      const first = (toInteger(network.bytes) >> size) << size
      return { first, last: first + (1n << size) - 1n }
    })
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const merged: { first: bigint; last: bigint }[] = []
  for (const range of ranges) {
    const before = merged.at(-1)
    if (!before || range.first > before.last + 1n) merged.push(range)
    else if (range.last > before.last) before.last = range.last
  }
  return [
    toWords(
      merged.map(range => range.first),
      width,
    ),
    toWords(
      merged.map(range => range.last),
      width,
    ),
  ]
}

function toInteger(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function toWords(integers: readonly bigint[], width: number): Uint32Array {
  const each = width / 32
  const words = new Uint32Array(integers.length * each)
  integers.forEach((integer, index) => {
    for (let i = 0; i < each; i++)
      words[index * each + i] = Number((integer >> BigInt(width - 32 * (i + 1))) & 0xffffffffn)
  })
  return words
}
