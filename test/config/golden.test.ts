import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { formatPlan, planOf } from '../../src/config/plan.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { kinds } from './kinds.ts'

/** `UPDATE_GOLDEN=1 vitest run test/config/golden.test.ts` writes what it finds; read the difference before committing it. */
const UPDATE = process.env.UPDATE_GOLDEN === '1'
const GOLDEN = join(import.meta.dirname, '../golden')
const NOW = Date.parse('2026-06-01T00:00:00Z')
const ENV = {
  HOOK_SECRET: 'the secret of a test'.replaceAll(' ', '-'),
  HOOK_SECRET_OLD: 'another-one',
  EMPTY: '',
  PADDED: 'padded ',
  SHOUTED: 'BEARER abc',
}

const yamlIn = (folder: string) => readdirSync(join(GOLDEN, folder)).filter(name => name.endsWith('.yaml'))

function load(folder: string, name: string) {
  const loaded = loadConfig(join(GOLDEN, folder, name), ENV, { kinds, now: NOW })
  return { ...loaded, problems: loaded.problems.map(problem => ({ ...problem, file: name })) }
}

function expectGolden(file: string, text: string): void {
  if (UPDATE) writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

describe('good configs', () => {
  it.each(yamlIn('good'))('%s has no problem, and the plan beside it', name => {
    const { config, problems, text } = load('good', name)
    expect(formatProblems(problems, text)).toBe('')
    if (!config) throw new Error('no config and no problem')
    expectGolden(join(GOLDEN, 'good', name.replace('.yaml', '.plan')), formatPlan(config, ENV))
    expect(JSON.stringify(planOf(config, ENV))).not.toContain(ENV.HOOK_SECRET)
  })
})

describe('bad configs', () => {
  it.each(yamlIn('bad'))('%s has the problems beside it', name => {
    const { problems, text } = load('bad', name)
    expect(problems).not.toEqual([])
    expectGolden(join(GOLDEN, 'bad', name.replace('.yaml', '.problems')), formatProblems(problems, text))
  })

  it.each(yamlIn('bad'))('%s: every problem has a place, one sentence and a mend', name => {
    for (const { message, mend, line, column, length } of load('bad', name).problems) {
      expect(mend, message).toMatch(/\S/)
      expect(`${message} ${mend}`).not.toMatch(/!$|undefined|\[object|Invalid input|NaN/)
      expect(message).not.toMatch(/[.\n]$/)
      if (line > 0) expect(Math.min(column, length)).toBeGreaterThan(0)
    }
  })

  it('prints no literal secret, wherever it was written', () => {
    for (const name of yamlIn('bad')) {
      const { problems, text } = load('bad', name)
      expect(formatProblems(problems, text), name).not.toMatch(/hunter22/)
    }
  })
})
