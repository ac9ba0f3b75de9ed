import { describe, expect, it } from 'vitest'
import { NOW } from '../checks/testCheck.ts'
import { gateFor, verdict } from './sender.ts'
import vectors from './vectors.json' with { type: 'json' }

describe('published vectors', () => {
  it.each(vectors)(
    '$provider: $what ($source)',
    async ({ provider, secret, headers, body, url, method, now, valid }) => {
      const gate = gateFor({ provider }, secret, now === undefined ? NOW : Date.parse(now))
      const sent = { headers: Object.entries(headers).filter(pair => pair[1] !== undefined), body, method, url }
      expect(await verdict(gate({ ...sent, url: url ?? 'https://hooks.example.com/' }))).toBe(
        valid ? 'true' : 'signature.mismatch',
      )
    },
  )

  it('covers both answers', () => {
    expect(new Set(vectors.map(({ valid }) => valid))).toEqual(new Set([true, false]))
  })
})
