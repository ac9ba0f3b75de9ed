import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type AttackCase, SECRET } from './case.ts'
import { deviations, startWitness } from './replay.ts'

const corpus = JSON.parse(readFileSync(join(import.meta.dirname, 'proxies.json'), 'utf8')) as AttackCase[]

const config = (upstream: number, listener: string, allow: string): string => `
listeners:
  - name: public
    bind: 127.0.0.1:0
    ${listener}
    limits: { head: 1s }
routes:
  - name: x
    match: { path: /hooks/x, host: gw.test }
    checks:
      - source-ip: { allow: [${allow}] }
      - signature: { provider: standard-webhooks, secrets: [{ env: HOOK_SECRET }] }
      - replay: {}
    forward: { to: http://127.0.0.1:${upstream}/hooks/x }
`

describe.each([
  ['proxy-protocol', 'proxy-protocol: { from: [127.0.0.0/8] }', '192.0.2.0/24', 15],
  ['trusted-proxy', 'trusted-proxies: [127.0.0.0/8, 10.0.0.0/8]', '192.0.2.1', 3],
])('the attack corpus, profile %s', (profile, listener, allow, count) => {
  let gate: RunningGate
  let witness: Awaited<ReturnType<typeof startWitness>>
  const cases = corpus.filter(each => each.profile === profile)

  beforeAll(async () => {
    witness = await startWitness()
    gate = await startGate(config(witness.port, listener, allow), { HOOK_SECRET: `whsec_${SECRET}` })
  }, 30_000)
  afterAll(async () => {
    witness.close()
    expect(await gate.stop(), gate.stderr()).toBe(0)
  }, 40_000)

  it(`has ${count} cases`, () => expect(cases).toHaveLength(count))

  it.each(cases.map(attack => [attack.id, attack.what, attack] as const))('%s: %s', async (_id, _what, attack) => {
    expect(await deviations(attack, { port: gate.port('public'), tls: false }, witness)).toEqual([])
  })
})
