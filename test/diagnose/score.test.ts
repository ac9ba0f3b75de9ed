import { describe, it } from 'vitest'
import { families } from './catalogue.ts'
import { scoreFamily } from './run.ts'

describe.concurrent('the true cause first, and no false one', () => {
  it.for(families)('$name', { timeout: 180_000 }, async (family, { expect, skip }) => {
    const scores = await scoreFamily(family)
    if (scores === undefined) return skip(`there is no ${family.needs?.[0]} here`)
    expect(scores.length).toBeGreaterThan(5)
    expect(new Set(scores.map(({ what }) => what)).size).toBe(scores.length)
    expect(scores.filter(({ wrong }) => wrong !== '')).toEqual([])
  })
})
