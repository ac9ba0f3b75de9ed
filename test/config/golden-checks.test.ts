import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkKinds } from '../../src/checks/index.ts'
import { loadConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'

const GOLDEN = join(import.meta.dirname, '../golden/checks')
const BAD = join(import.meta.dirname, '../golden/checks-bad')
const ENV = {
  HOOK_SECRET: 'the-secret-of-a-test',
  HOOK_SECRET_2: 'another-secret-of-a-test-2',
  HOOK_SECRET_3: 'another-secret-of-a-test-3',
  HOOK_SECRET_4: 'another-secret-of-a-test-4',
  HOOK_SECRET_5: 'another-secret-of-a-test-5',
  HOOK_SECRET_6: 'another-secret-of-a-test-6',
  KB_TOKEN_2: 'another-token-of-a-test',
  KB_TOKEN_3: 'one-more-token-of-a-test',
  HOOK_KEY: 'the-public-key-of-a-test',
  KB_TOKEN: 'the-token-of-a-test',
  PARTNER_KEY: '26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb',
}
const NOW = Date.parse('2026-06-01T00:00:00Z')

describe('every check has a golden config', () => {
  it.each(checkKinds.map(kind => kind.name))('%s', name => {
    const file = join(GOLDEN, `${name}.yaml`)
    expect(existsSync(file), `a check is its file, one line, its test and test/golden/checks/${name}.yaml`).toBe(true)
    const { config, problems, text } = loadConfig(file, ENV, { now: NOW })
    expect(formatProblems(problems, text)).toBe('')
    expect(config?.routes[0]?.checks.map(check => check.kind.name)).toContain(name)
  })
})

/** A new provider is its own file, and changes none of these. */
const withoutProviders = (text: string): string =>
  text.replace(/(provider takes:) [a-z0-9-]+(?:, [a-z0-9-]+){50,}/g, '$1 (every provider)')

describe('configs that a check does not take', () => {
  it.each(readdirSync(BAD).filter(name => name.endsWith('.yaml')))('%s has the problems beside it', name => {
    const { problems, text } = loadConfig(join(BAD, name), ENV, { now: NOW })
    const found = withoutProviders(
      formatProblems(
        problems.map(problem => ({ ...problem, file: name })),
        text,
      ),
    )
    const golden = join(BAD, name.replace('.yaml', '.problems'))
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, found)
    expect(found).toBe(readFileSync(golden, 'utf8'))
    expect(found).not.toMatch(/hunter22|undefined|\[object|Invalid input/)
  })
})
