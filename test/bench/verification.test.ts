import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replaceSection, verificationSection } from '../../bench/document.ts'
import { hmacPresets, otherHmacPresets, presetCase } from '../../bench/verification/presets.ts'
import { markdownVerification, type PresetRow } from '../../bench/verification/report.ts'
import { interleaved } from '../../bench/verification/timing.ts'

const figure = (median: number) => ({ median, min: median, max: median })
const row = (id: string, ratio: number): PresetRow => {
  const measured = { ratio: figure(ratio), checkNs: figure(1), bareNs: figure(1) }
  return { id, algorithm: 'sha256', small: measured, large: measured }
}

describe('what a check costs', () => {
  it.each(hmacPresets)('$id: the whole check admits, over as many bytes as the bare primitive takes', provider => {
    for (const bytes of [1024, 16 * 1024]) {
      const { check, bare, signedBytes } = presetCase(provider, bytes)
      expect(signedBytes).toBeGreaterThanOrEqual(bytes)
      check.batch(2)()
      bare.batch(2)()
    }
  })

  it('leaves out by name what does another work', () => {
    expect(otherHmacPresets.map(({ id }) => id)).toEqual(expect.arrayContaining(['adyen', 'mailgun']))
  })

  it('asks each subject as often, in turns', () => {
    const asked: string[] = []
    const subject = (name: string) => ({ name, batch: () => () => void asked.push(name) })
    const [one, other] = [subject('one'), subject('other')]
    const samples = interleaved([one, other], { rounds: 2, batches: 3 })
    expect(samples.get(one)).toHaveLength(2)
    expect(asked.filter(name => name === 'one')).toHaveLength(asked.length / 2)
    expect(new Set(asked.slice(0, 4))).toEqual(new Set(['one', 'other']))
  })

  it('is written between its marks, and tells who is over the goal', () => {
    const tables = markdownVerification({
      presets: [row('github', 1.1), row('slack', 1.3)],
      growth: [{ what: 'routes', same: figure(1), other: undefined }],
    })
    expect(tables).toContain('Over 1.25 at 1 KB: slack 1.30.')
    const text = readFileSync(join(import.meta.dirname, '../../docs/benchmarks.md'), 'utf8')
    const written = replaceSection(text, verificationSection('npm run bench', tables, ['a machine']), 'verification')
    expect(written).toContain('| github | sha256 | 1.10 (1.10-1.10) |')
    expect(written.indexOf('slack 1.30')).toBeGreaterThan(written.indexOf('<!-- end of measured -->'))
  })
})
