import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { type Ask, ask, type Reply, speak } from '../support/client.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { signedBy } from '../support/signed.ts'
import { jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const BODY = '{"article":"A-1"}'
const ISSUER = 'https://id.example.com'
const SECRETS = {
  KB_PASSWORD: 'kb-pässword-1',
  HOOK_SECRET: 'hook-secret-1',
  KB_TOKEN: 'kb-token-1',
  IDP_SECRET: 'idp-1',
}
const first = makeIssuer('ES256', 'kb-1')
const second = makeIssuer('ES256', 'kb-2')
const now = Math.floor(Date.now() / 1000)
const claims = { iss: ISSUER, aud: 'crm', sub: 'kb-sync', exp: now + 600, scope: 'articles:write' }

const config = (upstream: string, endpoint: string): string => `
listeners:
  - name: public
    bind: 127.0.0.1:0
    tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt }
  - name: plain
    bind: 127.0.0.1:0
routes:
  - name: knowledge-base
    match: { path-prefix: /hooks/kb/ }
    checks:
      - any-of:
          - jwt: { issuer: ${ISSUER}, audience: crm, algorithms: [ES256], jwks: { file: jwks.json }, scopes: [articles:write] }
          - basic: { users: [{ name: kb, password: { env: KB_PASSWORD } }] }
          - client-cert: { allow: [{ dns: kb.example.com }] }
      - source-ip: { allow: [127.0.0.0/8] }
    forward: { to: ${upstream}/kb/ }
  - name: bound
    match: { path: /hooks/bound }
    checks:
      - jwt:
          issuer: ${ISSUER}
          audience: crm
          algorithms: [ES256]
          jwks: { file: jwks.json }
          certificate-bound: true
    forward: { to: ${upstream}/bound }
  - name: introspected
    match: { path: /hooks/introspected }
    checks:
      - introspection: { endpoint: "${endpoint}", client: { id: gate, secret: { env: IDP_SECRET } }, cache: 0s }
    forward: { to: ${upstream}/introspected }
  - name: signed
    match: { path: /hooks/signed }
    checks:
      - any-of:
          - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
          - bearer: { tokens: [{ name: kb, env: KB_TOKEN }] }
      - replay: {}
    forward: { to: ${upstream}/signed }
  - name: slack
    match: { path: /hooks/slack }
    checks:
      - any-of:
          - signature: { provider: slack, secrets: [{ env: HOOK_SECRET }] }
          - bearer: { tokens: [{ name: kb, env: KB_TOKEN }] }
      - challenge: {}
    forward: { to: ${upstream}/slack }
`

describe('tokens and alternatives through the gate', () => {
  let gate: RunningGate
  let upstream: TestUpstream
  let idp: AuthorizationServer
  const file = (name: string): Buffer => readFileSync(join(gate.folder, name))

  beforeAll(async () => {
    const folder = tempFolder()
    await makeCertificates(folder)
    for (const [name, dns] of [
      ['kb', 'kb.example.com'],
      ['other', 'other.example.com'],
    ] as const)
      expect(await sallyport(['certs', 'client', '--dir', folder, '--name', name, '--dns', dns])).toMatchObject({
        code: 0,
      })
    writeFileSync(join(folder, 'jwks.json'), await jwksOf(first))
    upstream = await startUpstream()
    idp = await startAuthorizationServer('gate', SECRETS.IDP_SECRET)
    gate = await startGate(config(upstream.url, idp.url), SECRETS, folder, 2)
  }, 60_000)

  afterAll(async () => {
    await upstream.close()
    await idp.close()
    expect(await gate.stop(), gate.stderr()).toBe(0)
  }, 40_000)

  const send = (path: string, headers: Ask['headers'] = {}, client?: string): Promise<Reply> =>
    ask({
      port: gate.port('public'),
      path,
      body: BODY,
      headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
      tls: {
        ca: file('ca.crt'),
        ...(client === undefined ? {} : { cert: file(`${client}.crt`), key: file(`${client}.key`) }),
      },
    })
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`kb:${password}`).toString('base64')}` })
  const principal = () => upstream.received.at(-1)?.headers['sallyport-principal']

  it('lets in by any of the three, and tells the upstream who came by which', async () => {
    expect((await send('/hooks/kb/a', bearer(await tokenOf(first, claims)))).status).toBe(200)
    expect(principal()).toBe('jwt:kb-sync')
    expect((await send('/hooks/kb/a', basic(SECRETS.KB_PASSWORD))).status).toBe(200)
    expect(principal()).toBe('basic:kb')
    expect((await send('/hooks/kb/a', {}, 'kb')).status).toBe(200)
    expect(principal()).toBe('client-cert:kb.example.com')
    expect(upstream.received.at(-1)?.url).toBe('/kb/a')
  })

  it('challenges a stranger for each, and tells the operator why none let him in', async () => {
    const told = gate.next(({ code }) => code === 'any-of.none')
    const before = upstream.received.length
    const reply = await send('/hooks/kb/a', basic('wrong'), 'other')
    expect([reply.status, reply.code]).toEqual([401, 'any-of.none'])
    expect(reply.headers['www-authenticate']).toBe('Bearer, Basic realm="webhooks", charset="UTF-8"')
    expect(JSON.parse(reply.body)).toMatchObject({ title: 'Authentication required', status: 401 })
    expect((await told).evidence).toMatchObject({
      tried: ['jwt.missing', 'basic.wrong', 'client-cert.not-allowed'],
      'basic.wrong/user': 'kb',
      'client-cert.not-allowed/dns': ['other.example.com'],
    })
    expect(upstream.received.length).toBe(before)
  })

  it('says that a known sender lacks a scope', async () => {
    const reply = await send('/hooks/kb/a', bearer(await tokenOf(first, { ...claims, scope: 'articles:read' })))
    expect([reply.status, reply.code]).toEqual([403, 'jwt.scope'])
    expect(reply.headers['www-authenticate']).toBe('Bearer error="insufficient_scope"')
  })

  it('takes a bound token from its certificate alone (RFC 8705)', async () => {
    const der = Buffer.from(
      file('kb.crt')
        .toString()
        .replace(/-----[^-]+-----|\s/g, ''),
      'base64',
    )
    const thumbprint = Buffer.from(await crypto.subtle.digest('SHA-256', der)).toString('base64url')
    const token = await tokenOf(first, { ...claims, cnf: { 'x5t#S256': thumbprint } })
    expect((await send('/hooks/bound', bearer(token), 'kb')).status).toBe(200)
    expect(principal()).toBe('jwt:kb-sync')
    expect((await send('/hooks/bound', bearer(token), 'other')).code).toBe('jwt.bound')
    expect((await send('/hooks/bound', bearer(token))).code).toBe('jwt.bound')
    expect((await send('/hooks/kb/a', bearer(token))).code).toBe('any-of.none')
    expect((await send('/hooks/bound', bearer(await tokenOf(first, claims)), 'kb')).code).toBe('jwt.bound')
  })

  it('follows the file of the key set', async () => {
    const old = await tokenOf(first, claims)
    const fresh = await tokenOf(second, claims)
    expect((await send('/hooks/kb/a', bearer(old))).status).toBe(200)
    expect((await send('/hooks/kb/a', bearer(fresh))).code).toBe('any-of.none')
    const reloaded = gate.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(gate.folder, 'jwks.json'), await jwksOf(second))
    await reloaded
    expect((await send('/hooks/kb/a', bearer(fresh))).status).toBe(200)
    expect((await send('/hooks/kb/a', bearer(old))).code).toBe('any-of.none')
  })

  it('asks the authorization server, and refuses while it does not answer', async () => {
    idp.tokens.set('opaque-token-1', { body: { active: true, client_id: 'app-7' } })
    expect((await send('/hooks/introspected', bearer('opaque-token-1'))).status).toBe(200)
    expect(principal()).toBe('introspection:app-7')
    expect((await send('/hooks/introspected', bearer('opaque-token-2'))).code).toBe('introspection.inactive')
    idp.tokens.set('opaque-token-1', { status: 502, body: 'gone' })
    const reply = await send('/hooks/introspected', bearer('opaque-token-1'))
    expect([reply.status, reply.code, reply.headers['retry-after']]).toEqual([503, 'introspection.unavailable', '5'])
  })

  it('reads no byte of a body whose sender the head shows to be nobody', async () => {
    const heard = await speak(
      gate.port('plain'),
      socket =>
        socket.write(
          'POST /hooks/signed HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n',
        ),
      5_000,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 401 /)
    expect(heard.text).toContain('"code":"any-of.none"')
    expect([...heard.text.matchAll(/^WWW-Authenticate: (.*)\r$/gim)].map(match => match[1])).toEqual([
      'Bearer',
      'Signature',
    ])
  })

  it('takes the signature where there is no token, the token where there is no signature, each event once', async () => {
    const signed = signedBy('github', SECRETS.HOOK_SECRET, BODY)
    expect((await send('/hooks/signed', signed)).status).toBe(200)
    expect(principal()).toBe('signature:github')
    expect((await send('/hooks/signed', signed)).headers['sallyport-duplicate']).toBe('true')
    expect((await send('/hooks/signed', bearer(SECRETS.KB_TOKEN))).status).toBe(200)
    expect(principal()).toBe('bearer:kb')
    const reply = await send('/hooks/signed', { ...signedBy('github', 'another', BODY), ...bearer('wrong') })
    expect([reply.status, reply.code]).toEqual([401, 'any-of.none'])
  })

  it('answers a challenge to the signature in the list, and to nobody else in it', async () => {
    const asked = '{"type":"url_verification","challenge":"c-1"}'
    const slack = (headers: Ask['headers']) =>
      ask({
        port: gate.port('plain'),
        path: '/hooks/slack',
        body: asked,
        headers: { 'content-type': 'application/json', ...headers },
      })
    const before = upstream.received.length
    const reply = await slack(signedBy('slack', SECRETS.HOOK_SECRET, asked))
    expect([reply.status, reply.body.includes('c-1'), upstream.received.length]).toEqual([200, true, before])
    expect((await slack(bearer(SECRETS.KB_TOKEN))).body).toBe('{}')
    expect(upstream.received.length).toBe(before + 1)
  })

  it('has written no token, password or secret', () => {
    const text = gate.stdout() + gate.stderr()
    for (const secret of [...Object.values(SECRETS), 'opaque-token', 'eyJ']) expect(text).not.toContain(secret)
  })
})
