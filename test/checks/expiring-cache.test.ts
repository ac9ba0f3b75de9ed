import { expect, it } from 'vitest'
import { ExpiringCache } from '../../src/checks/expiring-cache.ts'
import { frozenClock } from '../../src/core/clock.ts'

it('keeps each entry for its time, and no more entries than it has room for', () => {
  const clock = frozenClock(0)
  const cache = new ExpiringCache<number>(clock, 2)
  cache.set('a', 1, 100)
  cache.set('none', 0, 0)
  cache.set('less', 0, Number.NaN)
  clock.advance(50)
  cache.set('b', 2, 100)
  expect([cache.size, cache.get('a'), cache.get('b'), cache.get('none')]).toEqual([2, 1, 2, undefined])
  cache.set('c', 3, 100)
  expect([cache.size, cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([2, undefined, 2, 3])
  clock.advance(99)
  expect(cache.get('b')).toBe(2)
  clock.advance(1)
  expect([cache.get('b'), cache.get('c'), cache.size]).toEqual([undefined, undefined, 0])
})

it('takes a later value in the place of an earlier one, and forgets one set to no time', () => {
  const cache = new ExpiringCache<number>(frozenClock(0), 1)
  cache.set('a', 1, 100)
  cache.set('a', 2, 100)
  expect(cache.get('a')).toBe(2)
  cache.set('a', 3, -1)
  expect(cache.get('a')).toBeUndefined()
})
