import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { MemoryRates } from '../../src/store/memory-rates.ts'
import { Seats } from '../../src/store/seats.ts'
import { rateStoreContract } from './contract.ts'

rateStoreContract('MemoryRates', options => new MemoryRates(options))
rateStoreContract('MemoryRates that threads share', ({ clock, capacity }) => {
  const seats = new Seats(Seats.create())
  seats.take(1)
  return MemoryRates.open(clock, MemoryRates.share(capacity), seats.open(1, clock))
})

describe('MemoryRates', () => {
  it.each([
    { count: 7, periodMs: 60_000 },
    { count: 600, periodMs: 60_000 },
    { count: 999, periodMs: 1000 },
    { count: 13, periodMs: 3_600_000 },
  ])('is exact to the request over 10^6 takes at $count in $periodMs ms', ({ count, periodMs }) => {
    const clock = frozenClock(0)
    const store = new MemoryRates({ clock, capacity: 10 })
    const interval = periodMs / count
    const take = () => store.take('k', count, interval).allowed
    for (let i = 0; i < count; i++) if (!take()) throw new Error(`token ${i} of the burst was refused`)
    // From here on the bucket is empty: a token comes exactly at each whole interval, and only one.
    for (let i = 1; i <= 500_000; i++) {
      clock.advance((i * periodMs) / count - clock.monotonic())
      if (!take()) throw new Error(`the token of interval ${i} was refused`)
      if (take()) throw new Error(`a second token was given in interval ${i}`)
    }
  })

  it('never allows more than the burst and what time brought, whatever the pattern', () => {
    const clock = frozenClock(0)
    const store = new MemoryRates({ clock, capacity: 10 })
    let seed = 42
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed / 2 ** 31
    }
    let tokens = 20
    let last = 0
    for (let i = 0; i < 30_000; i++) {
      // Whole milliseconds and an interval of 8 keep the oracle's own arithmetic exact.
      clock.advance(random() < 0.5 ? 0 : Math.floor(random() * 40))
      tokens = Math.min(20, tokens + (clock.monotonic() - last) / 8)
      last = clock.monotonic()
      const expected = tokens >= 1
      if (expected) tokens--
      const result = store.take('k', 20, 8)
      expect(result.allowed).toBe(expected)
      if (expected) expect(result.remaining).toBe(Math.floor(tokens))
    }
  })

  it('holds its bounds under a flood of keys, and keeps those it knew', () => {
    const clock = frozenClock(0)
    const store = new MemoryRates({ clock, capacity: 10_000 })
    for (let i = 0; i < 5; i++) store.take('victim', 5, 3_600_000)
    for (let i = 0; i < 100_000; i++) store.take(`flood-${i}`, 5, 1000)
    expect(store.size).toBe(10_000)
    expect(store.take('victim', 5, 3_600_000).allowed).toBe(false)
    clock.advance(5000)
    for (let i = 0; i < 20_000; i++) store.take('sweep', 5, 1)
    expect(store.size).toBe(2)
  })

  it('does not let a slow rate use up the shared bucket of a fast one', () => {
    const store = new MemoryRates({ clock: frozenClock(0), capacity: 1 })
    store.take('known', 1, 1000)
    expect(store.take('slow', 1, 3_600_000).allowed).toBe(true)
    expect(store.take('slow', 1, 3_600_000).allowed).toBe(false)
    expect(store.take('fast', 100, 10).allowed).toBe(true)
  })
})
