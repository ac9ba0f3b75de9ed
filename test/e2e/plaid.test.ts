import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type FrozenGate, startFrozenGate } from '../support/frozen-gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** Plaid's tokens, signed by jose, through a whole gate whose clock stands. */

const NOW = Date.UTC(2026, 10, 24, 10)
const BODY = '{\n  "webhook_type": "ITEM",\n  "webhook_code": "ERROR"\n}'
const [old, next] = [0, 1].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }))

let upstream: TestUpstream
let gate: FrozenGate

const answer = (kid: string, key: KeyObject | undefined) =>
  JSON.stringify(
    { key: { alg: 'ES256', expired_at: null, kid, use: 'sig', ...key?.export({ format: 'jwk' }) } },
    null,
    2,
  )

beforeAll(async () => {
  upstream = await startUpstream()
  gate = await startFrozenGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: plaid
    match: { path: /plaid }
    checks:
      - signature: { provider: plaid, keys: [{ env: OLD }, { name: new, env: NEW }] }
      - replay: {}
    forward: { to: "${upstream.url}/in" }
`,
    { OLD: answer('old', old?.publicKey), NEW: answer('new', next?.publicKey) },
    NOW,
  )
})
afterAll(async () => {
  await gate.close()
  await upstream.close()
})

const token = (kid: string, ageS = 0, by = kid === 'old' ? old : next) =>
  new SignJWT({ iat: NOW / 1000 - ageS, request_body_sha256: createHash('sha256').update(BODY).digest('hex') })
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
    .sign(by?.privateKey ?? Buffer.alloc(0))

async function send(jwt: string, body = BODY) {
  upstream.received.length = 0
  const headers = { 'content-type': 'application/json', 'plaid-verification': jwt }
  const { status, code } = await ask({ port: gate.port('public'), path: '/plaid', headers, body })
  return { status, code, forwarded: upstream.received.map(each => each.body.toString()) }
}

const refused = (code: string) => ({ status: 401, code, forwarded: [] })

describe('Plaid, over a socket', () => {
  it('goes through once a token, under either key of a change of keys', async () => {
    for (const kid of ['old', 'new']) {
      const jwt = await token(kid)
      expect(await send(jwt), kid).toEqual({ status: 200, code: '', forwarded: [BODY] })
      expect(await send(jwt), kid).toEqual({ status: 200, code: '', forwarded: [] })
    }
  })

  it('is refused with the body written anew, too old or ahead, and by a key that another kid names', async () => {
    expect(await send(await token('old', 10), JSON.stringify(JSON.parse(BODY)))).toEqual(refused('signature.mismatch'))
    expect(await send(await token('old', 300))).toMatchObject({ status: 200 })
    for (const age of [301, -301]) expect(await send(await token('old', age))).toEqual(refused('signature.expired'))
    expect(await send(await token('old', 11, next))).toEqual(refused('signature.mismatch'))
  })

  it('tells the operator of a kid that is new', async () => {
    expect(await send(await token('newest'))).toEqual(refused('signature.mismatch'))
    await expect
      .poll(() => gate.lines.find(line => JSON.stringify(line).includes('newest')))
      .toMatchObject({
        code: 'signature.mismatch',
        evidence: {
          kid: 'newest',
          why: 'no key of the config has its kid: the service may have a new key',
          'keys-tried': ['current', 'new'],
        },
      })
  })
})
