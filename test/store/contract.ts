import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import { frozenClock } from '../../src/core/clock.ts'
import type { ClaimStore, Ledger, PaceLimits, RateStore } from '../../src/core/stores.ts'

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

/** What every ledger must hold to. @param make another one for the same name each time, where several are asked for */
export function ledgerContract(
  name: string,
  make: () => Ledger & { counted(now: number, period: number): number },
): void {
  const limits: PaceLimits = { count: 3, period: 1000, interval: 100, burst: 3, concurrency: Number.POSITIVE_INFINITY }
  const none: PaceLimits = { ...limits, count: Number.POSITIVE_INFINITY, period: 0, interval: 0, burst: 1 }

  describe(`${name} as a ledger`, () => {
    it('counts a request from when it is sent until a period after its answer', () => {
      const ledger = make()
      for (let i = 0; i < 3; i++) expect(ledger.take(1000, 1000, limits)).toBeLessThanOrEqual(1000)
      expect(ledger.take(5000, 5000, limits)).toBeGreaterThan(5000)
      expect(ledger.nextAt(5000, limits)).toBe(Number.POSITIVE_INFINITY)
      expect([ledger.underWay, ledger.counted(5000, 1000)]).toEqual([3, 3])
      ledger.ended(5000, true, limits)
      ledger.ended(5010, true, limits)
      expect(ledger.nextAt(5500, limits)).toBe(6000)
      expect(ledger.take(5999, 5999, limits)).toBeGreaterThan(5999)
      expect(ledger.take(6000, 6000, limits)).toBeLessThanOrEqual(6000)
      expect(ledger.nextAt(6000, limits)).toBe(6010)
    })

    it('counts nothing that was not received', () => {
      const ledger = make()
      for (let i = 0; i < 10; i++) {
        expect(ledger.take(0, 0, limits)).toBeLessThanOrEqual(0)
        if (i % 2 === 0) ledger.untake(limits)
        else ledger.ended(0, false, limits)
      }
      expect([ledger.underWay, ledger.counted(0, 1000)]).toEqual([0, 0])
    })

    it('lets go at once what a burst allows, and the rest at the rate', () => {
      const ledger = make()
      const some = { ...limits, count: 1000, burst: 2 }
      for (let i = 0; i < 2; i++) expect(ledger.take(0, 0, some)).toBeLessThanOrEqual(0)
      expect(ledger.nextAt(0, some)).toBe(100)
      expect(ledger.take(100, 100, some)).toBeLessThanOrEqual(100)
      expect(ledger.nextAt(100, some)).toBe(200)
    })

    it('caps what is under way, and wakes whoever waits', () => {
      const ledger = make()
      const some = { ...none, concurrency: 2 }
      let woken = 0
      ledger.wake.add(() => woken++)
      for (let i = 0; i < 2; i++) expect(ledger.take(0, 0, some)).toBeLessThanOrEqual(0)
      expect(ledger.nextAt(0, some)).toBe(Number.POSITIVE_INFINITY)
      ledger.ended(1, true, some)
      expect(woken).toBe(1)
      expect(ledger.take(1, 1, some)).toBeLessThanOrEqual(1)
    })

    it('is quiet as long as the receiver asks, and no less where it asks twice', () => {
      const ledger = make()
      ledger.hold(500)
      ledger.hold(400)
      expect([ledger.heldUntil, ledger.nextAt(0, none), ledger.nextAt(0, limits)]).toEqual([500, 500, 500])
      expect(ledger.take(499, 499, none)).toBeGreaterThan(499)
      expect(ledger.take(500, 500, none)).toBeLessThanOrEqual(500)
    })

    it('forgets none of a million answers before its time, and all soon after it', () => {
      const ledger = make()
      const many = { ...limits, count: 1_000_000, period: 60_000, interval: 0.06, burst: 1_000_000 }
      let at = 1
      for (let i = 0; i < 1_000_000; i++) {
        at = 1 + i / 20
        if (ledger.take(at, at, many) > at) throw new Error(`request ${i} was held up`)
        ledger.ended(at, true, many)
      }
      for (const ms of [60_001, 70_001, 100_001]) {
        const left = 1_000_000 - Math.min(1_000_000, (ms - 60_001) * 20 + 1)
        expect(ledger.counted(ms, 60_000)).toBeGreaterThanOrEqual(left)
        // A thousandth of what a period allows.
        expect(ledger.counted(ms, 60_000)).toBeLessThanOrEqual(left + 1_300)
      }
      expect(ledger.counted(at + 60_061, 60_000)).toBe(0)
    })
  })
}
