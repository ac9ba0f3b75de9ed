import { gunzipSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const TEXT = 'a text, '.repeat(40)

describe("the gate's own signature of what it forwards", () => {
  let upstream: TestUpstream
  let gate: RunningGate
  let failures = 0

  beforeAll(async () => {
    upstream = await startUpstream((_req, res) => void res.writeHead(failures-- > 0 ? 503 : 200).end('{}'))
    const route = (name: string, more: string) => `
  - name: ${name}
    match: { path: /${name}, methods: [POST, PUT] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${upstream.url}/in", sign: { env: SECRET }${more} }`
    gate = await startGate(
      `listeners: [{ name: in, bind: "127.0.0.1:0" }]
routes:${[
        route('plain', ''),
        route('form', ', body: { as: form }'),
        route('cut', ', body: { max: 100B, truncate: { fields: [text] } }'),
        route('gzip', ', body: { compress: { above: 20B } }'),
        route('again', ', retry: { backoff: { first: 1500ms, max: 1500ms } }, pace: { rate: 1/s }'),
      ].join('')}
`,
      { SECRET },
    )
  }, 30_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    await upstream.close()
  }, 30_000)

  const send = (route: string, method = 'POST') =>
    ask({
      port: gate.port('in'),
      path: `/${route}`,
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 7, text: TEXT }),
    })
  const verify = (at: number): void => {
    const { body, headers } = upstream.received.at(at) ?? expect.fail('nothing came')
    const sent = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    new Webhook(SECRET).verify(sent, headers as Record<string, string>)
  }

  it.each(['plain', 'form', 'cut', 'gzip'])('holds for the body that is sent: %s', async route => {
    expect((await send(route)).status).toBe(200)
    const { body, headers } = upstream.received.at(-1) ?? expect.fail('nothing came')
    const sent = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    expect([headers['content-type'], sent.length]).toEqual(
      {
        plain: ['application/json', JSON.stringify({ id: 7, text: TEXT }).length],
        form: ['application/x-www-form-urlencoded', new URLSearchParams({ id: '7', text: TEXT }).toString().length],
        cut: ['application/json', 100],
        gzip: ['application/json', JSON.stringify({ id: 7, text: TEXT }).length],
      }[route],
    )
    // The library parses what it has verified.
    if (route === 'form') expect(() => verify(-1)).toThrow(/JSON/)
    else verify(-1)
  })

  it('has the time of each attempt, and one id', async () => {
    failures = 1
    expect((await send('again', 'PUT')).status).toBe(200)
    verify(-2)
    verify(-1)
    const [first, second] = upstream.received.slice(-2)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    const stamp = (seen: typeof first): number => Number(seen?.headers['webhook-timestamp'])
    expect(stamp(second)).toBeGreaterThan(stamp(first))
  })
})
