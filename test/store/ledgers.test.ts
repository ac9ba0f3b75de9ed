import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import type { PaceLimits } from '../../src/core/stores.ts'
import { Turnstile } from '../../src/forward/turnstile.ts'
import { ledgerViews } from '../../src/store/ledger-memory.ts'
import { LocalLedger } from '../../src/store/local-ledger.ts'
import { Seats } from '../../src/store/seats.ts'
import { SharedLedger } from '../../src/store/shared-ledger.ts'
import { SharedLedgers } from '../../src/store/shared-ledgers.ts'
import { virtualTiming } from '../support/timing.ts'
import { ledgerContract } from './contract.ts'
import { dies, Fuse, mortal } from './dying.ts'

const RUNS = Number(process.env.SALLYPORT_TABLE_RUNS ?? 300)
const clock = frozenClock(0)
const CAPPED: PaceLimits = { count: 1e9, period: 0, interval: 0, burst: 1, concurrency: 1 }
const limits: PaceLimits = { count: 5, period: 100, interval: 20, burst: 5, concurrency: Number.POSITIVE_INFINITY }

function sharing(workers: number, capacity = 4) {
  const memory = SharedLedgers.share(capacity)
  const seats = new Seats(Seats.create())
  const sit = (number: number): SharedLedgers => {
    seats.take(number)
    return new SharedLedgers(memory, seats.open(number, clock))
  }
  return {
    memory,
    seats,
    sit,
    bury: (number: number, now = 0) => seats.bury(number, seats.lifeOf(number), now),
    all: Array.from({ length: workers }, (_, i) => sit(i + 1)),
  }
}

ledgerContract('LocalLedger', () => new LocalLedger())
ledgerContract('SharedLedger', () => sharing(1).sit(9).open('upstream'))

describe('ledgers that threads share', () => {
  it('are one for each name', () => {
    const [a, b] = sharing(2).all.map(ledgers => ['x', 'y', 'x'].map(name => ledgers.open(name)))
    a?.[0]?.take(1, 1, limits)
    a?.[1]?.hold(7)
    expect([a, b].map(of => of?.map(ledger => [ledger.underWay, ledger.heldUntil]))).toEqual(
      Array(2).fill([
        [1, 0],
        [0, 7],
        [1, 0],
      ]),
    )
  })

  it('give a place again that no living thread uses, empty', () => {
    const { all, bury, sit } = sharing(2, 2)
    const [one, other] = all
    const first = one?.open('first')
    first?.take(1, 1, limits)
    first?.ended(1, true, limits)
    first?.hold(99)
    other?.open('second')?.take(1, 1, limits)
    expect(() => one?.open('third')).toThrow('2 upstreams with a pace')
    first?.close()
    const third = one?.open('third')
    expect([third?.counted(1, 100), third?.heldUntil, third?.underWay]).toEqual([0, 0, 0])
    third?.take(1, 1, limits)
    third?.close()
    expect(() => one?.open('fourth')).toThrow('no room')
    bury(2)
    expect(one?.open('fourth').underWay).toBe(0)
    expect(sit(3).open('third').underWay).toBe(1)
  })

  it('count what a dead thread had under way as answered when it died', () => {
    const { all, bury, sit } = sharing(2)
    const [dead, living] = all.map(ledgers => ledgers.open('x'))
    for (let i = 0; i < 3; i++) dead?.take(10, 10, limits)
    living?.take(10, 10, limits)
    bury(1, 40)
    expect([living?.counted(139, 100), living?.underWay]).toEqual([4, 1])
    const next = sit(1).open('x')
    next.take(139, 139, limits)
    expect([next.counted(139, 100), next.counted(140, 100), living?.underWay]).toEqual([5, 2, 2])
  })

  it('never count less than was sent, whatever write a thread dies before', () => {
    const operation = fc.record({
      kind: fc.constantFrom('take', 'take', 'ended', 'failed', 'wait'),
      victim: fc.boolean(),
      dies: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined, freq: 2 }),
    })
    let deaths = 0
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), operations => {
        const { memory, seats, bury } = sharing(0)
        const fuse = new Fuse()
        const sit = (number: number, views = ledgerViews(memory.ledgers, 0)) => {
          seats.take(number)
          return new SharedLedger(views, seats.open(number, clock))
        }
        const survivor = sit(1)
        const born = () => sit(2, mortal(ledgerViews(memory.ledgers, 0), fuse))
        let victim = born()
        let now = 1
        let answered: number[] = []
        const underWay = { victim: 0, survivor: 0 }
        // What died in the middle may count twice.
        const doubtful: number[] = []
        for (const { kind, victim: isVictim, dies: after } of operations) {
          const who = isVictim ? 'victim' : 'survivor'
          const ledger = isVictim ? victim : survivor
          if (kind === 'wait') {
            // What is over is left for whoever comes next, and may die over it.
            now += 30
            continue
          }
          if ((kind === 'ended' || kind === 'failed') && underWay[who] === 0) continue
          let taken = false
          const died = dies(fuse, isVictim ? (after ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY, () => {
            if (kind === 'take') taken = ledger.take(now, now, limits) <= now
            if (kind === 'ended') ledger.ended(now, true, limits)
            if (kind === 'failed') ledger.ended(now, false, limits)
          })
          if (died) {
            deaths++
            bury(2, now)
            // One that was being given back may have been; it was never received.
            const sent = underWay.victim - (kind === 'failed' ? 1 : 0)
            answered.push(...Array<number>(sent).fill(now))
            doubtful.push(now)
            underWay.victim = 0
            victim = born()
          } else if (taken) underWay[who]++
          else if (kind === 'ended' || kind === 'failed') {
            underWay[who]--
            if (kind === 'ended') answered.push(now)
          }
          answered = answered.filter(at => at + limits.period > now)
          const least = answered.length + underWay.victim + underWay.survivor
          const counted = survivor.counted(now, limits.period)
          expect(counted).toBeGreaterThanOrEqual(least)
          expect(counted).toBeLessThanOrEqual(least + doubtful.filter(at => at + limits.period > now).length)
          expect(counted).toBeLessThanOrEqual(limits.count + 1)
        }
      }),
      { numRuns: RUNS },
    )
    expect(deaths).toBeGreaterThan(RUNS / 10)
  })

  it('forget no more than what is over, whatever write a thread dies before', () => {
    for (let writes = 0; ; writes++) {
      const { memory, seats, bury, sit } = sharing(0)
      const living = sit(1).open('x')
      seats.take(2)
      const fuse = new Fuse()
      const victim = new SharedLedger(mortal(ledgerViews(memory.ledgers, 0), fuse), seats.open(2, clock))
      for (const at of [1, 2, 50, 60]) {
        living.take(at, at, limits)
        living.ended(at, true, limits)
      }
      const died = dies(fuse, writes, () => {
        if (victim.take(110, 110, limits) <= 110) victim.ended(110, true, limits)
      })
      bury(2, 110)
      const counted = living.counted(110, limits.period)
      expect([2, 3, 4]).toContain(counted)
      if (!died) expect(counted).toBe(3)
      // The two are over, and then the third.
      expect(living.counted(165, limits.period)).toBe(counted - 2)
      expect(living.counted(210, limits.period)).toBe(0)
      if (!died) break
    }
  })

  it('let four workers make full use of a limit, in turn, and never exceed it', async () => {
    const virtual = virtualTiming()
    const settings = {
      rate: { count: 60, periodMs: 60_000 },
      burst: 10,
      concurrency: Number.POSITIVE_INFINITY,
      maxWait: 1e9,
      maxQueue: 1_000,
    }
    const sent: number[] = []
    const cameAt: number[] = []
    const by = [0, 0, 0, 0]
    const queues = sharing(4).all.flatMap((ledgers, worker) => {
      const turnstile = new Turnstile(settings, ledgers.open('shared'), virtual)
      return Array.from({ length: 250 }, async (_, i) => {
        await new Promise<void>(resolve => virtual.after(1 + i * 100 + worker * 25, resolve))
        const came = virtual.monotonic()
        const turn = await turnstile.enter()
        if (!turn.ok) throw new Error(turn.message)
        // Kept in order within a worker.
        expect(by[worker]).toBe(i)
        by[worker] = i + 1
        sent.push(virtual.monotonic())
        cameAt.push(came)
        virtual.after(200, () => turn.end(true))
      })
    })
    await virtual.run(Promise.all(queues))
    expect(sent.length).toBe(1_000)
    for (let i = 60; i < sent.length; i++) expect((sent[i] ?? 0) - (sent[i - 60] ?? 0)).toBeGreaterThan(60_000)
    expect((sent.at(-1) ?? 0) / 60_000).toBeLessThan((1_000 / 60) * 1.01)
    expect(overtaking(cameAt)).toBeLessThan(100)
  })

  it('cap a route over all workers, where its limit is shared with others', async () => {
    const virtual = virtualTiming()
    const settings = { burst: 100, maxWait: 1e9, maxQueue: 1_000, concurrency: 3, rate: { count: 100, periodMs: 1000 } }
    let most = 0
    let now = 0
    const queues = sharing(3).all.flatMap(ledgers => {
      const turnstile = new Turnstile(settings, ledgers.open('shared'), virtual, ledgers.open('route'))
      return Array.from({ length: 50 }, async () => {
        const turn = await turnstile.enter()
        if (!turn.ok) throw new Error(turn.message)
        most = Math.max(most, ++now)
        virtual.after(10, () => {
          now--
          turn.end(true)
        })
      })
    })
    await virtual.run(Promise.all(queues))
    expect(most).toBe(3)
  })

  it('let nobody starve under a cap, and pass by a worker that does not look', async () => {
    const virtual = virtualTiming()
    const settings = { rate: undefined, burst: 1, concurrency: 1, maxWait: 1e9, maxQueue: 1_000 }
    const parts = sharing(3)
    const [one, other, stuck] = parts.all.map(ledgers => ledgers.open('route'))
    if (!one || !other || !stuck) throw new Error('there are three')
    const cameAt: number[] = []
    const send = (ledger: SharedLedger) => {
      const turnstile = new Turnstile(settings, ledger, virtual)
      return Array.from({ length: 100 }, async (_, i) => {
        await new Promise<void>(resolve => virtual.after(1 + i * 6, resolve))
        const came = virtual.monotonic()
        const turn = await turnstile.enter()
        if (!turn.ok) throw new Error(turn.message)
        cameAt.push(came)
        virtual.after(5, () => turn.end(true))
      })
    }
    expect(one.take(1, 1, CAPPED)).toBeLessThanOrEqual(1)
    // It waits longest, and never looks again.
    expect(stuck.take(2, 2, CAPPED)).toBeGreaterThan(2)
    one.ended(3, true, CAPPED)
    await virtual.run(Promise.all([...send(one), ...send(other)]))
    expect(cameAt.length).toBe(200)
    expect(overtaking(cameAt)).toBeLessThan(100)
    expect(virtual.monotonic()).toBeLessThan(200 * 5 * 1.3)
  })
})

/** By how many milliseconds one went before another that had come earlier, at most. */
function overtaking(cameAt: readonly number[]): number {
  let most = 0
  let earliest = Number.POSITIVE_INFINITY
  for (const came of cameAt.toReversed()) {
    most = Math.max(most, came - earliest)
    earliest = Math.min(earliest, came)
  }
  return most
}
