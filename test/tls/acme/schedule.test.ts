import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dueAt, retryIn } from '../../../src/tls/acme/schedule.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

describe('when a certificate is due', () => {
  const life = (days: number) => ({ notBefore: 0, notAfter: days * DAY })

  it('is a third of its life before its end, less a tenth that chance takes', () => {
    expect(dueAt(life(90), undefined, 0)).toBe(60 * DAY)
    expect(dueAt(life(90), undefined, 1)).toBe(63 * DAY)
    expect(dueAt(life(6), undefined, 0)).toBe(4 * DAY)
  })

  it('is as long before as the config says', () => {
    expect(dueAt(life(90), 10 * DAY, 0)).toBe(80 * DAY)
  })

  it('is never in the first third of its life, whatever the config says: a new one would be due at once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(400),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (hours, days, chance) => {
          const at = dueAt({ notBefore: 0, notAfter: hours * HOUR }, days * DAY, chance)
          expect(at).toBeGreaterThanOrEqual((hours * HOUR) / 3 - 1)
          expect(at).toBeLessThanOrEqual(hours * HOUR)
        },
      ),
    )
  })
})

describe('after a failure', () => {
  it('fewer than five attempts fall into any hour, which is what Let’s Encrypt takes of failed validations', () => {
    const at = [0]
    for (let failures = 1; failures < 12; failures++) at.push((at.at(-1) ?? 0) + retryIn(failures, undefined, 0))
    for (const from of at) expect(at.filter(each => each >= from && each < from + HOUR).length).toBeLessThan(5)
  })

  it('the wait grows to six hours and no further', () => {
    expect(retryIn(1, undefined, 0)).toBe(2 * 60_000)
    expect(retryIn(50, undefined, 0)).toBe(6 * HOUR)
    expect(retryIn(50, undefined, 1)).toBeCloseTo(6.6 * HOUR, -3)
  })

  it.each([1, 24, 6 * 24, 90 * 24])('no CA that is there again lets a certificate of %i hours end', hours => {
    const life = { notBefore: 0, notAfter: hours * HOUR }
    const at = [dueAt(life, undefined, 0)]
    for (let failures = 1; failures < 200; failures++) {
      const now = at.at(-1) ?? 0
      at.push(now + retryIn(failures, undefined, 0, { life, now }))
    }
    const before = at.filter(each => each < life.notAfter)
    // Whenever before this it is there again, there is an attempt before the end.
    expect(life.notAfter - (before.at(-1) ?? 0)).toBeLessThanOrEqual(Math.max(0.02 * life.notAfter, 5 * 60_000))
    if (hours > 24)
      for (const from of at) expect(at.filter(each => each >= from && each < from + HOUR).length).toBeLessThan(5)
  })

  it('the CA has the last word where it asks for longer, up to a week', () => {
    expect(retryIn(1, 3 * DAY, 0)).toBe(3 * DAY)
    expect(retryIn(9, 1000, 0)).toBe(6 * HOUR)
    expect(retryIn(1, 10_000 * DAY, 0)).toBe(7 * DAY)
  })
})
