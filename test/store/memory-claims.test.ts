import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { MemoryClaims } from '../../src/store/memory-claims.ts'
import { Seats } from '../../src/store/seats.ts'
import { claimStoreContract } from './contract.ts'

claimStoreContract('MemoryClaims', options => new MemoryClaims(options))
claimStoreContract('MemoryClaims that threads share', ({ clock, capacity }) => {
  const seats = new Seats(Seats.create())
  seats.take(1)
  return MemoryClaims.open(clock, MemoryClaims.share(capacity), seats.open(1, clock))
})

describe('MemoryClaims', () => {
  it('is not opened by a wall clock that steps', () => {
    let wall = Date.UTC(2026, 10, 24)
    let monotonic = 0
    const store = new MemoryClaims({ clock: { now: () => wall, monotonic: () => monotonic }, capacity: 10 })
    store.claim('k', 600_000)
    store.keep('k', 600_000)
    for (const step of [3_600_000, -7_200_000]) {
      wall += step
      monotonic += 1000
      expect(store.claim('k', 600_000)).toBe('delivered')
    }
  })

  it('stays within its bounds over a million events, without a refusal', () => {
    const clock = frozenClock(0)
    const store = new MemoryClaims({ clock, capacity: 20_000 })
    for (let i = 0; i < 1_000_000; i++) {
      if (store.claim(`event-${i}`, 10_000) !== 'fresh') throw new Error(`event ${i} was not fresh`)
      store.keep(`event-${i}`, 10_000)
      clock.advance(1)
    }
    expect(store.size).toBeLessThanOrEqual(20_000)
    expect(store.claim('event-999999', 10_000)).toBe('delivered')
    expect(store.claim('event-990001', 10_000)).toBe('delivered')
  })
})
