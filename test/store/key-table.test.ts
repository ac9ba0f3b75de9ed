import { describe, expect, it } from 'vitest'
import { KeyTable } from '../../src/store/key-table.ts'

const find = (table: KeyTable, key: string): number => {
  table.aim(key)
  return table.find()
}

describe('KeyTable', () => {
  it('agrees with a Map over random inserts and removals', () => {
    const table = new KeyTable(KeyTable.memory(500))
    const oracle = new Map<string, number>()
    let seed = 7
    for (let i = 0; i < 50_000; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      const key = `k${(seed >>> 8) % 1000}`
      table.aim(key)
      const row = table.find()
      if (row >= 0) {
        expect(table.first(row)).toBe(oracle.get(key))
        if (seed & 16) {
          table.remove(row)
          oracle.delete(key)
        }
      } else {
        expect(oracle.has(key)).toBe(false)
        const fresh = table.insert(i, 1)
        expect(fresh >= 0).toBe(oracle.size < 500)
        if (fresh >= 0) oracle.set(key, i)
      }
      if (table.size !== oracle.size) throw new Error(`sizes differ after ${i} steps`)
    }
    for (const [key, value] of oracle) expect(table.first(find(table, key))).toBe(value)
  })

  it('tells keys apart that differ by an end, a length or one bit', () => {
    const table = new KeyTable(KeyTable.memory(100))
    const keys = ['', '\0', '\0\0', '\0\0\0', 'a', 'a\0', 'a\0\0', 'ab', 'ba', 'abc', 'abcd', '\u0100', '\u8000', 'é']
    for (const key of keys) {
      expect(find(table, key)).toBe(-1)
      table.insert(0, 1)
    }
    expect(new Set(keys.map(key => find(table, key))).size).toBe(keys.length)
  })

  it('finds a key again that it has just looked for, and another after it', () => {
    const table = new KeyTable(KeyTable.memory(8))
    for (const [at, key] of ['a', 'b', 'a', 'b'].entries()) {
      table.aim(key)
      if (at < 2) table.insert(at, at)
      expect(table.first(table.find())).toBe(at % 2)
      table.aim(key)
      expect(table.first(table.find())).toBe(at % 2)
    }
  })

  it('sweeps what is over and leaves the rest', () => {
    const table = new KeyTable(KeyTable.memory(100))
    for (let i = 0; i < 100; i++) {
      table.aim(`k${i}`)
      table.insert(0, i)
    }
    table.sweep(100, 49)
    expect(table.size).toBe(50)
    for (let i = 0; i < 100; i++) expect(find(table, `k${i}`) >= 0).toBe(i > 49)
  })
})
