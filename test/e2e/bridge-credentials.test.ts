import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { webhookSecret } from '../support/signed.ts'
import { startTlsReceiver, type TlsReceived, type TlsReceiver } from '../support/tls-receiver.ts'

const random = () => randomBytes(18).toString('base64url')
const ENV = {
  BEARER: random(),
  PASSWORD: random(),
  API_KEY: random(),
  CLIENT_SECRET: random(),
  SIGNING: webhookSecret(),
}
const BODY = '{"event":"ticket.created"}'
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

describe('a bridge with credentials', () => {
  const folder = tempFolder()
  const tokens: string[] = []
  let valid = (_token: string): boolean => true
  let receiver: TlsReceiver
  let gate: RunningGate
  const send = (path: string, more: Partial<Ask> = {}) =>
    ask({
      port: gate.port('crm-side'),
      path,
      body: BODY,
      ...more,
      headers: { 'content-type': 'application/json', ...more.headers },
    })
  const last = (): TlsReceived | undefined => receiver.received.at(-1)

  beforeAll(async () => {
    await makeCertificates(folder)
    writeFileSync(join(folder, 'token.txt'), 'first-token')
    writeFileSync(join(folder, 'client.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    receiver = await startTlsReceiver(folder, (_req, res, seen) => {
      if (seen.url === '/token') {
        const token = random()
        tokens.push(token)
        res.end(JSON.stringify({ access_token: token, token_type: 'bearer', expires_in: 3600 }))
        return
      }
      const token = String(seen.headers.authorization).replace('Bearer ', '')
      if (seen.url.startsWith('/oauth') && !(tokens.includes(token) && valid(token))) res.writeHead(401).end('{"no":1}')
      else
        res
          .writeHead(Number(seen.headers['x-answer'] ?? 200), { 'x-own': '1', location: '/elsewhere' })
          .end('{"its":"body"}')
    })
    const to = `https://localhost:${receiver.port}`
    const oauth = `token-url: "${to}/token", client-id: crm`
    const route = (name: string, authenticate: string, more = '') => `
  - name: ${name}
    match: { path: /${name} }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: ${to}/${name}
      pass-headers: [X-Answer]
      tls: { ca: ca.crt, certificate: { cert: bridge.crt, key: bridge.key } }
      authenticate: { ${authenticate} }${more}`
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:${[
        route('bearer', 'bearer: { env: BEARER }'),
        route('file', 'bearer: { file: token.txt }'),
        route('basic', 'basic: { username: crm, password: { env: PASSWORD } }'),
        route('key', 'api-key: { header: X-Api-Key, value: { env: API_KEY } }'),
        route('query', 'api-key: { query: key, value: { env: API_KEY } }'),
        route('signed', 'signature: { provider: standard-webhooks, secret: { env: SIGNING } }'),
        route('oauth-secret', `oauth2: { ${oauth}, client-secret: { env: CLIENT_SECRET } }`),
        route('oauth-jwt', `oauth2: { ${oauth}, private-key-jwt: { key: { file: client.pem } } }`),
        route('oauth-mtls', `oauth2: { ${oauth} }`),
        route('told', 'bearer: { env: BEARER }', '\n      context-headers: true'),
        route('missing', 'bearer: { env: NOT_THERE }'),
      ].join('')}
`,
      ENV,
      folder,
    )
  }, 30_000)
  afterAll(async () => {
    receiver.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('is let in by what stands in its headers', async () => {
    expect((await send('/bearer')).status).toBe(200)
    expect(last()?.headers.authorization).toBe(`Bearer ${ENV.BEARER}`)
    expect((await send('/basic')).status).toBe(200)
    expect(last()?.headers.authorization).toBe(`Basic ${Buffer.from(`crm:${ENV.PASSWORD}`).toString('base64')}`)
    expect((await send('/key')).status).toBe(200)
    expect(last()?.headers['x-api-key']).toBe(ENV.API_KEY)
    expect((await send('/query?a=1')).status).toBe(200)
    expect(last()?.url).toBe(`/query?a=1&key=${ENV.API_KEY}`)
  })

  it('tells a stranger nothing of the sender, and passes no credential of his', async () => {
    await send('/bearer', { headers: { authorization: 'Bearer of-the-sender', 'x-api-key': 'x', cookie: 'a=b' } })
    const names = Object.keys(last()?.headers ?? {})
    expect(names.sort()).toEqual(
      ['authorization', 'content-length', 'content-type', 'host', 'traceparent', 'x-request-id'].sort(),
    )
    await send('/told')
    expect(last()?.headers).toMatchObject({ 'sallyport-route': 'told', 'x-forwarded-for': '127.0.0.1' })
  })

  it('signs what is sent', async () => {
    expect((await send('/signed')).status).toBe(200)
    const headers = Object.fromEntries(
      Object.entries(last()?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    )
    const verified = new Webhook(ENV.SIGNING).verify(String(last()?.body), headers)
    expect(verified).toEqual(JSON.parse(BODY))
    expect(headers['webhook-id']).toBe(headers['x-request-id'])
  })

  it('takes a token file that is written anew', async () => {
    expect((await send('/file')).status).toBe(200)
    expect(last()?.headers.authorization).toBe('Bearer first-token')
    const told = gate.next(line => line.msg === 'reloaded')
    writeFileSync(join(folder, 'token.txt'), 'second-token')
    await told
    await send('/file')
    expect(last()?.headers.authorization).toBe('Bearer second-token')
  })

  it('keeps its token across reloads, and has a new one after a 401', async () => {
    const fetches = () => receiver.received.filter(({ url }) => url === '/token').length
    expect((await send('/oauth-secret')).status).toBe(200)
    const before = fetches()
    const told = gate.next(line => line.msg === 'reloaded')
    gate.process.kill('SIGHUP')
    await told
    expect((await send('/oauth-secret')).status).toBe(200)
    expect(fetches()).toBe(before)
    const [old] = tokens.slice(-1)
    valid = token => token !== old
    const replies = await Promise.all(Array.from({ length: 10 }, () => send('/oauth-secret')))
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    expect(fetches()).toBe(before + 1)
    valid = () => false
    const refused = await send('/oauth-secret')
    expect([refused.status, refused.body]).toEqual([401, '{"no":1}'])
    valid = () => true
  })

  it('has its token by an assertion, or by its certificate', async () => {
    const asked = () => receiver.received.findLast(({ url }) => url === '/token')
    expect((await send('/oauth-jwt')).status).toBe(200)
    const assertion = new URLSearchParams(String(asked()?.body)).get('client_assertion') ?? ''
    const audience = `https://localhost:${receiver.port}/token`
    expect((await jwtVerify(assertion, publicKey, { audience })).payload.sub).toBe('crm')
    expect((await send('/oauth-mtls')).status).toBe(200)
    expect(asked()?.client).toBe('bridge')
    expect(String(asked()?.body)).toBe('grant_type=client_credentials&client_id=crm')
  })

  it.each([200, 201, 202, 302, 400, 403, 404, 409, 422, 429, 500, 503])('passes %i back as it is', async status => {
    const reply = await send('/bearer', { headers: { 'x-answer': String(status) } })
    expect([reply.status, reply.body, reply.headers['x-own'], reply.headers.location]).toEqual([
      status,
      '{"its":"body"}',
      '1',
      '/elsewhere',
    ])
  })

  it('is offline where its secret is missing', async () => {
    const reply = await send('/missing')
    expect([reply.status, reply.code]).toEqual([503, 'route.offline'])
  })

  it('logs none of it', async () => {
    // A line is written after its reply.
    const forwarded = () => gate.lines.filter(line => line.msg === 'forwarded').length
    await vi.waitFor(() => expect(forwarded()).toBeGreaterThan(10), 10_000)
    const said = gate.stdout() + gate.stderr()
    const made = receiver.received.flatMap(({ headers }) => [headers.authorization, headers['webhook-signature']])
    for (const secret of [...Object.values(ENV), ...tokens, 'first-token', 'second-token', ...made])
      if (secret !== undefined) expect(said).not.toContain(String(secret).replace(/^(Bearer|Basic) /, ''))
  })
})
