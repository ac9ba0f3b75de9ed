/** One of several threads that work on what they share as hard as they can; the case `shared` starts them. */
import { createHmac } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../src/core/clock.ts'
import type { PaceLimits } from '../../src/core/stores.ts'
import { openSharedState, type SharedState } from '../../src/store/shared-state.ts'

export type SharedWork = 'rate' | 'claim' | 'pace' | 'request'

export interface SharingJob {
  readonly work: SharedWork
  /** Whether every thread asks for the same source and the same upstream. */
  readonly same: boolean
  readonly seconds: number
  readonly warmUp: number
  readonly state: SharedState
  readonly seat: number
  /** Threads that have come to the start. */
  readonly arrived: Int32Array
  readonly threads: number
}

/** What one thread did. */
export interface Done {
  readonly perSecond: number
  /** Microseconds of the thread's processor time, each. */
  readonly cpuUs: number
}

const { work, same, seconds, warmUp, state, seat, arrived, threads } = workerData as SharingJob
const { rates, claims, ledgers } = openSharedState(state, seat, systemClock)

/** A power of two. */
const KEYS = 8192
const sources = Array.from({ length: KEYS }, (_, i) => (same ? 'the one source' : `source ${seat}.${i}`))
const events = Array.from({ length: KEYS }, (_, i) => `route event-${seat}-${i}`)
const ledger = ledgers(same ? 'the one upstream' : `upstream ${seat}`)
const limits: PaceLimits = { count: 1e9, period: 1000, interval: 1e-6, burst: 1e9, concurrency: 1e9 }
const BURST = 1e9
/** Far longer than until the source comes again: its bucket is never swept. */
const REFILL_MS = 1000
/** Milliseconds: over before the event's name comes again, so that it is a new one then. */
const REMEMBERED = 1

function rate(i: number): void {
  const result = rates.take(sources[i % KEYS] ?? '', BURST, REFILL_MS)
  if (result instanceof Promise || !result.allowed) throw new Error('the rate limit refused')
}

function claim(i: number): void {
  const event = events[i % KEYS] ?? ''
  if (claims.claim(event, REMEMBERED) === 'full') throw new Error('there was no room for a claim')
  claims.keep(event, REMEMBERED)
}

function pace(): void {
  const now = systemClock.monotonic()
  if (ledger.take(now, now, limits) > now) return
  ledger.ended(now, true, limits)
}

const body = Buffer.alloc(16 * 1024, 'x')

/** What a request asks of the shared state, and with it a part of what else it costs. */
function request(i: number): void {
  rate(i)
  createHmac('sha256', 'a secret').update(body).digest()
  claim(i)
  pace()
}

const once = { rate, claim, pace, request }[work]
const BATCH = work === 'request' ? 16 : 256

function workFor(duration: number): Done {
  const before = process.threadCpuUsage()
  const from = performance.now()
  let count = 0
  let until = from
  for (; until < from + duration * 1000; until = performance.now()) for (let i = 0; i < BATCH; i++) once(count++)
  const { user, system } = process.threadCpuUsage(before)
  return { perSecond: (count * 1000) / (until - from), cpuUs: (user + system) / count }
}

function meet(): void {
  if (Atomics.add(arrived, 0, 1) + 1 === threads) Atomics.notify(arrived, 0)
  for (let at = Atomics.load(arrived, 0); at < threads; at = Atomics.load(arrived, 0)) Atomics.wait(arrived, 0, at)
}

workFor(warmUp)
meet()
parentPort?.postMessage(workFor(seconds))
