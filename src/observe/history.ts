import { BOUNDS, quantile } from './buckets.ts'
import type { RouteCounters } from './route-counters.ts'

/** Minutes that are kept: one day. */
export const MINUTES = 1440
/** Minutes of what is called now, the running one included. */
export const NOW_MINUTES = 5
/** Series of a day each, 6 KB a piece: what comes after these is counted as ever, and drawn nowhere. */
const SERIES = 4000
const HOURS = 24
/** Series of a route beside its outcomes. */
const LATENCIES = 2
/** What answers of the upstream are counted as that say it did not take a request, or failed. */
const ANSWERED_REFUSAL = 'upstream.4xx'
const ANSWERED_ERROR = 'upstream.5xx'
const MINUTE_MS = 60_000
/** One for each bound, and one for what took longer. */
const BUCKETS = BOUNDS.length + 1

/** One outcome, or one code of it, by minutes; the running one is the last. */
export interface Series {
  readonly outcome: string
  /** Empty where the outcome has none. */
  readonly code: string
  readonly values: readonly number[]
}

/** A route's last day. Latencies in seconds, estimated, of the requests that ended in the minute; null: none did. */
export interface RouteDay {
  /** Epoch milliseconds of the first minute's start. */
  readonly from: number
  readonly series: readonly Series[]
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
}

/** What ended in a span. Latencies in seconds; null: nothing ended. */
export interface Span {
  readonly outcomes: readonly { readonly outcome: string; readonly code: string; readonly count: number }[]
  readonly p50: number | null
  readonly p99: number | null
}

interface Counted {
  readonly outcome: string
  readonly code: string
  readonly minutes: Uint32Array
  /** The counter's value at the last look. */
  last: number
}

/** Bucket counts by slot of time, and the largest that came in each. */
class BucketRing {
  readonly #slots: number
  readonly #counts: Uint32Array
  readonly #largest: Float64Array

  constructor(slots: number) {
    this.#slots = slots
    this.#counts = new Uint32Array(slots * BUCKETS)
    this.#largest = new Float64Array(slots)
  }

  /** @param since what has come, by buckets @param largest of it, in seconds */
  add(slot: number, since: readonly number[], largest: number): void {
    const row = this.#row(slot)
    for (const [index, count] of since.entries()) row[index] = (row[index] ?? 0) + count
    this.#largest[slot % this.#slots] = Math.max(this.#largest[slot % this.#slots] ?? 0, largest)
  }

  clear(slot: number): void {
    this.#row(slot).fill(0)
    this.#largest[slot % this.#slots] = 0
  }

  quantile(slot: number, q: number): number {
    return quantile(this.#row(slot), q, this.#largest[slot % this.#slots])
  }

  /** Of all slots together. */
  quantileOfAll(q: number): number {
    const sum = new Float64Array(BUCKETS)
    for (const [index, count] of this.#counts.entries()) sum[index % BUCKETS] = (sum[index % BUCKETS] ?? 0) + count
    return quantile(sum, q, Math.max(...this.#largest))
  }

  #row(slot: number): Uint32Array {
    const at = (slot % this.#slots) * BUCKETS
    return this.#counts.subarray(at, at + BUCKETS)
  }
}

class RouteHistory {
  readonly series = new Map<string, Counted>()
  readonly p50 = new Float32Array(MINUTES).fill(Number.NaN)
  readonly p99 = new Float32Array(MINUTES).fill(Number.NaN)
  readonly now = new BucketRing(NOW_MINUTES)
  readonly hours = new BucketRing(HOURS)
  buckets: readonly number[] = []

  /** What has come since the last look goes to `minute`. @param room asked for each new series */
  add(counters: RouteCounters, minute: number, room: () => boolean): void {
    for (const [outcome, code, value] of outcomesOf(counters)) {
      const key = `${outcome} ${code}`
      let counted = this.series.get(key)
      if (counted === undefined && value > 0 && room()) {
        counted = { outcome, code, minutes: new Uint32Array(MINUTES), last: 0 }
        this.series.set(key, counted)
      }
      if (counted === undefined) continue
      // A route that went and came again counts from nothing.
      const since = value < counted.last ? value : value - counted.last
      const slot = minute % MINUTES
      counted.minutes[slot] = (counted.minutes[slot] ?? 0) + since
      counted.last = value
    }
    this.#time(counters, minute)
  }

  #time(counters: RouteCounters, minute: number): void {
    const buckets = counters.total.counts()
    const since = buckets.map((count, index) => {
      const last = this.buckets[index] ?? 0
      return count < last ? count : count - last
    })
    const largest = counters.total.takeLargest()
    this.now.add(minute, since, largest)
    this.hours.add(Math.floor(minute / 60), since, largest)
    this.buckets = buckets
    this.p50[minute % MINUTES] = this.now.quantile(minute, 0.5)
    this.p99[minute % MINUTES] = this.now.quantile(minute, 0.99)
  }

  clear(minute: number): void {
    for (const { minutes } of this.series.values()) minutes[minute % MINUTES] = 0
    this.now.clear(minute)
    if (minute % 60 === 0) this.hours.clear(minute / 60)
    this.p50[minute % MINUTES] = Number.NaN
    this.p99[minute % MINUTES] = Number.NaN
  }
}

const orNull = (seconds: number): number | null => (Number.isNaN(seconds) ? null : seconds)

/** As they are counted, but what the upstream answered with a 4xx was refused, and with a 5xx has failed. */
function* outcomesOf(counters: RouteCounters): Generator<readonly [outcome: string, code: string, value: number]> {
  const refusals = counters.answered(4)
  const errors = counters.answered(5)
  for (const [outcome, code, value] of counters.outcomes())
    yield [outcome, code, outcome === 'forwarded' ? value - refusals - errors : value]
  yield ['refused', ANSWERED_REFUSAL, refusals]
  yield ['failed', ANSWERED_ERROR, errors]
}

/**
 * What each route has counted, minute by minute over a day, read from the counters by a tick: a request costs nothing
 * more for it. Bounded: 12 KB a route that hears something, 6 KB for each outcome or code that it has, no more than
 * 4000 of these.
 */
export class History {
  readonly #routes = new Map<string, RouteHistory>()
  readonly #read: () => Iterable<readonly [route: string, counters: RouteCounters]>
  #minute: number
  #held = 0
  #timer: NodeJS.Timeout | undefined

  /** @param now epoch milliseconds */
  constructor(read: () => Iterable<readonly [route: string, counters: RouteCounters]>, now: number) {
    this.#read = read
    this.#minute = Math.floor(now / MINUTE_MS)
  }

  /** Looks at the end of each minute, on a timer that keeps no process alive. */
  start(now: () => number): void {
    const next = (): void => {
      this.#timer = setTimeout(
        () => {
          this.look(now())
          next()
        },
        MINUTE_MS - (now() % MINUTE_MS),
      ).unref()
    }
    if (this.#timer === undefined) next()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Takes what was counted since the last look as of the minute of that look. @param now epoch milliseconds */
  look(now: number): void {
    const read = new Map(this.#read())
    for (const [route, { series }] of this.#routes) {
      if (read.has(route)) continue
      this.#routes.delete(route)
      this.#held -= LATENCIES + series.size
    }
    for (const [route, counters] of read) {
      const history = this.#routes.get(route) ?? (counters.total.count > 0 ? this.#open(route) : undefined)
      history?.add(counters, this.#minute, () => this.#room(1))
    }
    const minute = Math.floor(now / MINUTE_MS)
    // A clock that was set back: the minute goes on until the time has come again.
    for (let gone = Math.max(this.#minute + 1, minute - MINUTES + 1); gone <= minute; gone++)
      for (const history of this.#routes.values()) history.clear(gone)
    this.#minute = Math.max(this.#minute, minute)
  }

  #open(route: string): RouteHistory | undefined {
    if (!this.#room(LATENCIES)) return undefined
    const history = new RouteHistory()
    this.#routes.set(route, history)
    return history
  }

  /** Takes room for so many series, where there is. */
  #room(series: number): boolean {
    if (this.#held + series > SERIES) return false
    this.#held += series
    return true
  }

  /** A route minute by minute; `undefined` where it has heard nothing. */
  day(route: string): RouteDay | undefined {
    const history = this.#routes.get(route)
    if (history === undefined) return undefined
    const seconds = (values: Float32Array) => this.#inOrder(values).map(orNull)
    return {
      from: (this.#minute - MINUTES + 1) * MINUTE_MS,
      series: [...history.series.values()].map(({ outcome, code, minutes }) => ({
        outcome,
        code,
        values: this.#inOrder(minutes),
      })),
      p50: seconds(history.p50),
      p99: seconds(history.p99),
    }
  }

  /** All routes together, by outcome alone and without latencies. */
  total(): Omit<RouteDay, 'p50' | 'p99'> {
    const sums = new Map<string, Float64Array>()
    for (const { series } of this.#routes.values())
      for (const { outcome, minutes } of series.values()) {
        const sum = sums.get(outcome) ?? new Float64Array(MINUTES)
        sums.set(outcome, sum)
        for (let slot = 0; slot < MINUTES; slot++) sum[slot] = (sum[slot] ?? 0) + (minutes[slot] ?? 0)
      }
    return {
      from: (this.#minute - MINUTES + 1) * MINUTE_MS,
      series: [...sums].map(([outcome, sum]) => ({ outcome, code: '', values: this.#inOrder(sum) })),
    }
  }

  /** A route's day in bars of so many minutes, each by outcome; the last one ends now. Empty where it has heard nothing. */
  bars(route: string, minutes: number): readonly ReadonlyMap<string, number>[] {
    const history = this.#routes.get(route)
    if (history === undefined) return []
    const bars = Array.from({ length: MINUTES / minutes }, () => new Map<string, number>())
    const first = this.#minute + 1
    for (const { outcome, minutes: counts } of history.series.values())
      for (const [index, bar] of bars.entries()) {
        let sum = 0
        for (let at = first + index * minutes; at < first + (index + 1) * minutes; at++)
          sum += counts[at % MINUTES] ?? 0
        if (sum > 0) bar.set(outcome, (bar.get(outcome) ?? 0) + sum)
      }
    return bars
  }

  /** A route now and over the day; `undefined` where it has heard nothing. */
  spans(route: string): { readonly now: Span; readonly day: Span } | undefined {
    const history = this.#routes.get(route)
    if (history === undefined) return undefined
    return {
      now: this.#span(history, NOW_MINUTES, history.now),
      day: this.#span(history, MINUTES, history.hours),
    }
  }

  #span({ series }: RouteHistory, minutes: number, buckets: BucketRing): Span {
    const outcomes = [...series.values()].map(counted => {
      let count = 0
      for (let back = 0; back < minutes; back++) count += counted.minutes[(this.#minute - back) % MINUTES] ?? 0
      return { outcome: counted.outcome, code: counted.code, count }
    })
    const seconds = (q: number) => orNull(buckets.quantileOfAll(q))
    return { outcomes: outcomes.filter(({ count }) => count > 0), p50: seconds(0.5), p99: seconds(0.99) }
  }

  #inOrder(values: Uint32Array | Float32Array | Float64Array): number[] {
    const first = (this.#minute + 1) % MINUTES
    return [...values.subarray(first), ...values.subarray(0, first)]
  }
}
