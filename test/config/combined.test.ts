import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
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

it('says where an unknown check stands in a list, and which was meant', () => {
  const yaml = `
listeners: [{ name: public, bind: "127.0.0.1:8080" }]
routes:
  - name: kb
    match: { path: /hooks/kb }
    checks:
      - any-of:
          - all-of:
              - beerer: { tokens: [{ name: kb, env: KB_TOKEN }] }
    forward: { to: "http://127.0.0.1:3000/kb" }
`
  const { problems } = parseConfig(yaml, 'gate.yaml', { KB_TOKEN: 'the-token-of-a-test' })
  expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
    {
      line: 9,
      column: 17,
      message: 'checks: unknown check "beerer"',
      mend: expect.stringMatching(/^did you mean "bearer"/),
    },
  ])
})
