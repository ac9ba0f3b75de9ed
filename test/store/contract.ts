import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { frozenClock } from '../../src/core/clock.ts'
import type { ClaimStore, RateStore } from '../../src/core/stores.ts'

/** What a store is made of in these suites. Time passes only by the clock's `advance`. */
export interface StoreOptions {
  readonly clock: Clock & { advance(ms: number): void }
  /** How many keys it may remember. */
  readonly capacity: number
}

type Make<T> = (options: StoreOptions) => T | Promise<T>

const options = (capacity = 100): StoreOptions => ({ clock: frozenClock(Date.UTC(2026, 10, 24)), capacity })

/** What every rate store must hold to. */
export function rateStoreContract(name: string, make: Make<RateStore>): void {
  describe(`${name} as a rate store`, () => {
    it('gives the burst at once, then one token each interval', async () => {
      const given = options()
      const store = await make(given)
      for (let left = 4; left >= 0; left--)
        expect(await store.take('k', 5, 1000)).toMatchObject({ allowed: true, remaining: left })
      expect(await store.take('k', 5, 1000)).toEqual({
        allowed: false,
        remaining: 0,
        retryAfterMs: 1000,
        resetMs: 5000,
      })
      given.clock.advance(999)
      expect(await store.take('k', 5, 1000)).toMatchObject({ allowed: false, retryAfterMs: 1 })
      given.clock.advance(1)
      expect(await store.take('k', 5, 1000)).toMatchObject({ allowed: true, remaining: 0, retryAfterMs: 1000 })
      expect(await store.take('k', 5, 1000)).toMatchObject({ allowed: false })
    })

    it('takes nothing for a refused request', async () => {
      const given = options()
      const store = await make(given)
      await store.take('k', 1, 1000)
      for (let i = 0; i < 50; i++) expect((await store.take('k', 1, 1000)).allowed).toBe(false)
      given.clock.advance(1000)
      expect((await store.take('k', 1, 1000)).allowed).toBe(true)
    })

    it('fills up to the burst and no further', async () => {
      const given = options()
      const store = await make(given)
      for (let i = 0; i < 3; i++) await store.take('k', 3, 1000)
      given.clock.advance(3_600_000)
      let allowed = 0
      for (let i = 0; i < 10; i++) if ((await store.take('k', 3, 1000)).allowed) allowed++
      expect(allowed).toBe(3)
    })

    it('keeps keys apart', async () => {
      const store = await make(options())
      expect((await store.take('a', 1, 1000)).allowed).toBe(true)
      expect((await store.take('b', 1, 1000)).allowed).toBe(true)
      expect((await store.take('a', 1, 1000)).allowed).toBe(false)
    })

    it('tells when the bucket is full again', async () => {
      const given = options()
      const store = await make(given)
      expect((await store.take('k', 10, 100)).resetMs).toBeCloseTo(100, 6)
      await store.take('k', 10, 100)
      given.clock.advance(50)
      expect((await store.take('k', 10, 100)).resetMs).toBeCloseTo(250, 6)
    })

    it('lets strangers share a bucket where there is no room, and forgets none it knows', async () => {
      const store = await make(options(10))
      for (let i = 0; i < 10; i++) await store.take(`known-${i}`, 1, 60_000)
      expect((await store.take('stranger-1', 1, 60_000)).allowed).toBe(true)
      expect((await store.take('stranger-2', 1, 60_000)).allowed).toBe(false)
      for (let i = 0; i < 10; i++) expect((await store.take(`known-${i}`, 1, 60_000)).allowed).toBe(false)
    })

    it('makes room of the buckets that are full again', async () => {
      const given = options(10)
      const store = await make(given)
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 10; i++) expect((await store.take(`${round}-${i}`, 1, 1000)).allowed).toBe(true)
        given.clock.advance(1000)
      }
    })
  })
}

/** What every claim store must hold to. */
export function claimStoreContract(name: string, make: Make<ClaimStore>): void {
  describe(`${name} as a claim store`, () => {
    it('gives a key to one at a time', async () => {
      const store = await make(options())
      expect(await store.claim('k', 1000)).toBe('fresh')
      expect(await store.claim('k', 1000)).toBe('in-flight')
      expect(await store.claim('other', 1000)).toBe('fresh')
    })

    it('gives a key to exactly one of a hundred that ask at once', async () => {
      const store = await make(options())
      const answers = await Promise.all(Array.from({ length: 100 }, async () => store.claim('k', 1000)))
      expect(answers.filter(answer => answer === 'fresh')).toHaveLength(1)
      expect(answers.filter(answer => answer === 'in-flight')).toHaveLength(99)
    })

    it('remembers what was delivered until its time is over', async () => {
      const given = options()
      const store = await make(given)
      await store.claim('k', 500)
      await store.keep('k', 1000)
      expect(await store.claim('k', 1000)).toBe('delivered')
      given.clock.advance(999)
      expect(await store.claim('k', 1000)).toBe('delivered')
      given.clock.advance(1)
      expect(await store.claim('k', 1000)).toBe('fresh')
    })

    it('counts the time of a kept key from its delivery', async () => {
      const given = options()
      const store = await make(given)
      await store.claim('k', 1000)
      given.clock.advance(900)
      await store.keep('k', 1000)
      given.clock.advance(900)
      expect(await store.claim('k', 1000)).toBe('delivered')
    })

    it('gives a released key again', async () => {
      const store = await make(options())
      await store.claim('k', 1000)
      await store.release('k')
      expect(await store.claim('k', 1000)).toBe('fresh')
    })

    it('does not forget a delivery because of a late release', async () => {
      const store = await make(options())
      await store.claim('k', 1000)
      await store.keep('k', 1000)
      await store.release('k')
      expect(await store.claim('k', 1000)).toBe('delivered')
    })

    it('lets go of a claim that nobody ended', async () => {
      const given = options()
      const store = await make(given)
      await store.claim('k', 1000)
      given.clock.advance(1000)
      expect(await store.claim('k', 1000)).toBe('fresh')
    })

    it('answers full rather than forget, and has room again when claims end', async () => {
      const given = options(10)
      const store = await make(given)
      for (let i = 0; i < 10; i++) {
        expect(await store.claim(`k-${i}`, 1000)).toBe('fresh')
        await store.keep(`k-${i}`, 1000)
      }
      expect(await store.claim('more', 1000)).toBe('full')
      for (let i = 0; i < 10; i++) expect(await store.claim(`k-${i}`, 1000)).toBe('delivered')
      given.clock.advance(1000)
      for (let i = 0; i < 10; i++) expect(await store.claim(`new-${i}`, 1000)).toBe('fresh')
      expect(await store.claim('more', 1000)).toBe('full')
      await store.release('new-3')
      expect(await store.claim('more', 1000)).toBe('fresh')
    })
  })
}
