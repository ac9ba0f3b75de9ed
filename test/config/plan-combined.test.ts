import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { formatPlan } from '../../src/config/plan.ts'

it('plans the checks of a list as the file has them: units, references and stage', () => {
  const env = { HOOK_SECRET: 'the-secret-of-a-test', KB_TOKEN: 'the-token-of-a-test' }
  const { config } = loadConfig(join(import.meta.dirname, '../golden/checks/any-of.yaml'), env, { now: 0 })
  if (!config) throw new Error('the golden config has a problem')
  const plan = formatPlan(config, env)
  const [signed = '', , known = ''] = plan.split('\n').filter(line => line.startsWith('  any-of'))
  expect(known).toMatch(
    /^ {2}any-of +head +\[\{ jwt: \{ algorithms: \[ES256\].* skew: 30s.*\{ all-of: \[\{ source-ip: /,
  )
  expect(known).toMatch(/password: env:KB_TOKEN \([0-9a-f]{8}\)/)
  expect(signed).toMatch(/^ {2}any-of +body +\[\{ signature: /)
  expect(plan).not.toMatch(/\(Object\)|of-a-test/)
})
