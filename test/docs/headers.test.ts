import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { readPage } from './markdown.ts'

const SECRET = 'github-secret-of-the-test'
const BODY = '{"zen":"Keep it simple."}'

/** Name, and when it is there, of every row of the table. */
const documented = [...readPage('docs/headers.md').matchAll(/^\| `([A-Za-z-]+)` +\| (.+?) +\| (.+?) +\|$/gm)].map(
  ([, name = '', when = '']) => ({ name: name.toLowerCase(), when }),
)

describe('docs/headers.md', () => {
  let upstream: TestUpstream
  let gate: RunningGate
  const got = () => upstream.received.at(-1)

  beforeAll(async () => {
    upstream = await startUpstream((_req, res) =>
      res
        .writeHead(201, {
          Server: 'x',
          'X-Powered-By': 'x',
          'Set-Cookie': 'a=b',
          'Proxy-Authenticate': 'x',
          'X-Own': '1',
        })
        .end('{}'),
    )
    const route = (name: string, forward: string): string => `
  - name: ${name}
    match: { path: /${name} }
    checks:
      - signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] }
    forward: { to: "${upstream.url}/in"${forward} }`
    gate = await startGate(
      `listeners:\n  - { name: public, bind: "127.0.0.1:0" }\nroutes:${route('plain', '')}${route('all', ', digest: true, sign: { env: CRM_SECRET }, pass-headers: [X-GitHub-Event]')}\n`,
      { GITHUB_SECRET: SECRET, CRM_SECRET: 'whsec_Y3JtLXNlY3JldC1vZi10aGUtdGVzdC0wMDAx' },
    )
  })
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  })

  const send = (path: string, fields: Record<string, string | string[]> = {}) =>
    ask({
      port: gate.port('public'),
      path,
      headers: {
        host: 'hooks.example.com',
        cookie: 'c=1',
        'x-github-event': 'ping',
        'x-other': '1',
        ...fields,
        ...signedBy('github', SECRET, BODY),
      },
      body: BODY,
    })

  it('lists what the CRM receives, and nothing else is sent', async () => {
    await send('/plain?a=1')
    const always = documented.filter(({ when }) => when === 'always' || when === 'with a body').map(({ name }) => name)
    const where = ['sallyport-principal']
    expect(Object.keys(got()?.headers ?? {}).sort()).toEqual([...always, ...where].sort())
    expect(got()?.url).toBe('/in?a=1')
    expect(got()?.headers).toMatchObject({
      'x-forwarded-host': 'hooks.example.com',
      'content-length': String(BODY.length),
      'sallyport-principal': 'signature:github',
      forwarded: 'for=127.0.0.1;proto=http;host="hooks.example.com"',
    })
  })

  it('lists what a route may ask for on top', async () => {
    await send('/all')
    const names = new Set(documented.map(({ name }) => name))
    for (const name of Object.keys(got()?.headers ?? {})) if (name !== 'x-github-event') expect(names).toContain(name)
    for (const { name } of documented.filter(({ when }) => /`sign`|`digest: true`/.test(when)))
      expect(got()?.headers, name).toHaveProperty(name)
    expect(got()?.headers['x-github-event']).toBe('ping')
    const digest = createHash('sha256').update(BODY).digest('base64')
    expect(got()?.headers['sallyport-content-digest']).toBe(`sha-256=:${digest}:`)
  })

  it.each([
    ['close, X-GitHub-Event', false],
    ['keep-alive,x-github-event', false],
    [['close', 'foo ,\tX-GITHUB-EVENT'], false],
    ['X-GitHub-Event', false],
    ['Keep-Alive', true],
    ['close', true],
    ['close, X-GitHub', true],
    // What a check reads is the sender's all the same.
    ['close, X-Hub-Signature-256', true],
  ])('with Connection: %j passes X-GitHub-Event: %j', async (connection, passed) => {
    expect((await send('/all', { connection })).status).toBe(201)
    expect(got()?.headers['x-github-event']).toBe(passed ? 'ping' : undefined)
  })

  it('says what of the answer goes back', async () => {
    const reply = await send('/plain')
    expect(reply.status).toBe(201)
    expect(reply.headers).toMatchObject({ 'set-cookie': ['a=b'], 'x-own': '1' })
    for (const name of ['server', 'x-powered-by', 'proxy-authenticate']) expect(reply.headers).not.toHaveProperty(name)
    expect(reply.headers['x-request-id']).toBe(got()?.headers['x-request-id'])
  })
})
