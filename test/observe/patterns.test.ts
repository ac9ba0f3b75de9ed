import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../src/observe/audit.ts'
import { Decisions } from '../../src/observe/decisions.ts'
import { findPatterns } from '../../src/observe/patterns.ts'
import { auditRecord } from './audit-record.ts'

const START = Date.parse('2026-03-02T10:00:00Z')
const MINUTE = 60_000

/** A small generator with a seed: the same run each time. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

type Told = Partial<AuditRecord> & { readonly at: number }

const refused = (code: string): Partial<AuditRecord> => ({ outcome: 'refused', code, status: 429 })

function sentences(told: readonly Told[]): readonly string[] {
  const decisions = new Decisions()
  for (const { at, ...record } of told.toSorted((a, b) => a.at - b.at))
    decisions.add(auditRecord({ route: 'r', outcome: 'forwarded', code: undefined, status: 200, ...record }), at)
  return findPatterns(decisions.list()).map(({ sentence }) => sentence)
}

const spread = (count: number, over: number, seed = 1, more: Partial<AuditRecord> = {}): Told[] => {
  const next = random(seed)
  return Array.from({ length: count }, () => ({ at: START + next() * over, ...more }))
}

describe('what failures have in common', () => {
  it('is a moment of the minute', () => {
    const limited = Array.from({ length: 14 }, (_, minute) => ({
      at: START + (minute + 1) * MINUTE + ((minute * 7) % 5) * 400 - 400,
      ...refused('rate-limit.exceeded'),
    }))
    expect(sentences([...spread(386, 20 * MINUTE), ...limited])).toEqual([
      '14 of 400, all within 2 s of the full minute, all refused by your own rate limit',
    ])
  })

  it('is not that there is no body where none was read', () => {
    const limited = Array.from({ length: 14 }, (_, minute) => ({
      at: START + (minute + 1) * MINUTE,
      ...refused('rate-limit.exceeded'),
      bytesIn: 0,
    }))
    const told = sentences([...spread(386, 20 * MINUTE, 1, { bytesIn: 400 }), ...limited])
    expect(told).toHaveLength(1)
    expect(told[0]).not.toContain('without a body')
    const usual = spread(386, 20 * MINUTE, 1, { bytesIn: 400 })
    for (const code of ['signature.missing', 'signature.malformed', 'signature.expired', 'signature.mismatch']) {
      const [sentence] = sentences([...usual, ...limited.map(each => ({ ...each, ...refused(code) }))])
      expect(sentence, code).not.toContain('without a body')
    }
    const unsent = limited.map(each => ({ ...each, ...refused('signature.mismatch'), bodyless: true }))
    expect(sentences([...usual, ...unsent])[0]).toContain('only without a body')
  })

  it('is a time of the day', () => {
    const nightly = Array.from({ length: 6 }, (_, day) => ({
      at: START + day * 86_400_000 + 3 * 3_600_000 + day * 61_300,
      ...refused('forward.unreachable'),
      outcome: 'failed' as const,
    }))
    const [sentence] = sentences([...spread(60, 6 * 86_400_000), ...nightly])
    expect(sentence).toBe(
      '6 of 66, all between 13:00 and 13:06 UTC each day, all failed on the way to the upstream (forward.unreachable)',
    )
  })

  it('is a source', () => {
    expect(
      sentences([
        ...spread(40, 60 * MINUTE, 1, { source: '192.0.2.1' }),
        ...spread(9, 60 * MINUTE, 2, { ...refused('signature.mismatch'), source: '203.0.113.7' }),
      ]),
    ).toEqual(['9 of 49, only from 203.0.113.7, of which none went through, all refused as signature.mismatch'])
  })

  it('is the size, by the answers of the upstream', () => {
    const small = spread(50, 60 * MINUTE, 1).map((each, at) => ({ ...each, bytesIn: 1000 + at * 5000 }))
    const large = spread(8, 60 * MINUTE, 2).map((each, at) => ({ ...each, bytesIn: 270_000 + at * 9000, status: 500 }))
    expect(sentences([...small, ...large])).toEqual([
      '8 of 58, only bodies over 256 KiB, all answered 500 by the upstream',
    ])
  })

  it('is a time that has passed, or one that has not', () => {
    const outage = Array.from({ length: 20 }, (_, n) => ({
      at: START + 30 * MINUTE + n * 2000,
      ...refused('forward.unreachable'),
      outcome: 'failed' as const,
    }))
    const [passed] = sentences([
      ...spread(40, 29 * MINUTE),
      ...spread(40, 29 * MINUTE, 3).map(each => ({ ...each, at: each.at + 31 * MINUTE })),
      ...outage,
    ])
    expect(passed).toContain('all from 2026-03-02 10:30:00Z to 2026-03-02 10:30:38Z, when none went through')
    const [lasting] = sentences([...spread(40, 29 * MINUTE), ...outage])
    expect(lasting).toContain('every one since 2026-03-02 10:30:00Z')
  })

  it('is a crowd', () => {
    const next = random(5)
    const peaks = Array.from({ length: 6 }, (_, peak) => START + peak * 9.7 * MINUTE + next() * MINUTE)
    const crowd = peaks.flatMap(at => Array.from({ length: 8 }, (_, n) => ({ at: at + n * 40 })))
    const failed = peaks.flatMap(at => [
      { at: at + 400, ...refused('rate-limit.exceeded') },
      { at: at + 440, ...refused('rate-limit.exceeded') },
    ])
    const [sentence] = sentences([...spread(200, 60 * MINUTE, 9), ...crowd, ...failed])
    expect(sentence).toContain('only where 9 or more come within a second')
  })

  it('is nothing where they come at random, or are few', () => {
    expect(
      sentences([...spread(200, 60 * MINUTE, 1), ...spread(40, 60 * MINUTE, 2, refused('signature.mismatch'))]),
    ).toEqual([])
    expect(sentences([...spread(200, 60 * MINUTE), ...spread(4, MINUTE, 2, refused('signature.mismatch'))])).toEqual([])
  })

  it('says nothing of sources where there is but one', () => {
    expect(
      sentences([
        ...spread(200, 60 * MINUTE, 1, { source: '192.0.2.1' }),
        ...spread(40, 60 * MINUTE, 2, { ...refused('signature.mismatch'), source: '192.0.2.1' }),
      ]),
    ).toEqual([])
  })

  it('counts what a flood leaves out', () => {
    const decisions = new Decisions()
    for (let n = 0; n < 100; n++)
      decisions.add(auditRecord({ route: 'r', outcome: 'forwarded', code: undefined, status: 200 }), START)
    decisions.add(auditRecord({ route: 'r', outcome: 'forwarded', code: undefined, status: 200 }), START + 1000)
    const all = decisions.list()
    expect(all).toHaveLength(11)
    expect(all.reduce((sum, { weight }) => sum + weight, 0)).toBe(101)
  })

  it('keeps the last decisions alone', () => {
    const decisions = new Decisions()
    for (let n = 0; n < 20_000; n++)
      decisions.add(auditRecord({ route: 'r', outcome: 'forwarded', code: undefined, status: 200 }), START + n * 1000)
    const all = decisions.list()
    expect(all).toHaveLength(16_384)
    expect(all.at(-1)?.time).toBe(START + 19_999_000)
  })
})
