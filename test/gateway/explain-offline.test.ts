import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import type { CapturedRequest } from '../../src/core/captured.ts'
import { explainOffline } from '../../src/gateway/explain-offline.ts'
import { createLog } from '../../src/observe/log.ts'
import { signedBy } from '../support/signed.ts'

const ENV = { HOOK_SECRET: 'the-secret-of-a-test' }
const { config } = parseConfig(
  `listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: hooks
    match: { path: /hooks }
    checks:
      - rate-limit: { rate: 1/d, by: route }
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
      - replay: {}
    forward: { to: "http://127.0.0.1:1/in" }
`,
  '/etc/gate.yaml',
  ENV,
)
const log = createLog({ destination: { write: () => true } })
const BODY = '{"a":1}'

function explain(secret: string, target = '/hooks') {
  if (config === undefined) throw new Error('the config does not load')
  const headers = Object.entries({ host: 'h', 'content-length': '7', ...signedBy('github', secret, BODY) }).flat()
  const captured: CapturedRequest = {
    id: '01KAR5D9M0V7T3E8Q2J4XWY6ZB',
    receivedAt: Date.parse('2026-03-02T10:00:00Z'),
    listener: 'public',
    route: undefined,
    encrypted: true,
    serverName: undefined,
    method: 'POST',
    target,
    rawHeaders: headers,
    source: '192.0.2.1',
    peer: undefined,
    clientCertificates: [],
    body: Buffer.from(BODY),
    bodyBytes: BODY.length,
    refusal: undefined,
  }
  return explainOffline(captured, config, ENV, log)
}

it('says what a config would make of a request, and neither counts, claims nor sends', async () => {
  for (let n = 0; n < 3; n++) {
    const { outcome, steps, route } = await explain(ENV.HOOK_SECRET)
    expect([outcome, route]).toEqual(['forwarded', 'hooks'])
    expect(steps.every(step => step.outcome === 'pass')).toBe(true)
  }
})

it('names the check that would refuse, or the route that is nearest', async () => {
  const forged = await explain('another-secret')
  expect(forged.refusal?.code).toBe('signature.mismatch')
  expect(forged.steps.at(-1)).toMatchObject({ check: 'replay', outcome: 'not-reached' })
  expect((await explain(ENV.HOOK_SECRET, '/hook')).refusal?.code).toBe('route.none')
})
