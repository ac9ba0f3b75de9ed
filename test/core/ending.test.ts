import { describe, expect, it } from 'vitest'
import { endsSoon, nearnessOf, timeLeft, toldWithin, warningSteps } from '../../src/core/ending.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-06-01T00:00:00Z')
const certificate = (life: number, left = life) => ({
  kind: 'certificate' as const,
  name: 'a',
  at: NOW + left * DAY,
  since: NOW + (left - life) * DAY,
})

describe('what is warned of', () => {
  it('is warned of in less than the last third of its life', () => {
    for (const life of [0.04, 1, 2.9, 3, 3.1, 6, 21, 22, 30, 90, 91, 365, 7300]) {
      const steps = warningSteps(certificate(life))
      expect(steps.length).toBeGreaterThan(0)
      for (const step of steps) expect(step).toBeLessThan((life / 3) * DAY)
      expect(endsSoon(certificate(life), NOW)).toBe(false)
    }
    expect(warningSteps({ kind: 'token', at: NOW })).toEqual([30 * DAY, 7 * DAY, DAY])
    // A life of nothing is no reason to throw, nor to warn of.
    expect(warningSteps(certificate(0))).toEqual([])
    expect(warningSteps(certificate(-1))).toEqual([])
  })

  it('has not ended', () => {
    expect(endsSoon(certificate(365, 0), NOW)).toBe(false)
    expect(endsSoon(certificate(365, -1), NOW)).toBe(false)
  })
})

it.each([
  [365, 31, 'ok'],
  [365, 30, 'soon'],
  [365, 7.1, 'soon'],
  [365, 7, 'near'],
  [30, 7.1, 'ok'],
  [30, 7, 'near'],
  [6, 1.1, 'ok'],
  [6, 1, 'near'],
  [1, 0.2, 'ok'],
  [1, 0.16, 'near'],
  [1, 0, 'ended'],
])('of %d days, with %d left, the end is %s', (life, left, nearness) => {
  expect(nearnessOf(certificate(life, left), NOW)).toBe(nearness)
})

it('is near for what the gate renews once that is overdue', () => {
  const renewed = (left: number) => nearnessOf({ ...certificate(90, left), renewsAt: NOW + (left - 30) * DAY }, NOW)
  expect([29, 15.1, 15, -1].map(renewed)).toEqual(['ok', 'ok', 'near', 'ended'])
})

it('is told within what was asked for, or half of the time for renewing it', () => {
  expect([undefined, 365, 22, 21, 6, 1].map(life => toldWithin(7, life))).toEqual([7, 7, 7, 3.5, 1, 1 / 6])
})

it('is written in days, and of less than two in hours', () => {
  expect([2.99 * DAY, 1.5 * DAY, DAY / 48].map(timeLeft)).toEqual(['2 days', '36 h', '30 m'])
})
