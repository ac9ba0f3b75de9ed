import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSelect } from '../../src/checks/json-select.ts'
import { changesOf, readLines } from '../../src/checks/network-list.ts'
import { parseAddress } from '../../src/core/address.ts'
import { RemoteFault } from '../../src/core/remote.ts'

function list(text: string) {
  const read = readLines(text)
  if (read instanceof RemoteFault) throw new Error(read.message)
  return read
}

describe('a selector', () => {
  const value = { a: [{ b: 'x' }, { b: 'y', c: 1 }, 7, null], 'd e': { f: 'z' }, __proto__: 'w' }
  it.each([
    ['$', [value]],
    ['$.a[*].b', ['x', 'y']],
    ['$.a[1].b', ['y']],
    ['$.a[9].b', []],
    ["$['d e'].*", ['z']],
    ['$.a.length', []],
    ['$.constructor', []],
    ['$.a[0].b[0]', []],
  ])('%s', (text, found) => {
    expect(parseSelect(text)?.find(value)).toEqual(found)
  })

  it.each([
    '',
    'a',
    '$a',
    '$.',
    '$..a',
    '$[-1]',
    '$[01]',
    '$[1:2]',
    '$.a b',
    "$['a",
    '$[?@.a]',
    `$${'.a'.repeat(200)}`,
  ])('is not %j', text => expect(parseSelect(text)).toBeUndefined())

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`$.[]'*a0-`) }), fc.json(), (text, json) => {
        parseSelect(`$${text}`)?.find(JSON.parse(json))
      }),
    )
  })
})

describe('a list of networks', () => {
  it('tells what came and went', () => {
    const before = list('192.0.2.0/24\n198.51.100.0/24\n')
    const now = list('192.0.2.0/24\n203.0.113.0/24\n')
    expect(changesOf(now, before)).toEqual({
      networks: 2,
      came: 1,
      'came-networks': ['203.0.113.0/24'],
      went: 1,
      'went-networks': ['198.51.100.0/24'],
    })
    expect(changesOf(now, undefined)).toEqual({ networks: 2 })
  })

  it('names at most twenty of them', () => {
    const many = list(Array.from({ length: 50 }, (_, i) => `10.0.${i}.0/24`).join('\n'))
    const changes = changesOf(many, list('192.0.2.0/24'))
    expect(changes['came-networks']).toHaveLength(21)
    expect(changes['came-networks']?.at(-1)).toBe('and 30 more')
  })

  it('of 100,000 is searched as fast as a short one', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `${11 + (i >> 14)}.${(i >> 6) & 255}.${(i & 63) * 4}.0/25`)
    const { table, entries } = list(lines.join('\n'))
    expect(entries.size).toBe(100_000)
    expect(table.size).toBe(100_000)
    const inside = parseAddress('12.7.8.127')
    const outside = parseAddress('12.7.8.128')
    if (!inside || !outside) throw new Error('no address')
    expect([table.has(inside), table.has(outside)]).toEqual([true, false])
    const short = list('12.7.8.0/25').table
    const time = (searched: typeof table): number => {
      const began = performance.now()
      for (let i = 0; i < 200_000; i++) searched.has(i & 1 ? inside : outside)
      return performance.now() - began
    }
    time(short)
    time(table)
    // A scan of the list would take ten thousand times as long.
    expect(time(table)).toBeLessThan(20 * time(short) + 50)
  })
})
