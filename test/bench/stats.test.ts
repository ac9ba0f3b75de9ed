import { describe, expect, it } from 'vitest'
import { median, percentile, ratios, summarise } from '../../bench/stats.ts'

describe('the statistics', () => {
  it('takes the middle, or the mean of the two middles, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 1, 4, 2])).toBe(3)
    expect(median([])).toBeNaN()
  })

  it('sorts numbers as numbers', () => {
    expect(summarise([100, 20, 3])).toEqual({ median: 20, min: 3, max: 100 })
  })

  it('takes percentiles by the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile([7], 0.99)).toBe(7)
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('compares rounds of the same number, and drops what has no partner', () => {
    expect(ratios([2, 9, 5], [1, 3])).toEqual([2, 3])
  })
})
