import { writeFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { join } from 'node:path'
import { tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { startHttpProxy } from '../support/proxies.ts'
import { startSServer } from '../support/s-server.ts'
import { CLIENT_AUTH, type Crafted, craft, craftCrl, DAY, SERVER_AUTH } from '../tls/craft.ts'
import { complaints } from './doctored.ts'
import type { Entry, Family } from './entry.ts'

const LONG = { notAfter: Date.now() + 200 * DAY }
const ENV = { CLIENT_SECRET: 'a-client-secret', KEY: 'a-key-of-the-receiver' }

/** Receivers of a bridge, and the certificates on both sides. */
export class Receivers {
  readonly folder = tempFolder()
  readonly #closers: (() => unknown)[] = []

  file = (name: string): string => join(this.folder, name)

  put(name: string, made: Crafted, ...issuers: readonly Crafted[]): void {
    writeFileSync(this.file(`${name}.crt`), [made, ...issuers].map(({ certificate }) => certificate).join('\n'))
    writeFileSync(this.file(`${name}.key`), made.key, { mode: 0o600 })
  }

  async plain(answer: RequestListener): Promise<number> {
    const made = createHttp(answer)
    await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
    this.#closers.push(() => made.close())
    return (made.address() as AddressInfo).port
  }

  async noise(text: string): Promise<number> {
    const made = createTcp(socket => void socket.on('error', () => undefined).end(text))
    await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
    this.#closers.push(() => made.close())
    return (made.address() as AddressInfo).port
  }

  /** nginx with a server certificate of the folder. */
  async nginx(name: string, rest: string): Promise<number> {
    const port = await freePort()
    const tls = `ssl_certificate ${this.file(`${name}.crt`)}; ssl_certificate_key ${this.file(`${name}.key`)};`
    const made = await startNginx(
      `server { listen 127.0.0.1:${port} ssl; ${tls} ${rest} location / { return 204; } }`,
      port,
    )
    this.#closers.push(() => made.stop())
    return port
  }

  async openssl(...args: readonly string[]): Promise<number> {
    const made = await startSServer(['-cert', this.file('server.crt'), '-key', this.file('server.key'), ...args])
    this.#closers.push(() => made.stop())
    return made.port
  }

  async proxy(answer?: string): Promise<number> {
    const made = await startHttpProxy(answer)
    this.#closers.push(() => made.close())
    return made.port
  }

  /** `sallyport doctor` looking out, over a route with this `forward`. */
  look(forward: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = ENV) {
    writeFileSync(
      this.file('gate.yaml'),
      `listeners: [{ name: private, bind: "127.0.0.1:8080" }]
routes:
  - { name: bridge, match: { path: /out }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: ${forward} }
`,
    )
    return complaints(['--config', 'gate.yaml', '--only', 'out', ...args], { cwd: this.folder, env })
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close()
  }
}

export async function prepare(): Promise<Receivers> {
  const receivers = new Receivers()
  const ca = await craft({ subject: 'CN=Receivers CA', ca: true, ...LONG })
  const issuing = await craft({ subject: 'CN=Receivers Issuing CA', issuer: ca, ca: true, ...LONG })
  const clients = await craft({ subject: 'CN=Clients CA', ca: true, ...LONG })
  const clientsIssuing = await craft({ subject: 'CN=Clients Issuing CA', issuer: clients, ca: true, ...LONG })
  const strangers = await craft({ subject: 'CN=Strangers CA', ca: true, ...LONG })
  const server = (more: Partial<Parameters<typeof craft>[0]> = {}) =>
    craft({ subject: 'CN=server', issuer: ca, dns: ['localhost'], usage: [SERVER_AUTH], ...LONG, ...more })
  const client = (more: Partial<Parameters<typeof craft>[0]> = {}) =>
    craft({ subject: 'CN=gate', issuer: clients, dns: ['gate.example'], usage: [CLIENT_AUTH], ...LONG, ...more })
  receivers.put('ca', ca)
  receivers.put('clients', clients)
  receivers.put('server', await server())
  receivers.put('named', await server({ dns: ['crm.example'] }))
  receivers.put('ended-server', await server({ notBefore: Date.now() - 30 * DAY, notAfter: Date.now() - DAY }))
  receivers.put('gap', await server({ issuer: issuing }))
  receivers.put('self', await craft({ subject: 'CN=localhost', dns: ['localhost'], usage: [SERVER_AUTH], ...LONG }))
  receivers.put('gate', await client())
  receivers.put('stranger', await client({ issuer: strangers }))
  receivers.put('ended', await client({ notBefore: Date.now() - 30 * DAY, notAfter: Date.now() - DAY }))
  receivers.put('for-servers', await client({ usage: [SERVER_AUTH] }))
  receivers.put('bare', await client({ issuer: clientsIssuing }))
  const revoked = await client()
  receivers.put('revoked', revoked)
  writeFileSync(receivers.file('clients.crl'), await craftCrl(clients, { revoked: [revoked.serial] }))
  return receivers
}

const to = (port: number, rest = ''): string => `{ to: "https://localhost:${port}/in", tls: { ca: ca.crt${rest} } }`
const showing = (name: string): string => `, certificate: { cert: ${name}.crt, key: ${name}.key }`
export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}, body = ''): RequestListener =>
  (_req, res) =>
    void res.writeHead(code, headers).end(body)

function tokens(receivers: Receivers): readonly Entry[] {
  const asked = async (code: number, body: unknown): Promise<string> => {
    const endpoint = await receivers.plain(status(code, { 'content-type': 'application/json' }, JSON.stringify(body)))
    return forward(`http://127.0.0.1:${endpoint}/token`)
  }
  const forward = async (url: string): Promise<string> =>
    `{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/in", authenticate: { oauth2: { token-url: "${url}", client-id: gate, client-secret: { env: CLIENT_SECRET }, scopes: ["articles:read", "articles:write"] } } }`
  const TOKEN = { access_token: 'a.token.that.nobody.shows', token_type: 'Bearer', expires_in: 3600 }
  const token = (what: string, cause: string, code: number, body: unknown, says?: RegExp): Entry => ({
    what,
    cause,
    ...(says ? { says } : {}),
    tell: async () => receivers.look(await asked(code, body)),
  })
  return [
    token('a client secret that the token endpoint does not know', 'token.invalid-client', 401, {
      error: 'invalid_client',
    }),
    token('401 of a token endpoint that gives no reason', 'token.invalid-client', 401, 'no'),
    token(
      'a token that lacks a scope',
      'token.scope-missing',
      200,
      { ...TOKEN, scope: 'articles:read' },
      /articles:write/,
    ),
    token('a scope that the endpoint does not know', 'token.invalid-scope', 400, { error: 'invalid_scope' }),
    token('a client that may not use client credentials', 'token.unauthorized-client', 400, {
      error: 'unauthorized_client',
    }),
    token('the path of another endpoint', 'token.no-endpoint', 404, 'no'),
    token('tokens of 20 seconds', 'token.short-lived', 200, { ...TOKEN, expires_in: 20 }),
    token('tokens of an unknown life', 'token.life-unsaid', 200, { ...TOKEN, expires_in: undefined }),
    {
      what: 'a token endpoint that does not listen',
      cause: 'token.unreachable',
      tell: async () => receivers.look(await forward(`http://127.0.0.1:${await freePort()}/token`)),
    },
    {
      what: 'a client secret that is missing',
      cause: 'credential.not-there',
      says: /CLIENT_SECRET/,
      tell: async () => receivers.look(await asked(200, TOKEN), [], {}),
    },
  ]
}

function plainReceivers(receivers: Receivers): readonly Entry[] {
  const answers = (
    what: string,
    cause: string,
    code: number,
    headers: Readonly<Record<string, string>> = {},
    more: Partial<Entry> & { rest?: string } = {},
  ): Entry => {
    const { rest = '', ...entry } = more
    return {
      what,
      cause,
      ...entry,
      tell: async () =>
        receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(status(code, headers))}/in"${rest} }`),
    }
  }
  const policy = { 'ratelimit-policy': '"day";q=60;w=60', ratelimit: '"day";r=59;t=60' }
  return [
    answers(
      'a receiver that redirects to its login',
      'upstream.redirect',
      302,
      { location: '/login' },
      { says: /login/ },
    ),
    answers('an application behind nginx that is down', 'upstream.down', 502),
    answers('a path that the receiver does not have', 'upstream.no-path', 404),
    answers('a receiver that wants a credential', 'upstream.wants-credentials', 401),
    answers('a receiver that takes GET alone', 'upstream.method', 405, { allow: 'GET, HEAD' }),
    answers(
      'a key that the receiver refuses',
      'upstream.credentials-refused',
      401,
      {},
      { rest: ', authenticate: { bearer: { env: KEY } }' },
    ),
    answers('an address or an account that is not let in', 'upstream.forbidden', 403),
    answers(
      "a clock seven minutes off the receiver's",
      'clock.skew',
      204,
      { date: new Date(Date.now() - 412_000).toUTCString() },
      { says: /ahead/ },
    ),
    answers('a limit that the route does not keep to', 'rate.no-pace', 204, policy, { says: /60\/min/ }),
    answers('a pace above the limit', 'rate.pace-above-limit', 204, policy, { rest: ', pace: { rate: 5/s }' }),
    answers('a limit that is used up', 'rate.exhausted', 429, { 'retry-after': '30', 'x-ratelimit-remaining': '0' }),
    {
      what: 'an upstream that does not listen',
      cause: 'upstream.closed',
      tell: async () => receivers.look(`{ to: "http://127.0.0.1:${await freePort()}/" }`),
    },
    {
      what: 'an upstream whose name nobody knows',
      cause: 'upstream.unknown',
      says: /crm\.invalid/,
      tell: () => receivers.look('{ to: "http://crm.invalid/" }'),
    },
    {
      what: 'the port of SSH',
      cause: 'upstream.not-http',
      tell: async () => receivers.look(`{ to: "http://127.0.0.1:${await receivers.noise('SSH-2.0-x\r\n')}/" }`),
    },
    {
      what: 'https to a plain port',
      cause: 'tls.not-tls',
      tell: async () => receivers.look(`{ to: "https://localhost:${await receivers.plain(status(204))}/" }`),
    },
    {
      what: 'an address that this host does not have',
      cause: 'egress.no-such-address',
      tell: async () =>
        receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/", local-address: 192.0.2.77 }`),
    },
    {
      what: 'a NAT that changes the agreed address',
      cause: 'egress.translated',
      says: /203\.0\.113\.9/,
      tell: async () =>
        receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/", local-address: 127.0.0.1 }`, [
          '--echo',
          `http://127.0.0.1:${await receivers.plain(status(200, {}, '203.0.113.9'))}/`,
        ]),
    },
    {
      what: 'a proxy that forbids the way',
      cause: 'proxy.refused',
      tell: async () =>
        receivers.look(
          `{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/", proxy: { url: "http://127.0.0.1:${await receivers.proxy('HTTP/1.1 403 Forbidden\r\n\r\n')}" } }`,
        ),
    },
    {
      what: 'a proxy that wants credentials',
      cause: 'proxy.credentials',
      tell: async () =>
        receivers.look(
          `{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/", proxy: { url: "http://127.0.0.1:${await receivers.proxy('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')}" } }`,
        ),
    },
    {
      what: 'a proxy that does not listen',
      cause: 'proxy.closed',
      tell: async () =>
        receivers.look(
          `{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/", proxy: { url: "http://127.0.0.1:${await freePort()}" } }`,
        ),
    },
  ]
}

function securedReceivers(receivers: Receivers): readonly Entry[] {
  const verify = (more = ''): string =>
    `ssl_client_certificate ${receivers.file('clients.crt')}; ssl_verify_client on; ${more}`
  const nginx = (
    what: string,
    cause: string,
    server: string,
    rest: string,
    tls: string,
    more: Partial<Entry> = {},
  ): Entry => ({
    what,
    cause,
    ...more,
    tell: async () => receivers.look(to(await receivers.nginx(server, rest), tls)),
  })
  const strict = ['-CAfile', receivers.file('clients.crt'), '-Verify', '3', '-verify_return_error'] as const
  return [
    {
      what: "a receiver's certificate of a CA that the route does not know",
      cause: 'tls.private-ca',
      says: /tls: \{ ca: FILE \}/,
      tell: async () => receivers.look(`{ to: "https://localhost:${await receivers.nginx('server', '')}/in" }`),
    },
    nginx("a receiver's certificate for another name", 'tls.name-mismatch', 'named', '', '', { says: /crm\.example/ }),
    nginx("a receiver's certificate that has ended", 'tls.expired', 'ended-server', '', ''),
    nginx('a receiver that leaves its intermediate out', 'tls.intermediate-missing', 'gap', '', '', {
      says: /Receivers Issuing CA/,
    }),
    nginx('a self-signed receiver', 'tls.self-signed', 'self', '', ''),
    nginx('another key than the pin', 'tls.pin-mismatch', 'server', '', `, pins: [${'ab'.repeat(32)}]`),
    nginx('no client certificate for a receiver that wants one', 'client-cert.none', 'server', verify(), ''),
    nginx('a client certificate of another CA', 'client-cert.other-ca', 'server', verify(), showing('stranger'), {
      says: /Strangers CA/,
      also: ['client-cert.refused'],
    }),
    nginx(
      'a client certificate without its intermediate',
      'client-cert.other-ca',
      'server',
      verify('ssl_verify_depth 3;'),
      showing('bare'),
      { says: /intermediate/, also: ['client-cert.refused'] },
    ),
    nginx('a client certificate that has ended', 'client-cert.expired', 'server', verify(), showing('ended'), {
      also: ['client-cert.refused'],
    }),
    nginx('a client certificate that is for servers', 'client-cert.eku', 'server', verify(), showing('for-servers'), {
      also: ['client-cert.refused'],
    }),
    nginx(
      'a client certificate that the receiver has revoked',
      'client-cert.refused',
      'server',
      verify(`ssl_crl ${receivers.file('clients.crl')};`),
      showing('revoked'),
      { says: /revoked/ },
    ),
    nginx('a client certificate that nobody asks for', 'client-cert.not-asked', 'server', '', showing('gate')),
    {
      what: 'openssl s_server that does not know the CA',
      cause: 'client-cert.other-ca',
      also: ['client-cert.unknown-ca'],
      tell: async () => receivers.look(to(await receivers.openssl(...strict), showing('stranger'))),
    },
    {
      what: 'openssl s_server of TLS 1.2 that gets no certificate',
      cause: 'client-cert.none',
      tell: async () => receivers.look(to(await receivers.openssl(...strict, '-tls1_2'))),
    },
    {
      what: 'openssl s_server of TLS 1.3 that gets no certificate',
      cause: 'client-cert.none',
      tell: async () => receivers.look(to(await receivers.openssl(...strict, '-tls1_3'))),
    },
    {
      what: 'openssl s_server that finds the certificate revoked',
      cause: 'client-cert.revoked',
      tell: async () =>
        receivers.look(
          to(
            await receivers.openssl(...strict, '-CRL', receivers.file('clients.crl'), '-crl_check'),
            showing('revoked'),
          ),
        ),
    },
    {
      what: 'a receiver that speaks TLS 1.1 alone',
      cause: 'tls.version',
      tell: async () => receivers.look(to(await receivers.openssl('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'))),
    },
  ]
}

/** `sallyport doctor` looking out, at receivers that are really broken: nginx, `openssl s_server`, proxies. */
export const doctorOut: Family = {
  name: 'doctor-out',
  needs: ['nginx', '-v'],
  async open() {
    const receivers = await prepare()
    return {
      entries: [...plainReceivers(receivers), ...securedReceivers(receivers), ...tokens(receivers)],
      close: () => receivers.close(),
    }
  },
}
