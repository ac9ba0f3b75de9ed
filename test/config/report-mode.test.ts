import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { formatPlan } from '../../src/config/plan.ts'

const ENV = { HOOK_SECRET: 'the-secret-of-a-test' }
const load = (checks: string, more = '') =>
  parseConfig(
    `listeners: [{ name: public, bind: "127.0.0.1:0" }]
${more}
routes:
  - name: r
    match: { path: /r }
    checks: ${checks}
    forward: { to: "http://127.0.0.1:1/r" }
`,
    '/etc/gate.yaml',
    ENV,
  )
const SIGNED = 'signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }'
const messages = (checks: string, more = '') => load(checks, more).problems.map(({ message }) => message)

it('lets a check report beside the same one enforced, and the plan tells them apart', () => {
  const { config, problems } = load(
    `[{ ${SIGNED} }, { schema: { inline: {} } }, { schema: { inline: {} }, mode: report }]`,
  )
  expect(problems).toEqual([])
  expect(config?.routes[0]?.checks.map(({ kind, report }) => [kind.name, report === true])).toEqual([
    ['signature', false],
    ['schema', false],
    ['schema', true],
  ])
  expect(config && formatPlan(config, ENV)).toMatch(/schema .*\(reports only\)/)
})

it('takes nothing from the checks that every route has', () => {
  const { config } = load(`[{ body-limit: { max: 1KiB }, mode: report }, { ${SIGNED} }]`)
  expect(config && formatPlan(config, ENV)).toMatch(/body-limit .*1MiB.*\(default\)/)
})

it('warns of a route that only a reporting check authenticates', () => {
  expect(messages(`[{ ${SIGNED}, mode: report }]`)).toEqual([
    'route "r": no check says who sent a request, so anybody\'s passes: "signature" only reports',
  ])
})

it('refuses a mode inside a list, of challenge, alone, and of another name', () => {
  expect(messages(`[{ any-of: [{ ${SIGNED}, mode: report }] }]`).join()).toContain('can not report alone')
  const challenge = 'challenge: { provider: slack }'
  expect(messages(`[{ ${SIGNED} }, { ${challenge}, mode: report }]`).join()).toContain('nothing to report')
  expect(messages(`[{ ${SIGNED} }, { mode: report }]`).join()).toContain('an entry is empty')
  expect(messages(`[{ ${SIGNED}, mode: watch }]`)).toHaveLength(1)
})

it('says of a missing secret that the check reports nothing, and not that the route is offline', () => {
  const [message] = messages(
    `[{ ${SIGNED} }, { bearer: { tokens: [{ name: a, env: NOT_SET }] }, mode: report }]`,
  ).filter(text => text.includes('NOT_SET'))
  expect(message).toContain('will report nothing')
})

it.each([
  ['{ keep: 0 }', 0],
  ['{ keep: -1 }', 1],
  ['{ mask: ["$..card"] }', 1],
  ['{ max-body: 1GiB }', 1],
  ['{ keep: 10, age: 1h, max-body: 1KiB, mask: ["$.a[*].b"], dir: kept }', 0],
])('captures: %s has %i problems', (captures, count) => {
  expect(messages(`[{ ${SIGNED} }]`, `captures: ${captures}\nadmin: { bind: "127.0.0.1:0" }`)).toHaveLength(count)
})
