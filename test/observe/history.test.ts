import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../src/observe/audit.ts'
import { quantile } from '../../src/observe/buckets.ts'
import { History, MINUTES } from '../../src/observe/history.ts'
import { RouteCounters } from '../../src/observe/route-counters.ts'

const MINUTE = 60_000
const START = Date.parse('2026-01-31T08:15:30Z')

const record = (changes: Partial<AuditRecord> = {}): AuditRecord => ({
  requestId: '01',
  listener: 'public',
  route: 'a',
  method: 'POST',
  path: '/',
  source: '127.0.0.1',
  outcome: 'forwarded',
  code: undefined,
  status: 200,
  principal: undefined,
  keyName: undefined,
  eventId: undefined,
  evidence: undefined,
  remedy: undefined,
  bytesIn: 0,
  bytesOut: 0,
  totalMs: 2,
  upstreamMs: 1,
  ...changes,
})

function started() {
  const routes = new Map([['a', new RouteCounters()]])
  const history = new History(() => routes, START)
  const hear = (changes: Partial<AuditRecord> = {}, times = 1): void => {
    for (let i = 0; i < times; i++) routes.get('a')?.add(record(changes), START)
  }
  const values = (outcome: string, code = ''): readonly number[] =>
    history.day('a')?.series.find(each => each.outcome === outcome && each.code === code)?.values ?? []
  return { routes, history, hear, values }
}

describe('a day by minutes', () => {
  it('counts into the minute that runs, whoever looks in between', () => {
    const { history, hear, values } = started()
    hear({}, 3)
    history.look(START + 1000)
    hear({}, 4)
    history.look(START + 20_000)
    expect(values('forwarded').at(-1)).toBe(7)
    expect(values('forwarded')).toHaveLength(MINUTES)
  })

  it('gives what a tick finds just after a minute to the minute that ended', () => {
    const { history, hear, values } = started()
    hear({}, 5)
    history.look(START + 30_001)
    hear({}, 2)
    history.look(START + 30_002)
    expect(values('forwarded').slice(-2)).toEqual([5, 2])
    expect(history.day('a')?.from).toBe(Date.parse('2026-01-30T08:17:00Z'))
  })

  it('tells outcomes and codes apart, and an upstream that answers 4xx or 5xx from one that took it', () => {
    const { history, hear } = started()
    hear({ outcome: 'refused', code: 'signature.mismatch' }, 2)
    hear({ outcome: 'failed', code: 'forward.unreachable' })
    hear({ status: 503 }, 3)
    hear({ status: 401 }, 2)
    hear({ status: 422 })
    hear({ status: 200 }, 4)
    history.look(START + 1)
    expect(history.spans('a')?.now.outcomes).toEqual([
      { outcome: 'forwarded', code: '', count: 4 },
      { outcome: 'refused', code: 'signature.mismatch', count: 2 },
      { outcome: 'failed', code: 'forward.unreachable', count: 1 },
      { outcome: 'refused', code: 'upstream.4xx', count: 3 },
      { outcome: 'failed', code: 'upstream.5xx', count: 3 },
    ])
  })

  it('calls five minutes now, and forgets after a day', () => {
    const { history, hear } = started()
    hear({}, 6)
    for (let minute = 1; minute <= MINUTES; minute++) {
      history.look(START + minute * MINUTE)
      const spans = history.spans('a')
      expect(spans?.now.outcomes.length, `minute ${minute}`).toBe(minute < 5 ? 1 : 0)
      expect(spans?.day.outcomes.length, `minute ${minute}`).toBe(minute < MINUTES ? 1 : 0)
    }
    expect(history.spans('a')).toEqual({
      now: { outcomes: [], p50: null, p99: null },
      day: { outcomes: [], p50: null, p99: null },
    })
  })

  it('leaves minutes empty in which nobody looked', () => {
    const { history, hear, values } = started()
    hear({}, 2)
    history.look(START)
    history.look(START + 10 * MINUTE)
    hear({}, 3)
    history.look(START + 10 * MINUTE)
    expect(values('forwarded').slice(-11)).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3])
    history.look(START + 5000 * MINUTE)
    expect(values('forwarded').every(value => value === 0)).toBe(true)
  })

  it('goes on where the clock is set back', () => {
    const { history, hear, values } = started()
    hear({}, 2)
    history.look(START)
    hear({}, 2)
    history.look(START - 60 * MINUTE)
    expect(values('forwarded').at(-1)).toBe(4)
  })

  it('tells latencies of each minute from the buckets', () => {
    const { history, hear } = started()
    hear({ totalMs: 0.8 }, 98)
    hear({ totalMs: 80 }, 2)
    history.look(START + MINUTE)
    const { p50 = [], p99 = [] } = history.day('a') ?? {}
    expect(p50.at(-2)).toBeCloseTo(0.000755, 5)
    // Halfway from the bucket's lower bound to the largest.
    expect(p99.at(-2)).toBeCloseTo(0.065, 3)
    expect([p50.at(-1), p99.at(-1)]).toEqual([null, null])
    expect(history.spans('a')?.day.p99).toBeCloseTo(0.065, 3)
  })

  it('tells of no latency above the largest that came in the span', () => {
    const { history, hear } = started()
    hear({ totalMs: 0.623 })
    history.look(START)
    expect(history.spans('a')?.now.p50).toBeLessThanOrEqual(0.000623)
    expect(history.spans('a')?.now.p99).toBeLessThanOrEqual(0.000623)
    hear({ totalMs: 535.776 }, 3)
    history.look(START + 1000)
    hear({ totalMs: 520 })
    history.look(START + 2000)
    expect(history.spans('a')?.now.p99).toBeGreaterThan(0.5)
    expect(history.spans('a')?.now.p99).toBeLessThanOrEqual(0.535776)
    history.look(START + 6 * MINUTE)
    hear({ totalMs: 510 })
    history.look(START + 6 * MINUTE)
    // What was larger has left the five minutes, and not the day.
    expect(history.spans('a')?.now.p99).toBeLessThanOrEqual(0.51)
    expect(history.day('a')?.p99.at(-1)).toBeLessThanOrEqual(0.51)
    expect(history.spans('a')?.day.p99).toBeGreaterThan(0.51)
  })

  it('takes the largest of what workers counted', () => {
    const { routes, history } = started()
    const worker = new RouteCounters()
    for (const totalMs of [700, 535]) {
      worker.add(record({ totalMs }), START)
      const tally = worker.drain()
      if (tally) routes.get('a')?.merge(tally)
    }
    history.look(START)
    expect(history.spans('a')?.now.p99).toBeGreaterThan(0.6)
    expect(history.spans('a')?.now.p99).toBeLessThanOrEqual(0.7)
  })

  it('adds all routes up, and drops those that are gone', () => {
    const { routes, history, hear } = started()
    const other = new RouteCounters()
    routes.set('b', other)
    other.add(record({ outcome: 'refused', code: 'bearer.missing' }), START)
    hear({ outcome: 'refused', code: 'bearer.unknown' }, 2)
    history.look(START)
    expect(history.total().series.map(({ outcome, values }) => [outcome, values.at(-1)])).toEqual([['refused', 3]])
    routes.delete('b')
    history.look(START)
    expect(history.day('b')).toBeUndefined()
  })

  it('counts from nothing where a route came again', () => {
    const { routes, history, hear, values } = started()
    hear({}, 9)
    history.look(START)
    routes.set('a', new RouteCounters())
    hear({}, 2)
    history.look(START)
    expect(values('forwarded').at(-1)).toBe(11)
  })

  it('keeps no more than 4000 series, whatever the number of routes', () => {
    const routes = new Map(
      Array.from({ length: 3000 }, (_, index): [string, RouteCounters] => [String(index), new RouteCounters()]),
    )
    const history = new History(() => routes, START)
    for (const counters of routes.values()) counters.add(record(), START)
    history.look(START)
    const drawn = () =>
      [...routes.keys()].map(route => history.day(route)?.series.length).filter(each => each !== undefined)
    // Each takes one for its outcome and two for its latencies.
    expect(drawn()).toEqual(Array.from({ length: 1333 }, () => 1))
    for (const route of [...routes.keys()].slice(0, 500)) routes.delete(route)
    history.look(START)
    expect(drawn()).toHaveLength(1333)
  })
})

describe('a quantile of buckets', () => {
  it.each([
    ['one bucket, evenly', [10], 0.5, 0.00025],
    ['between two', [5, 5], 0.75, 0.00075],
    ['above the last bound', [...Array(15).fill(0), 4], 0.99, 30],
  ])('of %s', (_what, counts, q, seconds) => {
    expect(quantile(counts, q)).toBeCloseTo(seconds, 9)
  })

  it.each([
    ['in a bucket', [0, 4], 0.99, 0.0007, 0.000698],
    ['beyond the bucket', [4, 1], 0.5, 0.0007, 0.0003125],
    ['above the last bound', [...Array(15).fill(0), 4], 1, 42, 42],
  ])('is bounded by the largest: %s', (_what, counts, q, largest, seconds) => {
    expect(quantile(counts, q, largest)).toBeCloseTo(seconds, 9)
  })

  it('of nothing is none', () => {
    expect(quantile([0, 0], 0.5)).toBeNaN()
  })
})
