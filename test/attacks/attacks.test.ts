import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certs } from '../../src/cli/certs.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { type AttackCase, SECRET } from './case.ts'
import { type Dial, deviations, startWitness } from './replay.ts'

const corpus = JSON.parse(readFileSync(join(import.meta.dirname, 'corpus.json'), 'utf8')) as AttackCase[]
/** Cases are waited for, not computed: many at once cost little, but each needs the witness to itself. */
const LANES = 8

const config = (upstream: number, listener: string): string => `
listeners:
  - name: public
    bind: 127.0.0.1:0
${listener}
routes:
  - name: x
    match: { path: /hooks/x, host: gw.test }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: HOOK_SECRET }] }
      - replay: {}
    forward: { to: http://127.0.0.1:${upstream}/hooks/x }
`
const TLS = '    tls: { certificates: [{ cert: server.crt, key: server.key }] }'

interface Lane {
  readonly gate: RunningGate
  readonly witness: Awaited<ReturnType<typeof startWitness>>
}

describe.each([
  ['plain HTTP', false],
  ['TLS', true],
])('the attack corpus over %s', (_name, tls) => {
  const lanes: Lane[] = []

  beforeAll(async () => {
    for (let i = 0; i < LANES; i++) {
      const folder = tempFolder()
      if (tls) {
        const quiet = { write: () => true }
        const io = { stdout: quiet, stderr: quiet, env: {}, cwd: folder }
        expect(await certs.run({ values: { dir: folder }, positionals: ['init'] }, io)).toBe(0)
      }
      const witness = await startWitness()
      const gate = await startGate(config(witness.port, tls ? TLS : ''), { HOOK_SECRET: `whsec_${SECRET}` }, folder)
      lanes.push({ gate, witness })
    }
  }, 60_000)

  afterAll(async () => {
    for (const { gate, witness } of lanes) {
      witness.close()
      expect(await gate.stop(), gate.stderr()).toBe(0)
    }
  }, 60_000)

  it('is answered as a strict gateway must, case by case, and the gate lives on', async () => {
    const wrong: string[] = []
    const left = [...corpus]
    await Promise.all(
      lanes.map(async ({ gate, witness }) => {
        const dial: Dial = { port: gate.port('public'), tls }
        for (let attack = left.shift(); attack; attack = left.shift())
          for (const each of await deviations(attack, dial, witness)) wrong.push(`${attack.id} ${attack.what}: ${each}`)
      }),
    )
    expect(wrong).toEqual([])
    expect(corpus.length).toBeGreaterThan(200)
  }, 120_000)
})
