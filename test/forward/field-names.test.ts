import { describe, expect, it } from 'vitest'
import { forwardConfig } from '../../src/forward/config.ts'
import { ask } from '../support/client.ts'
import { startGate } from '../support/gate.ts'
import { startUpstream } from '../support/upstream.ts'

const to = 'http://127.0.0.1:3000/in'
const fits = (more: object): boolean => forwardConfig.safeParse({ to, ...more }).success
const key = (header: string) => ({ authenticate: { 'api-key': { header, value: { env: 'KEY' } } } })
const again = (name: string) => ({ retry: { 'idempotency-key': name } })

describe('the name of a field that goes upstream', () => {
  it.each(['Content-Length', 'host', 'Transfer-Encoding', 'connection', 'X_Forwarded_For', 'Sallyport_Route', 'a b'])(
    'is none that the gate writes, or that ends at it: %s',
    name => {
      expect([fits({ 'pass-headers': [name] }), fits(key(name)), fits(again(name))]).toEqual([false, false, false])
    },
  )

  it('may be Authorization, and of the idempotency key the one that holds the request id', () => {
    expect([fits(key('Authorization')), fits(again('X-Request-Id')), fits(key('X-Request-Id'))]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('may hold an underscore', async () => {
    const upstream = await startUpstream((_req, res) => void res.end('{}'))
    const gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:
  - name: chat
    match: { path: /chat }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: "${upstream.url}/in"
      authenticate: { api-key: { header: api_access_token, value: { env: KEY } } }
      pass-headers: [X_Signature]
      retry: { idempotency-key: request_key }
`,
      { KEY: 'k-1' },
    )
    const headers = { 'content-type': 'application/json', x_signature: 's-1' }
    expect((await ask({ port: gate.port('crm-side'), path: '/chat', headers, body: '{}' })).status).toBe(200)
    expect(upstream.received[0]?.headers).toMatchObject({
      api_access_token: 'k-1',
      x_signature: 's-1',
      request_key: expect.stringMatching(/^[0-9A-Z]{26}$/),
    })
    expect(await gate.stop()).toBe(0)
    await upstream.close()
  }, 30_000)
})
