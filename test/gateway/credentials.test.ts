import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { credentialsOf } from '../../src/gateway/credentials.ts'

it('names the secrets inside any-of and all-of by the checks that they belong to', () => {
  const env = { HOOK_SECRET: 'the-secret-of-a-test', KB_TOKEN: 'the-token-of-a-test' }
  const { config } = loadConfig(join(import.meta.dirname, '../golden/checks/any-of.yaml'), env, { now: 0 })
  const found = (config?.routes ?? []).flatMap(credentialsOf)
  expect(found.map(({ route, check, name }) => [route, check, name])).toEqual([
    ['example', 'basic', 'kb'],
    ['example', 'api-key', 'kb'],
    ['example', 'api-key', 'kb'],
    ['signed-or-known', 'signature', 'current'],
    ['signed-or-known', 'bearer', 'kb'],
    ['answers-a-challenge', 'signature', 'current'],
    ['answers-a-challenge', 'bearer', 'kb'],
  ])
  expect(found[2]?.expires).toBe(Date.parse('2027-03-01T23:59:59.999Z'))
})
