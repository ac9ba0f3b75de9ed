import type { Address, Network } from './address.ts'

const WORDS6 = 4
/** From so many IPv4 ranges on, an index by the first 16 bits saves most of the search; it takes 256 KiB. */
const INDEXED_FROM = 64

/**
 * A set of networks, searched in logarithmic time without allocating. Overlapping and adjoining networks are merged.
 * IPv4 and IPv6 are apart: `::/0` holds no IPv4 address, not even one written in IPv6 form.
 */
export class NetworkTable {
  /** First and last address of each range, ascending: one word each for IPv4, four for IPv6. */
  readonly #first4: Uint32Array
  readonly #last4: Uint32Array
  /** By an address's first 16 bits: how many ranges begin before them. Absent where there are few ranges. */
  readonly #index4: Uint32Array | undefined
  readonly #first6: Uint32Array
  readonly #last6: Uint32Array

  /** Bits of a network's address beyond its prefix do not count. */
  constructor(networks: readonly Network[]) {
    ;[this.#first4, this.#last4] = compile4(networks)
    this.#index4 = this.#first4.length < INDEXED_FROM ? undefined : indexOf(this.#first4)
    ;[this.#first6, this.#last6] = compile6(networks)
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
    const index = this.#index4
    let low = index?.[wanted >>> 16] ?? 0
    let high = index?.[(wanted >>> 16) + 1] ?? first.length
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

function indexOf(first: Uint32Array): Uint32Array {
  const index = new Uint32Array(2 ** 16 + 1)
  for (const start of first) index[(start >>> 16) + 1] = (index[(start >>> 16) + 1] ?? 0) + 1
  for (let i = 1; i < index.length; i++) index[i] = (index[i] ?? 0) + (index[i - 1] ?? 0)
  return index
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

/** Whole numbers below 2^32: exact, and several times as fast as big ones, which matters for a list of 100,000. */
function compile4(networks: readonly Network[]): [first: Uint32Array, last: Uint32Array] {
  const ranges = networks
    .filter(({ family }) => family === 4)
    .map(({ bytes, prefix }) => {
      const size = 2 ** (32 - prefix)
      const first = Math.floor(word(bytes, 0) / size) * size
      return { first, last: first + size - 1 }
    })
    .sort((a, b) => a.first - b.first)
  const merged: { first: number; last: number }[] = []
  for (const range of ranges) {
    const before = merged.at(-1)
    if (!before || range.first > before.last + 1) merged.push(range)
    else if (range.last > before.last) before.last = range.last
  }
  return [Uint32Array.from(merged, range => range.first), Uint32Array.from(merged, range => range.last)]
}

function compile6(networks: readonly Network[]): [first: Uint32Array, last: Uint32Array] {
  const ranges = networks
    .filter(({ family }) => family === 6)
    .map(({ bytes, prefix }) => {
      const size = BigInt(128 - prefix)
      const first = (toInteger(bytes) >> size) << size
      return { first, last: first + (1n << size) - 1n }
    })
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const merged: { first: bigint; last: bigint }[] = []
  for (const range of ranges) {
    const before = merged.at(-1)
    if (!before || range.first > before.last + 1n) merged.push(range)
    else if (range.last > before.last) before.last = range.last
  }
  return [toWords(merged.map(range => range.first)), toWords(merged.map(range => range.last))]
}

function toInteger(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function toWords(integers: readonly bigint[]): Uint32Array {
  const words = new Uint32Array(integers.length * WORDS6)
  integers.forEach((integer, index) => {
    for (let i = 0; i < WORDS6; i++)
      words[index * WORDS6 + i] = Number((integer >> BigInt(128 - 32 * (i + 1))) & 0xffffffffn)
  })
  return words
}
