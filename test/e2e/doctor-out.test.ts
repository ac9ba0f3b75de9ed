import { writeFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import type { TlsOptions } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Examined, examine } from '../support/doctor.ts'
import { tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { startHttpProxy } from '../support/proxies.ts'
import { startSServer } from '../support/s-server.ts'
import { CLIENT_AUTH, type Crafted, craft, DAY, SERVER_AUTH } from '../tls/craft.ts'

const hasNginx = await hasProgram('nginx', '-v')
const LONG = { notAfter: Date.now() + 200 * DAY }
const folder = tempFolder()
const file = (name: string): string => join(folder, name)
const put = (name: string, made: Crafted, ...issuers: readonly Crafted[]): void => {
  writeFileSync(file(`${name}.crt`), [made, ...issuers].map(({ certificate }) => certificate).join('\n'))
  writeFileSync(file(`${name}.key`), made.key, { mode: 0o600 })
}
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

let ca: Crafted
let clients: Crafted
let server: Crafted

beforeAll(async () => {
  ca = await craft({ subject: 'CN=Servers', ca: true, ...LONG })
  clients = await craft({ subject: 'CN=Clients', ca: true, ...LONG })
  server = await craft({ subject: 'CN=server', issuer: ca, dns: ['localhost'], usage: [SERVER_AUTH], ...LONG })
  put('ca', ca)
  put('clients', clients)
  put('server', server)
  put(
    'gate',
    await craft({ subject: 'CN=gate', issuer: clients, dns: ['gate.example'], usage: [CLIENT_AUTH], ...LONG }),
  )
  const strangers = await craft({ subject: 'CN=Strangers', ca: true, ...LONG })
  put('stranger', await craft({ subject: 'CN=gate', issuer: strangers, usage: [CLIENT_AUTH], ...LONG }))
  put(
    'ended',
    await craft({
      subject: 'CN=gate',
      issuer: clients,
      usage: [CLIENT_AUTH],
      notBefore: Date.now() - 9 * DAY,
      notAfter: Date.now() - DAY,
    }),
  )
  put('no-client', await craft({ subject: 'CN=gate', issuer: clients, usage: [SERVER_AUTH], ...LONG }))
})

/** The way out of a route with this `forward`, YAML in one line. */
function look(forward: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Examined> {
  writeFileSync(
    file('gate.yaml'),
    `listeners: [{ name: private, bind: "127.0.0.1:8080" }]
routes:
  - { name: bridge, match: { path: /out }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: ${forward} }
`,
  )
  return examine(['--config', 'gate.yaml', '--only', 'out', ...args], { cwd: folder, env })
}

async function listening(made: ReturnType<typeof createHttp> | ReturnType<typeof createTcp>): Promise<number> {
  await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
  closers.push(() => made.close())
  return (made.address() as AddressInfo).port
}

const json: RequestListener = (_req, res) => void res.setHeader('content-type', 'application/json').end('{}')
const plain = (answer: RequestListener = json): Promise<number> => listening(createHttp(answer))
function secure(options: TlsOptions = {}, answer: RequestListener = json): Promise<number> {
  const made = createHttps({ cert: server.certificate, key: server.key, ...options }, answer)
  made.on('tlsClientError', () => undefined)
  return listening(made)
}
const wanting = (): TlsOptions => ({ requestCert: true, rejectUnauthorized: true, ca: clients.certificate })
const to = (port: number, rest = ''): string => `{ to: "https://localhost:${port}/in", tls: { ca: ca.crt${rest} } }`
const showing = (name: string): string => `, certificate: { cert: ${name}.crt, key: ${name}.key }`

describe('the upstream of a route', () => {
  it('is in order', async () => {
    const found = await look(to(await secure()))
    expect(found.failed).toEqual([])
    expect(found.fine).toEqual(
      expect.arrayContaining(['upstream.reached', 'tls.certificate', 'upstream.answers', 'clock.same']),
    )
  })

  it('does not listen, has no name, or stands where nothing is sent', async () => {
    expect((await look(`{ to: "http://127.0.0.1:${await freePort()}/" }`)).failed).toEqual(['upstream.closed'])
    const unknown = await look('{ to: "http://crm.invalid/" }')
    expect(unknown.failed).toEqual([expect.stringMatching(/^upstream\.(unknown|no-resolver)$/)])
  })

  it('has a certificate of another name, or of a CA that the route does not know', async () => {
    const other = await craft({ subject: 'CN=server', issuer: ca, dns: ['crm.example'], usage: [SERVER_AUTH], ...LONG })
    const port = await secure({ cert: other.certificate, key: other.key })
    expect((await look(to(port))).failed).toEqual(['tls.name-mismatch'])
    expect((await look(to(port, ', server-name: crm.example'))).failed).toEqual([])
    const foreign = await look(`{ to: "https://localhost:${await secure()}/in" }`)
    expect(foreign.failed).toEqual(['tls.private-ca'])
    expect(foreign.of('tls.private-ca').mend).toContain('tls: { ca: FILE }')
  })

  it('has another key than the pins', async () => {
    const found = await look(to(await secure(), `, pins: [${'ab'.repeat(32)}]`))
    expect(found.failed).toEqual(['tls.pin-mismatch'])
  })

  it('redirects, fails, or knows no such path', async () => {
    const answer = (status: number, headers = {}) => plain((_req, res) => void res.writeHead(status, headers).end())
    const asked = async (status: number, headers = {}) =>
      look(`{ to: "http://127.0.0.1:${await answer(status, headers)}/in" }`)
    expect((await asked(302, { location: '/login' })).failed).toEqual(['upstream.redirect'])
    expect((await asked(502)).failed).toEqual(['upstream.down'])
    expect((await asked(404)).warned).toEqual(['upstream.no-path'])
    expect((await asked(401)).warned).toEqual(['upstream.wants-credentials'])
    expect((await asked(405, { allow: 'GET, HEAD' })).warned).toEqual(['upstream.method'])
    expect((await asked(405, { allow: 'POST' })).warned).toEqual([])
  })

  it('speaks no HTTP, or says nothing', async () => {
    const noise = await listening(createTcp(socket => void socket.end('SSH-2.0-x\r\n')))
    expect((await look(`{ to: "http://127.0.0.1:${noise}/" }`)).failed).toEqual(['upstream.not-http'])
    expect((await look(`{ to: "https://localhost:${await plain()}/" }`)).failed).toEqual(['tls.not-tls'])
  })

  it('has a clock of its own', async () => {
    const port = await plain(
      (_req, res) => void res.setHeader('date', new Date(Date.now() - 412_000).toUTCString()).end(),
    )
    const found = await look(`{ to: "http://127.0.0.1:${port}/" }`)
    expect(found.failed).toEqual(['clock.skew'])
    expect(found.of('clock.skew').because).toContain('ahead of')
  })
})

describe('the client certificate of a bridge', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is taken, over %s', async version => {
    const found = await look(
      to(await secure({ ...wanting(), minVersion: version, maxVersion: version }), showing('gate')),
    )
    expect(found.failed).toEqual([])
    expect(found.of('client-cert.asked').evidence?.issuers).toEqual(['CN=Clients'])
    expect(found.fine).toContain('egress.address')
  })

  it.each(['-tls1_2', '-tls1_3'])('is of a CA that openssl s_server %s does not take', async version => {
    const args = [
      '-cert',
      file('server.crt'),
      '-key',
      file('server.key'),
      '-CAfile',
      file('clients.crt'),
      '-Verify',
      '3',
      '-verify_return_error',
      version,
    ]
    const made = await startSServer(args)
    closers.push(() => made.stop())
    const found = await look(to(made.port, showing('stranger')))
    expect(found.failed).toEqual(['client-cert.other-ca', 'client-cert.unknown-ca'])
    expect(found.of('client-cert.other-ca').because).toContain('CN=Strangers')
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is missing, over %s', async version => {
    const made = await startSServer([
      '-cert',
      file('server.crt'),
      '-key',
      file('server.key'),
      '-CAfile',
      file('clients.crt'),
      '-Verify',
      '3',
      version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3',
    ])
    closers.push(() => made.stop())
    expect((await look(to(made.port))).failed).toEqual(['client-cert.none'])
  })

  it('has ended, or is not for clients', async () => {
    expect((await look(to(await secure(wanting()), showing('ended')))).failed[0]).toBe('client-cert.expired')
    expect((await look(to(await secure(wanting()), showing('no-client')))).failed[0]).toBe('client-cert.eku')
  })

  it('is not asked for', async () => {
    expect((await look(to(await secure(), showing('gate')))).warned).toEqual(['client-cert.not-asked'])
  })

  it.runIf(hasNginx)('is refused by nginx, which says so in HTTP', async () => {
    const port = await freePort()
    const tls = `ssl_certificate ${file('server.crt')}; ssl_certificate_key ${file('server.key')}; ssl_client_certificate ${file('clients.crt')}; ssl_verify_client on;`
    const nginx = await startNginx(`server { listen 127.0.0.1:${port} ssl; ${tls} location / { return 204; } }`, port)
    closers.push(() => nginx.stop())
    expect((await look(to(port, showing('gate')))).failed).toEqual([])
    expect((await look(to(port, showing('stranger')))).failed).toEqual(['client-cert.other-ca', 'client-cert.refused'])
    expect((await look(to(port))).failed).toEqual(['client-cert.none'])
  })
})

describe('the token of a bridge', () => {
  const forward = (receiver: number, endpoint: number): string =>
    `{ to: "http://127.0.0.1:${receiver}/in", authenticate: { oauth2: { token-url: "http://127.0.0.1:${endpoint}/token", client-id: gate, client-secret: { env: CLIENT_SECRET }, scopes: ["articles:read", "articles:write"] } } }`
  const says = (status: number, body: unknown) =>
    plain((_req, res) => void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)))
  const ENV = { CLIENT_SECRET: 'a-client-secret-of-the-test' }
  const asked = async (status: number, body: unknown): Promise<Examined> =>
    look(forward(await plain(), await says(status, body)), [], ENV)
  const TOKEN = { access_token: 'a.token.that.nobody.shows', token_type: 'Bearer' }

  it('is fetched, with its life and scopes', async () => {
    const found = await asked(200, { ...TOKEN, expires_in: 3600, scope: 'articles:read articles:write' })
    expect(found.failed).toEqual([])
    expect(found.of('token.fetched').evidence).toMatchObject({
      'life-s': 3600,
      scopes: ['articles:read', 'articles:write'],
    })
    expect(JSON.stringify(found.findings)).not.toContain(TOKEN.access_token)
  })

  it('lacks a scope', async () => {
    const found = await asked(200, { ...TOKEN, expires_in: 3600, scope: 'articles:read' })
    expect(found.failed).toEqual(['token.scope-missing'])
    expect(found.of('token.scope-missing').because).toContain('articles:write')
  })

  it('lives for no time, or for nobody knows how long', async () => {
    expect((await asked(200, { ...TOKEN, expires_in: 20 })).warned).toEqual(['token.short-lived'])
    expect((await asked(200, TOKEN)).warned).toEqual(['token.life-unsaid'])
  })

  it('is refused, for each reason that the endpoint has', async () => {
    expect((await asked(401, { error: 'invalid_client' })).failed).toEqual(['token.invalid-client'])
    expect((await asked(400, { error: 'invalid_scope' })).failed).toEqual(['token.invalid-scope'])
    expect((await asked(404, 'no')).failed).toEqual(['token.no-endpoint'])
    expect((await look(forward(await plain(), await freePort()), [], ENV)).failed).toEqual(['token.unreachable'])
  })

  it('has no secret to be asked for with', async () => {
    const found = await look(forward(await plain(), await plain()))
    expect(found.failed).toEqual(['credential.not-there'])
    expect(found.of('credential.not-there').because).toContain('CLIENT_SECRET')
  })
})

describe('what a receiver says of the bridge', () => {
  it('announces a limit, which the route keeps to or not', async () => {
    const port = await plain(
      (_req, res) =>
        void res.setHeader('ratelimit-policy', '"day";q=60;w=60').setHeader('ratelimit', '"day";r=59;t=60').end(),
    )
    const url = `http://127.0.0.1:${port}/in`
    expect((await look(`{ to: "${url}" }`)).of('rate.no-pace').mend).toContain('60/min')
    expect((await look(`{ to: "${url}", pace: { rate: 5/s } }`)).warned).toEqual(['rate.pace-above-limit'])
    expect((await look(`{ to: "${url}", pace: { rate: 1/s } }`)).fine).toContain('rate.announced')
  })

  it('refuses the key', async () => {
    const port = await plain((_req, res) => void res.writeHead(401).end())
    const found = await look(`{ to: "http://127.0.0.1:${port}/in", authenticate: { bearer: { env: KEY } } }`, [], {
      KEY: 'a-key-of-the-test',
    })
    expect(found.failed).toEqual(['upstream.credentials-refused'])
  })

  it('sees the address that an echo tells', async () => {
    const echo = await plain((req, res) => void res.end(`{"ip":"${req.socket.remoteAddress}"}`))
    const port = await plain()
    const args = ['--echo', `http://127.0.0.1:${echo}/`]
    expect((await look(`{ to: "http://127.0.0.1:${port}/in", local-address: 127.0.0.1 }`, args)).fine).toContain(
      'egress.seen',
    )
    const nat = await plain((_req, res) => void res.end('203.0.113.9'))
    const found = await look(`{ to: "http://127.0.0.1:${port}/in", local-address: 127.0.0.1 }`, [
      '--echo',
      `http://127.0.0.1:${nat}/`,
    ])
    expect(found.warned).toEqual(['egress.translated'])
  })

  it('is asked from an address that this host does not have', async () => {
    const found = await look(`{ to: "http://127.0.0.1:${await plain()}/in", local-address: 192.0.2.77 }`)
    expect(found.failed).toEqual(['egress.no-such-address'])
  })

  it('stands behind a proxy that does not listen, or does not open the way', async () => {
    const port = await plain()
    const through = (proxy: number): string =>
      `{ to: "http://127.0.0.1:${port}/in", proxy: { url: "http://127.0.0.1:${proxy}" } }`
    expect((await look(through(await freePort()))).failed).toEqual(['proxy.closed'])
    const forbidding = await startHttpProxy('HTTP/1.1 403 Forbidden\r\n\r\n')
    closers.push(() => forbidding.close())
    expect((await look(through(forbidding.port))).failed).toEqual(['proxy.refused'])
    const proxy = await startHttpProxy()
    closers.push(() => proxy.close())
    const found = await look(through(proxy.port))
    expect(found.failed).toEqual([])
    expect(found.fine).toEqual(expect.arrayContaining(['proxy.tunnel', 'egress.proxy', 'upstream.answers']))
  })
})
