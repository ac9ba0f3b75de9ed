import { describe, expect, it } from 'vitest'
import { requestId } from '../../src/core/request-id.ts'

describe('requestId', () => {
  it('is a ULID: the time in front, then randomness that does not repeat', () => {
    const ids = Array.from({ length: 10_000 }, () => requestId(1_469_918_176_385))
    for (const id of ids) expect(id).toMatch(/^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('sorts by time', () => {
    const times = [0, 1, 31, 32, 1_000, 1_469_918_176_385, 2 ** 48 - 1]
    const ids = times.map(requestId)
    expect([...ids].sort()).toEqual(ids)
    expect(ids[0]).toMatch(/^0{10}/)
  })
})
