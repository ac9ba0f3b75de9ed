import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { KeyTable, viewsOf } from '../../src/store/key-table.ts'
import { MemoryClaims } from '../../src/store/memory-claims.ts'
import { MemoryRates } from '../../src/store/memory-rates.ts'
import { type Seat, Seats } from '../../src/store/seats.ts'
import { dies, Fuse, mortal } from './dying.ts'
import { checkTable, hashIn, rowsOf } from './table-checker.ts'

const RUNS = Number(process.env.SALLYPORT_TABLE_RUNS ?? 300)
const CAPACITY = 12
const clock = frozenClock(0)

/** Two who share a table; the first dies as often as is asked. */
function sharers() {
  const seats = new Seats(Seats.create())
  const sit = (number: number): Seat => {
    seats.take(number)
    return seats.open(number, clock)
  }
  const survivor = sit(1)
  return {
    survivor,
    victim: () => {
      seats.bury(2, seats.lifeOf(2), clock.monotonic())
      return sit(2)
    },
    bury: () => seats.bury(2, seats.lifeOf(2), clock.monotonic()),
  }
}

const operation = fc.record({
  kind: fc.constantFrom('write', 'write', 'write', 'remove', 'sweep'),
  key: fc.integer({ min: 0, max: 30 }).map(String),
  second: fc.integer({ min: 1, max: 100 }),
  /** After how many writes the thread dies, where it does. */
  dies: fc.option(fc.integer({ min: 0, max: 14 }), { nil: undefined, freq: 2 }),
})

describe('a table that threads share', () => {
  it('agrees with a Map, whatever write a thread dies before', () => {
    let deaths = 0
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), operations => {
        const memory = KeyTable.memory(CAPACITY)
        const { survivor, victim, bury } = sharers()
        const other = new KeyTable(memory, survivor)
        const fuse = new Fuse()
        let table = new KeyTable(memory, victim(), mortal(viewsOf(memory), fuse))
        const model = new Map<string, number>()
        for (const { kind, key, second, dies: after } of operations) {
          const next = new Map(model)
          if (kind === 'write' && (model.has(key) || model.size < CAPACITY)) next.set(key, second)
          if (kind === 'remove') next.delete(key)
          if (kind === 'sweep') for (const [each, until] of model) if (until <= second) next.delete(each)
          const died = dies(fuse, after ?? Number.POSITIVE_INFINITY, () => {
            table.aim(key)
            table.lock()
            const row = table.find()
            if (kind === 'sweep') table.sweep(CAPACITY, second)
            else if (kind === 'write' && row >= 0) table.setSecond(row, second)
            else if (kind === 'write') table.insert(7, second)
            else if (row >= 0) table.remove(row)
            table.unlock()
          })
          if (died) {
            deaths++
            bury()
            other.lock()
            other.unlock()
            table = new KeyTable(memory, victim(), mortal(viewsOf(memory), fuse))
          }
          checkTable(memory)
          const rows = rowsOf(memory)
          for (const each of new Set([...model.keys(), ...next.keys()])) {
            const found = rows.get(hashIn(memory, each))?.[1]
            if (died) expect([model.get(each), next.get(each)]).toContain(found)
            else expect(found).toBe(next.get(each))
            if (found === undefined) model.delete(each)
            else model.set(each, found)
          }
          expect(rows.size).toBe(model.size)
          expect([...rows.values()].every(([first]) => first === 7)).toBe(true)
        }
      }),
      { numRuns: RUNS },
    )
    expect(deaths).toBeGreaterThan(RUNS / 10)
  })

  it('is whole again where whoever repairs it dies too', () => {
    const memory = KeyTable.memory(CAPACITY)
    const { survivor, victim, bury } = sharers()
    const fill = new KeyTable(memory, survivor)
    for (let i = 0; i < 10; i++) {
      fill.aim(String(i))
      fill.insert(i, i)
    }
    fill.sweep(10, 4)
    const before = rowsOf(memory)
    const fuse = new Fuse()
    for (let writes = 0; ; writes++) {
      const table = new KeyTable(memory, victim(), mortal(viewsOf(memory), fuse))
      viewsOf(memory).slots.fill(9)
      const died = dies(fuse, writes, () => {
        table.lock()
        table.repair()
      })
      bury()
      fill.lock()
      fill.unlock()
      checkTable(memory)
      expect(rowsOf(memory)).toEqual(before)
      if (!died) break
    }
  })

  it('is taken from one that left it by an error', () => {
    const memory = KeyTable.memory(CAPACITY)
    const table = new KeyTable(memory, sharers().survivor)
    table.lock()
    viewsOf(memory).slots.fill(9)
    table.lock()
    checkTable(memory)
    table.unlock()
  })
})

describe('a bucket whose thread dies', () => {
  it('has lost the token of the request under way, or not, and no other', () => {
    for (let round = 0; round < 40 * 8; round++) {
      const writes = Math.floor(round / 8)
      const shared = MemoryRates.share(CAPACITY)
      const { survivor, victim, bury } = sharers()
      const time = frozenClock(0)
      const other = MemoryRates.open(time, shared, survivor)
      const fuse = new Fuse()
      const seat = victim()
      const own = new MemoryRates({
        clock: time,
        tables: {
          keys: new KeyTable(shared.keys, seat, mortal(viewsOf(shared.keys), fuse)),
          overflow: new KeyTable(shared.overflow, seat, mortal(viewsOf(shared.overflow), fuse)),
        },
      })
      // Old ones that the sweep removes meanwhile, and one that is full again.
      for (const key of ['a', 'b', 'again']) own.take(key, 5, 10)
      // So many others, of which the sweep sees some: else it would see the one that is full again.
      for (let i = 0; i < round % 8; i++) other.take(`other-${i}`, 5, 1000)
      time.advance(100)
      other.take('k', 5, 1000)
      for (const [key, taken] of [
        ['k', 1],
        ['again', 0],
        ['new', 0],
      ] as const) {
        const died = dies(fuse, writes, () => own.take(key, 5, 1000))
        if (died) bury()
        const { remaining, resetMs } = other.take(key, 5, 1000)
        expect(resetMs % 1000).toBe(0)
        expect(died ? [4 - taken, 3 - taken] : [3 - taken]).toContain(remaining)
        checkTable(shared.keys)
        if (died) break
      }
    }
  })
})

describe('a claim whose thread dies', () => {
  const make = () => {
    const memory = MemoryClaims.share(CAPACITY)
    const parts = sharers()
    const time = frozenClock(0)
    const fuse = new Fuse()
    const mortalClaims = () => {
      const seat = parts.victim()
      const table = new KeyTable(memory, seat, mortal(viewsOf(memory), fuse))
      return new MemoryClaims({ clock: time, shared: { table, seat } })
    }
    return { memory, ...parts, time, fuse, other: MemoryClaims.open(time, memory, parts.survivor), mortalClaims }
  }

  it('is released, and those of its successor on the seat are not', () => {
    const { other, mortalClaims, bury } = make()
    const first = mortalClaims()
    expect(first.claim('a', 1000)).toBe('fresh')
    expect(first.claim('b', 1000)).toBe('fresh')
    first.keep('b', 1000)
    expect(other.claim('a', 1000)).toBe('in-flight')
    bury()
    const second = mortalClaims()
    expect(second.claim('c', 1000)).toBe('fresh')
    expect(other.claim('a', 1000)).toBe('fresh')
    expect(second.claim('a', 1000)).toBe('in-flight')
    expect(other.claim('b', 1000)).toBe('delivered')
    expect(other.claim('c', 1000)).toBe('in-flight')
  })

  it.each(['claim', 'keep', 'release', 'again', 'over'] as const)(
    'in %s is fresh or as it would be after it, at whatever write',
    kind => {
      // So many others, of which the sweep sees some: else it would see the key's own row first.
      let others = 0
      for (let writes = 0; ; writes++) {
        const { memory, other, mortalClaims, bury, time, fuse } = make()
        const own = mortalClaims()
        for (let i = 0; i < others; i++) other.claim(`other-${i}`, 10_000)
        other.claim('kept', 10_000)
        other.keep('kept', 10_000)
        if (kind === 'keep' || kind === 'release') own.claim('k', 1000)
        if (kind === 'again') {
          own.claim('k', 1000)
          bury()
        }
        if (kind === 'over') {
          other.claim('k', 10)
          other.keep('k', 10)
          time.advance(10)
        }
        const claims = kind === 'again' ? mortalClaims() : own
        const died = dies(fuse, writes, () => {
          if (kind === 'keep') claims.keep('k', 5000)
          else if (kind === 'release') claims.release('k')
          else if (claims.claim('k', 1000) !== 'fresh') throw new Error('it was not fresh')
        })
        bury()
        const found = other.claim('k', 1000)
        if (kind === 'keep' && !died) expect(found).toBe('delivered')
        else if (kind === 'keep') expect(['fresh', 'delivered']).toContain(found)
        else expect(found).toBe('fresh')
        if (found === 'delivered') {
          time.advance(4999)
          expect(other.claim('k', 1000)).toBe('delivered')
        }
        expect(other.claim('kept', 1000)).toBe('delivered')
        checkTable(memory)
        if (died) continue
        writes = -1
        if (++others === 8) break
      }
    },
  )
})
