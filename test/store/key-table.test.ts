import { describe, expect, it } from 'vitest'
import { KeyTable } from '../../src/store/key-table.ts'

describe('KeyTable', () => {
  it('agrees with a Map over random inserts and removals', () => {
    const table = new KeyTable(500)
    const oracle = new Map<string, number>()
    let seed = 7
    for (let i = 0; i < 200_000; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      const key = `k${(seed >>> 8) % 1000}`
      const row = table.find(key)
      if (row >= 0) {
        expect(table.first[row]).toBe(oracle.get(key))
        if (seed & 16) {
          table.remove(row)
          oracle.delete(key)
        }
      } else {
        expect(oracle.has(key)).toBe(false)
        const fresh = table.insert()
        expect(fresh >= 0).toBe(oracle.size < 500)
        if (fresh >= 0) {
          table.first[fresh] = i
          table.second[fresh] = 1
          oracle.set(key, i)
        }
      }
      if (table.size !== oracle.size) throw new Error(`sizes differ after ${i} steps`)
    }
    for (const [key, value] of oracle) expect(table.first[table.find(key)]).toBe(value)
  })

  it('tells keys apart that differ by an end, a length or one bit', () => {
    const table = new KeyTable(100)
    const keys = ['', '\0', '\0\0', '\0\0\0', 'a', 'a\0', 'a\0\0', 'ab', 'ba', 'abc', 'abcd', '\u0100', '\u8000', 'é']
    for (const key of keys) {
      expect(table.find(key)).toBe(-1)
      const row = table.insert()
      table.second[row] = 1
    }
    expect(new Set(keys.map(key => table.find(key))).size).toBe(keys.length)
  })

  it('sweeps what is over and leaves the rest', () => {
    const table = new KeyTable(100)
    for (let i = 0; i < 100; i++) {
      table.find(`k${i}`)
      const row = table.insert()
      table.second[row] = i
    }
    table.sweep(100, 49)
    expect(table.size).toBe(50)
    for (let i = 0; i < 100; i++) expect(table.find(`k${i}`) >= 0).toBe(i > 49)
  })
})
