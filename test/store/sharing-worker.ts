import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../src/core/clock.ts'
import type { PaceLimits } from '../../src/core/stores.ts'
import { KeyTable } from '../../src/store/key-table.ts'
import { Seats } from '../../src/store/seats.ts'
import { openSharedState } from '../../src/store/shared-state.ts'
import { BURST, type Job, KEYS, LEDGER, RATE_COUNTERS, type Sheets } from './sharing.ts'

const { state, seat, mark, sheets, job } = workerData as Job
if (job.kind === 'hold') hold()
const { rates, claims, ledgers } = openSharedState(state, seat, systemClock)
const NEVER = 1e9

/** Takes a table, and never gives it back. */
function hold(): never {
  const table = new KeyTable(state.rates.keys, new Seats(state.seats).open(seat, systemClock))
  table.lock()
  parentPort?.postMessage('held')
  for (;;);
}

/** Waits until so many have come here. */
function meet({ flags }: Sheets, count: number): void {
  if (Atomics.add(flags, 0, 1) + 1 === count) Atomics.notify(flags, 0)
  for (let at = Atomics.load(flags, 0); at < count; at = Atomics.load(flags, 0)) Atomics.wait(flags, 0, at)
}

/** Every key is taken from and claimed by all at once. */
function race(workers: number): void {
  meet(sheets, workers)
  for (let round = 0; round < 100; round++)
    for (let key = 0; key < KEYS; key++)
      if (synchronous(rates.take(`key-${key}`, BURST, NEVER)).allowed) Atomics.add(sheets.admitted, key, 1)
  for (let round = 0; round < 25; round++)
    for (let key = 0; key < KEYS; key++)
      if (claims.claim(`event-${key}`, NEVER) === 'fresh') Atomics.add(sheets.fresh, key, 1)
  // What one has claimed is released when it ends.
  meet(sheets, 2 * workers)
}

const limits: PaceLimits = { count: 1e6, period: NEVER, interval: 1e-6, burst: 1e6, concurrency: 1e6 }

/** Works until it is told to end, or killed; what it sees of others is checked against the sheets. */
function work(): void {
  const { admitted, owners, kept, doomed, sent, flags, wrong, done } = sheets
  const ledger = ledgers(LEDGER)
  for (let i = 0; Atomics.load(flags, 1) === 0; i++) {
    const key = (i * 7 + mark * 13) % KEYS
    if (i % 8 === 0 && synchronous(rates.take(`key-${key % RATE_COUNTERS}`, 1e6, NEVER)).allowed)
      Atomics.add(admitted, key % RATE_COUNTERS, 1)
    // Some that nobody will ask for again: they come, end and are swept.
    rates.take(`passing-${mark}-${i}`, 1, 0.01)
    const wasKept = Atomics.load(kept, key) === 1
    const claim = claims.claim(`event-${key}`, NEVER)
    if (claim === 'full') Atomics.add(wrong, 0, 1)
    if (claim === 'fresh') {
      if (wasKept) Atomics.add(wrong, 1, 1)
      const owner = Atomics.exchange(owners, key, mark)
      if (owner !== 0 && Atomics.load(doomed, owner) === 0) Atomics.add(wrong, 2, 1)
      Atomics.store(owners, key, 0)
      if (i % 97 === 0 && key % 2 === 0) {
        claims.keep(`event-${key}`, NEVER)
        Atomics.store(kept, key, 1)
      } else claims.release(`event-${key}`)
    }
    if (i % 16 === 0) {
      const now = systemClock.monotonic()
      if (ledger.take(now, now, limits) <= now) {
        Atomics.add(sent, 0, 1)
        ledger.ended(now, true, limits)
      }
    }
    Atomics.add(done, seat, 1)
  }
}

function synchronous<T>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new Error('stores in memory answer at once')
  return value
}

if (job.kind === 'race') race(job.workers)
else if (job.kind === 'work') work()
else if (job.kind === 'send')
  parentPort?.postMessage(await (await import('./sending.ts')).send(ledgers(LEDGER), job.to, job.count, job.factor))
