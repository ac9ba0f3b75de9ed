import { afterEach, describe, expect, it, vi } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import type { Expiry } from '../../src/core/resources.ts'
import { createExpiryWatch } from '../../src/observe/expiry.ts'
import { createLog } from '../../src/observe/log.ts'

const DAY = 86_400_000
const START = Date.parse('2026-06-01T00:00:00Z')

function watch() {
  const lines: { level: string; msg: string; name: string; 'days-left'?: number }[] = []
  const clock = frozenClock(START)
  const log = createLog({ destination: { write: text => lines.push(JSON.parse(text)) }, clock })
  return { lines, clock, watch: createExpiryWatch({ log, clock }) }
}
const token = (days: number, name = 'kb/bearer/kb-sync'): Expiry => ({ kind: 'token', name, at: START + days * DAY })

afterEach(() => {
  vi.useRealTimers()
})

describe('expiry', () => {
  it('warns once at 30, 7 and 1 days, and when it has ended', () => {
    vi.useFakeTimers({ now: START })
    const { lines, clock, watch: watched } = watch()
    watched.update([token(40)])
    watched.start()
    for (let hour = 0; hour < 42 * 24; hour++) {
      clock.advance(3_600_000)
      vi.advanceTimersByTime(3_600_000)
    }
    watched.stop()
    expect(lines.map(line => [line.level, line.msg, line['days-left']])).toEqual([
      ['warn', 'expires soon', 30],
      ['warn', 'expires soon', 7],
      ['warn', 'expires soon', 1],
      ['error', 'expired', undefined],
    ])
  })

  it.each<[what: string, kind: Expiry['kind'], life: number, told: (number | 'expired')[]]>([
    ['a CRL of 30 days, as certs init makes', 'crl', 30, [7, 1, 'expired']],
    ['a certificate of a year', 'certificate', 365, [30, 7, 1, 'expired']],
    ['a certificate of 90 days', 'certificate', 90, [7, 1, 'expired']],
    ['a certificate of 91 days', 'certificate', 91, [30, 7, 1, 'expired']],
    ['a certificate of 160 hours', 'certificate', 160 / 24, [1, 'expired']],
    ['a certificate of 24 hours', 'certificate', 1, [1 / 6, 'expired']],
    ['a CRL of 24 hours, which may be made anew an hour before', 'crl', 1, ['expired']],
    ['a staple of 7 days', 'staple', 7, [1, 'expired']],
  ])('warns of %s in the last third of its life alone', (_what, kind, life, told) => {
    vi.useFakeTimers({ now: START })
    const { lines, clock, watch: watched } = watch()
    const at = START + life * DAY
    const seen: (number | 'expired')[] = []
    watched.update([{ kind, name: 'x', at, since: START }])
    watched.start()
    expect(lines).toEqual([])
    for (let minutes = 0; minutes <= life * 1440 + 60; minutes += 10) {
      clock.advance(600_000)
      vi.advanceTimersByTime(600_000)
      for (const { msg } of lines.splice(0)) seen.push(msg === 'expired' ? msg : (at - clock.now()) / DAY)
    }
    watched.stop()
    expect(seen).toHaveLength(told.length)
    // Seen within ten minutes.
    for (const [index, each] of told.entries()) {
      const when = seen[index]
      if (typeof each === 'string' || typeof when === 'string') expect(when).toBe(each)
      else expect(Math.abs((when ?? 0) - each)).toBeLessThan(1 / 100)
    }
  })

  it('never warns of a certificate that is renewed when a third of its life is left', () => {
    vi.useFakeTimers({ now: START })
    for (const hours of [24, 160, 720, 2160]) {
      const { lines, clock, watch: watched } = watch()
      watched.start()
      for (let renewals = 0; renewals < 5; renewals++) {
        const since = clock.now() - 3_600_000
        watched.update([{ kind: 'certificate', name: 'x', at: since + hours * 3_600_000, since }])
        // Until less than a third is left, by a tenth of an hour: whoever renews it has begun.
        for (let hour = 1; hour < (hours * 2) / 3; hour++) {
          clock.advance(3_600_000)
          vi.advanceTimersByTime(3_600_000)
        }
      }
      watched.stop()
      expect(lines, `${hours} h`).toEqual([])
    }
  })

  it('tells within the second in which something ends, also of what came since', () => {
    vi.useFakeTimers({ now: START })
    const { lines, clock, watch: watched } = watch()
    const pass = (ms: number): void => {
      for (let second = 0; second < ms / 1000; second++) {
        clock.advance(1000)
        vi.advanceTimersByTime(1000)
      }
    }
    watched.start()
    watched.update([{ kind: 'crl', name: 'ca.crl', at: START + 90_000 }])
    pass(89_000)
    expect(lines.map(line => line.msg)).toEqual(['expires soon'])
    pass(1000)
    expect(lines.map(line => line.msg)).toEqual(['expires soon', 'expired'])
    watched.update([{ kind: 'crl', name: 'ca.crl', at: START + 100_000 + DAY }])
    pass(10_000)
    expect(lines.slice(2).map(line => [line.msg, line['days-left']])).toEqual([
      ['expires soon', 1],
      ['expires soon', 1],
    ])
    expect(vi.getTimerCount()).toBe(1)
    watched.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('looks again within an hour where something ends in years: a timer holds 24 days', () => {
    vi.useFakeTimers({ now: START })
    const { lines, clock, watch: watched } = watch()
    watched.start()
    watched.update([token(4000)])
    clock.advance(3999 * DAY)
    vi.advanceTimersByTime(3_600_000)
    expect(lines).toMatchObject([{ msg: 'expires soon', 'days-left': 1 }])
    watched.stop()
  })

  it('warns at once, and once, of what ends soon already', () => {
    const { lines, watch: watched } = watch()
    watched.update([token(5)])
    watched.update([token(5)])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 'warn', msg: 'expires soon', kind: 'token', 'days-left': 5 })
    expect(JSON.stringify(lines[0])).toContain('2026-06-06T00:00:00.000Z')
  })

  it('forgets what was renewed or removed, and warns of a new end', () => {
    const { lines, watch: watched } = watch()
    watched.update([token(5)])
    watched.update([token(400)])
    expect(lines).toHaveLength(1)
    watched.update([token(3)])
    expect(lines).toHaveLength(2)
    watched.update([])
    expect(watched.readings()).toEqual([])
  })

  it('reads seconds left, the soonest first, and the nearer of two of one name', () => {
    const { clock, watch: watched } = watch()
    watched.update([token(100), token(90, 'b'), token(50), token(200)])
    clock.advance(1000)
    expect(watched.readings()).toEqual([
      { kind: 'token', name: 'kb/bearer/kb-sync', seconds: 50 * 86_400 - 1 },
      { kind: 'token', name: 'b', seconds: 90 * 86_400 - 1 },
    ])
  })

  it('reads how long something lives, where that is known', () => {
    const { watch: watched } = watch()
    watched.update([token(5), { kind: 'crl', name: 'ca.crl', at: START + 10 * DAY, since: START - 20 * DAY }])
    expect(watched.readings()).toEqual([
      { kind: 'token', name: 'kb/bearer/kb-sync', seconds: 5 * 86_400 },
      { kind: 'crl', name: 'ca.crl', seconds: 10 * 86_400, lifetime: 30 * 86_400 },
    ])
  })

  it('shows a thousand at most', () => {
    const { watch: watched } = watch()
    watched.update(Array.from({ length: 5000 }, (_, i) => token(100 + i, `t${i}`)))
    expect(watched.readings()).toHaveLength(1000)
    expect(watched.readings().at(-1)?.name).toBe('t999')
  })
})
