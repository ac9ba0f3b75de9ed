import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createSharedState, MAIN_SEAT, markAlive, markDead, openSharedState } from '../../src/store/shared-state.ts'
import { compressed } from '../support/timing.ts'
import { BURST, KEYS, LEDGER, RATE_COUNTERS, type Sharer, sheetsFor, startSharer } from './sharing.ts'
import { checkTable } from './table-checker.ts'

/** Workers that are killed while others work; a thousand take some minutes. */
const KILLS = Number(process.env.SALLYPORT_WORKER_KILLS ?? 30)
const WORKERS = 4
const LONG = 120_000

const running: Sharer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ worker }) => worker.terminate()))
})

const seats = Array.from({ length: WORKERS }, (_, i) => i + 1)
const small = () => createSharedState({ keys: 5_000, reportingKeys: 10, ledgers: 16 })

describe('worker threads', () => {
  it(
    'admit exactly the burst of each key, and one of a hundred copies of each event',
    async () => {
      const state = createSharedState()
      const sheets = sheetsFor(WORKERS + 1)
      const job = { kind: 'race', workers: WORKERS } as const
      running.push(...seats.map(seat => startSharer({ state, seat, sheets, job }, seat)))
      await Promise.all(running.map(({ gone }) => gone))
      expect([...sheets.admitted]).toEqual(Array(KEYS).fill(BURST))
      expect([...sheets.fresh]).toEqual(Array(KEYS).fill(1))
      checkTable(state.rates.keys)
      checkTable(state.claims)
    },
    LONG,
  )

  it(
    `lose no count and stop nobody where ${KILLS} of them are killed`,
    async () => {
      const state = small()
      const sheets = sheetsFor(WORKERS + KILLS + 1)
      const start = (seat: number, mark: number): Sharer =>
        startSharer({ state, seat, sheets, job: { kind: 'work' } }, mark)
      running.push(...seats.map(seat => start(seat, seat)))
      const works = (seat: number): Promise<void> => {
        const before = Atomics.load(sheets.done, seat)
        return vi.waitFor(() => expect(Atomics.load(sheets.done, seat)).toBeGreaterThan(before + 100), {
          timeout: LONG,
          interval: 2,
        })
      }
      await Promise.all(seats.map(works))
      for (let kill = 0; kill < KILLS; kill++) {
        const at = Math.floor(Math.random() * WORKERS)
        const victim = running[at]
        if (victim === undefined) throw new Error('nobody is there')
        Atomics.store(sheets.doomed, victim.mark, 1)
        void victim.worker.terminate()
        await victim.gone
        await Promise.all(seats.filter(seat => seat !== victim.seat).map(works))
        running[at] = start(victim.seat, WORKERS + 1 + kill)
      }
      await Promise.all(seats.map(works))
      Atomics.store(sheets.flags, 1, 1)
      await Promise.all(running.map(({ gone }) => gone))
      expect([...sheets.wrong]).toEqual([0, 0, 0])

      const { rates, claims, ledgers } = openSharedState(state, MAIN_SEAT, systemClock)
      for (let key = 0; key < RATE_COUNTERS; key++) {
        const { remaining } = await rates.take(`key-${key}`, 1e6, 1e9)
        const taken = 1e6 - remaining - 1
        // Whoever is killed may have taken one that it had no time to write down.
        expect(taken).toBeGreaterThanOrEqual(sheets.admitted[key] ?? 0)
        expect(taken).toBeLessThanOrEqual((sheets.admitted[key] ?? 0) + KILLS)
      }
      let delivered = 0
      for (let key = 0; key < KEYS; key++) {
        const claim = await claims.claim(`event-${key}`, 1e9)
        if (sheets.kept[key] === 1) expect(claim).toBe('delivered')
        // Nothing is in flight any more.
        expect(claim).not.toBe('in-flight')
        if (claim === 'delivered') delivered++
      }
      expect(delivered).toBeGreaterThan(0)
      checkTable(state.rates.keys)
      checkTable(state.claims)
      const ledger = ledgers(LEDGER)
      const { sent } = sheets
      const limits = { period: 1e9, interval: 1, burst: 1e9, concurrency: 1e9 }
      const now = systemClock.monotonic()
      expect(ledger.underWay).toBe(0)
      // So many that it holds no more, and so few that all is counted.
      expect(ledger.nextAt(now, { ...limits, count: sent[0] ?? 0 })).toBeGreaterThan(now)
      expect(ledger.nextAt(now, { ...limits, count: (sent[0] ?? 0) + KILLS + 1 })).toBeLessThanOrEqual(now)
    },
    LONG + KILLS * 2_000,
  )

  it(
    'never exceed a receiver’s limit together, and make use of it',
    async () => {
      const factor = 200
      const timing = compressed(factor)
      const arrivals: number[] = []
      let refused = 0
      const server = createServer((req, res) => {
        req.resume().on('end', () => {
          const now = timing.monotonic()
          if (arrivals.length >= 60 && now - (arrivals.at(-60) ?? 0) < 60_000) refused++
          arrivals.push(now)
          setTimeout(() => res.writeHead(refused > 0 ? 429 : 200).end(), Math.random() * 8)
        })
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const state = small()
      const job = { kind: 'send', to, count: 80, factor } as const
      running.push(...seats.map(seat => startSharer({ state, seat, sheets: sheetsFor(1), job }, 0)))
      const answers = await Promise.all(running.map(async ({ worker }) => (await once(worker, 'message'))[0]))
      server.close()
      server.closeAllConnections()
      expect(refused).toBe(0)
      expect(answers.flat()).toEqual(Array(WORKERS * 80).fill(200))
      expect(arrivals.length).toBe(WORKERS * 80)
      expect(((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)) / 60_000).toBeGreaterThan((WORKERS * 80 - 70) / 60)
    },
    LONG,
  )

  it.runIf(process.platform === 'linux')(
    'take what a thread holds that is gone, though nobody could be told yet',
    async () => {
      const state = small()
      const { rates } = openSharedState(state, MAIN_SEAT, systemClock)
      rates.take('known', 5, 1e9)
      const sharer = startSharer({ state, seat: 1, sheets: sheetsFor(1), job: { kind: 'hold' } }, 0)
      running.push(sharer)
      await once(sharer.worker, 'message')
      void sharer.worker.terminate()
      // This thread waits, so that it does not hear of the other's end.
      expect(rates.take('known', 5, 1e9)).toMatchObject({ allowed: true, remaining: 3 })
      checkTable(state.rates.keys)
    },
    LONG,
  )

  it('refuse where another holds the state and does not go on', async () => {
    const state = small()
    const { rates } = openSharedState(state, MAIN_SEAT, systemClock)
    const sharer = startSharer({ state, seat: 1, sheets: sheetsFor(1), job: { kind: 'hold' } }, 0)
    running.push(sharer)
    await once(sharer.worker, 'message')
    expect(() => rates.take('known', 5, 1e9)).toThrow('has been held by worker 1 for 5 s')
    await sharer.worker.terminate()
    await sharer.gone
    expect(rates.take('known', 5, 1e9)).toMatchObject({ allowed: true, remaining: 4 })
  }, 60_000)

  it('are told apart by seat and life', () => {
    const state = small()
    expect(() => openSharedState(state, 1, systemClock)).toThrow('seat 1 is not taken')
    markAlive(state, 1)
    expect(() => markAlive(state, 1)).toThrow('seat 1 is taken')
    expect(() => markAlive(state, 256)).toThrow('seat 256: there are 0 to 255')
    markDead(state, 1)
    markDead(state, 1)
    markAlive(state, 1)
    openSharedState(state, 1, systemClock)
  })
})
