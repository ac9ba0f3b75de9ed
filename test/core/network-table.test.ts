import { describe, expect, it } from 'vitest'
import { parseAddress, parseNetwork } from '../../src/core/address.ts'
import { NetworkTable } from '../../src/core/network-table.ts'

function table(...networks: string[]): NetworkTable {
  return new NetworkTable(
    networks.map(text => {
      const network = parseNetwork(text)
      if (!network) throw new Error(`no network: ${text}`)
      return network
    }),
  )
}

function has(held: NetworkTable, text: string): boolean {
  const address = parseAddress(text)
  if (!address) throw new Error(`no address: ${text}`)
  return held.has(address)
}

/** The second implementation: whole addresses as integers, each network asked in turn. */
interface Naive {
  readonly family: 4 | 6
  readonly value: bigint
  readonly prefix: number
}

const naiveHolds = (network: Naive, family: 4 | 6, value: bigint): boolean => {
  const shift = BigInt((family === 4 ? 32 : 128) - network.prefix)
  return network.family === family && network.value >> shift === value >> shift
}

function naiveText(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map(at => String((value >> at) & 255n)).join('.')
  return Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':')
}

let seed = 20261124
function random(below: number): number {
  seed = (seed * 1103515245 + 12345) % 2 ** 31
  return Math.floor((seed / 2 ** 31) * below)
}
const randomBits = (bits: number): bigint => {
  let value = 0n
  for (let i = 0; i < bits; i += 8) value = (value << 8n) | BigInt(random(256))
  return value
}

describe('NetworkTable', () => {
  it('agrees with a second implementation on 10^5 random pairs', () => {
    const differences: string[] = []
    for (let round = 0; round < 200; round++) {
      const networks: Naive[] = Array.from({ length: 1 + random(round % 4 ? 20 : 400) }, () => {
        const family = random(2) ? 4 : 6
        // A quarter of the space is crowded, so that networks overlap, adjoin and repeat.
        const value = family === 4 ? randomBits(random(4) ? 32 : 16) : randomBits(random(4) ? 128 : 16)
        return { family, value, prefix: (round % 4 ? 0 : 12) + random(round % 4 ? (family === 4 ? 33 : 129) : 21) }
      })
      const held = table(...networks.map(one => `${naiveText(one.family, one.value)}/${one.prefix}`))
      for (let i = 0; i < 500; i++) {
        const near = networks[random(networks.length)]
        const family = random(2) ? 4 : 6
        const width = family === 4 ? 32 : 128
        let value = randomBits(width)
        // Most of them close to an edge of a network, where a mistake would show.
        if (near && near.family === family && random(8)) {
          const size = 1n << BigInt(width - near.prefix)
          const first = (near.value / size) * size
          const edges = [first - 1n, first, first + 1n, first + size - 1n, first + size]
          value = BigInt.asUintN(width, edges[random(edges.length)] ?? 0n)
        }
        const text = naiveText(family, value)
        // Mapped addresses are IPv4 here, which a plain integer of 128 bits does not know.
        if (family === 6 && value >> 32n === 0xffffn) continue
        const expected = networks.some(one => naiveHolds(one, family, value))
        if (has(held, text) !== expected) differences.push(`${text} in ${JSON.stringify(networks.map(String))}`)
      }
    }
    expect(differences).toEqual([])
  })

  it.each([
    ['192.0.2.0/24', '192.0.2.0', true],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.1.255', false],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.7/24', '192.0.2.200', true],
    ['0.0.0.0/0', '0.0.0.0', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['255.255.255.255/32', '255.255.255.255', true],
    ['255.255.255.255/32', '255.255.255.254', false],
    ['128.0.0.0/1', '127.255.255.255', false],
    ['128.0.0.0/1', '128.0.0.0', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', false],
    ['::/0', '::ffff:192.0.2.1', false],
    ['::/128', '::', true],
    ['::/128', '::1', false],
    ['::1/128', '::1', true],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', true],
    ['8000::/1', '7fff:ffff::', false],
    ['8000::/1', 'ffff::', true],
    ['2001:db8::/33', '2001:db8:7fff:ffff::', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8::/64', '2001:db8::ffff:ffff:ffff:ffff', true],
    ['2001:db8::/64', '2001:db8:0:1::', false],
    ['::ffff:0:0/96', '192.0.2.1', true],
    ['::ffff:192.0.2.0/120', '192.0.2.77', true],
    ['::ffff:192.0.2.0/120', '::ffff:192.0.2.77', true],
    ['192.0.2.0/24', '::ffff:192.0.2.77', true],
    ['192.0.2.0/24', '::ffff:c000:24d', true],
    ['64:ff9b::/96', '64:ff9b::192.0.2.1', true],
    ['64:ff9b::/96', '192.0.2.1', false],
    ['::192.0.2.0/120', '192.0.2.1', false],
  ])('%s holds %s: %s', (network, address, expected) => {
    expect(has(table(network), address)).toBe(expected)
  })

  it('merges what repeats, overlaps and adjoins', () => {
    expect(table('10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8', '11.0.0.0/8').size).toBe(1)
    expect(table('10.0.0.0/8', '12.0.0.0/8').size).toBe(2)
    expect(table('2001:db8::/33', '2001:db8:8000::/33', '::/0').size).toBe(1)
    expect(table('0.0.0.0/0', '::/0').size).toBe(2)
  })

  it('leaves a gap of one address', () => {
    const held = table('192.0.2.0/32', '192.0.2.2/32', '2001:db8::/128', '2001:db8::2/128')
    expect(held.size).toBe(4)
    expect(['192.0.2.0', '192.0.2.1', '192.0.2.2'].map(text => has(held, text))).toEqual([true, false, true])
    expect(['2001:db8::', '2001:db8::1', '2001:db8::2'].map(text => has(held, text))).toEqual([true, false, true])
  })

  it('holds nobody where it is empty', () => {
    expect(has(table(), '192.0.2.1')).toBe(false)
    expect(has(table(), '::')).toBe(false)
  })

  it('takes 100,000 networks', () => {
    const held = table(
      ...Array.from({ length: 50_000 }, (_, i) => naiveText(4, BigInt(i * 65_536 + 256)).concat('/24')),
      ...Array.from({ length: 50_000 }, (_, i) => naiveText(6, BigInt(i * 2) << 64n).concat('/64')),
    )
    expect(held.size).toBe(100_000)
    expect(has(held, '0.1.1.200')).toBe(true)
    expect(has(held, '0.1.2.0')).toBe(false)
    expect(has(held, '0:0:0:2::9')).toBe(true)
    expect(has(held, '0:0:0:3::9')).toBe(false)
  })
})
