import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasProgram } from '../support/programs.ts'
import { families } from './catalogue.ts'
import { type Entry, judge } from './entry.ts'

for (const family of families) {
  const there = family.needs === undefined || (await hasProgram(...family.needs))
  describe.skipIf(!there)(`${family.name}: the true cause first, and no false one`, () => {
    let entries: readonly Entry[] = []
    let close: () => Promise<void> = async () => undefined
    beforeAll(async () => {
      const opened = await family.open()
      entries = opened.entries
      close = opened.close
    }, 60_000)
    afterAll(() => close(), 60_000)

    it('for each of its set-ups', { timeout: 120_000 }, async () => {
      expect(entries.length).toBeGreaterThan(5)
      expect(new Set(entries.map(({ what }) => what)).size).toBe(entries.length)
      const wrong: string[] = []
      for (const entry of entries) {
        const score = await judge(family.name, entry)
        if (score.wrong !== '') wrong.push(`${score.what}: ${score.wrong}`)
      }
      expect(wrong).toEqual([])
    })
  })
}
