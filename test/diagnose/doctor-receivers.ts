import type { RequestListener } from 'node:http'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { prepare, type Receivers, status } from './doctor-out.ts'
import type { Entry, Family } from './entry.ts'

const TOKEN = { access_token: 'a.token.that.nobody.shows', token_type: 'Bearer', expires_in: 3600 }
const JSON_TYPE = { 'content-type': 'application/json' }

function answers(receivers: Receivers): readonly Entry[] {
  const answer = (
    what: string,
    cause: string,
    code: number,
    headers: Readonly<Record<string, string>> = {},
    more: Partial<Entry> & { rest?: string; body?: string } = {},
  ): Entry => {
    const { rest = '', body = '', ...entry } = more
    return {
      what,
      cause,
      ...entry,
      tell: async () =>
        receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(status(code, headers, body))}/in"${rest} }`),
    }
  }
  const silent: RequestListener = () => undefined
  const hangsUp: RequestListener = req => void req.socket.destroy()
  return [
    answer(
      'a receiver that sends to https',
      'upstream.redirect',
      301,
      { location: 'https://crm.example/in' },
      { says: /https/ },
    ),
    answer('a receiver that wants a slash', 'upstream.redirect', 308, { location: '/in/' }, { says: /\/in\// }),
    answer('an application that throws', 'upstream.failing', 500),
    answer('a receiver under maintenance', 'upstream.down', 503, { 'retry-after': '600' }),
    answer('a gateway whose application is too slow', 'upstream.down', 504),
    answer('too many requests, and no word of the limit', 'rate.exhausted', 429),
    answer('a limit in the fields of GitHub and others', 'rate.no-pace', 204, {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4999',
      'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 3600),
    }),
    answer(
      'a token that has ended, as the receiver says',
      'upstream.credentials-refused',
      401,
      {
        'www-authenticate': 'Bearer error="invalid_token", error_description="The token expired"',
      },
      { rest: ', authenticate: { bearer: { env: KEY } }', says: /expired/ },
    ),
    answer(
      'a token that lacks a scope, as the receiver says',
      'upstream.scope',
      403,
      {
        'www-authenticate': 'Bearer error="insufficient_scope", scope="articles:write"',
      },
      { rest: ', authenticate: { bearer: { env: KEY } }', says: /articles:write/ },
    ),
    answer(
      'the scheme "Bearer" where the receiver wants Basic',
      'upstream.credentials-scheme',
      401,
      {
        'www-authenticate': 'Basic realm="crm"',
      },
      { rest: ', authenticate: { bearer: { env: KEY } }', says: /Basic/ },
    ),
    answer(
      'a bot check of a CDN in front of the receiver',
      'upstream.forbidden',
      403,
      { 'cf-mitigated': 'challenge', server: 'cloudflare' },
      {
        says: /challenge|Cloudflare/i,
      },
    ),
    answer('an API of which this version has been taken away', 'upstream.no-path', 410),
    answer(
      'a login page that answers 200',
      'upstream.page',
      200,
      { 'content-type': 'text/html' },
      {
        body: '<!DOCTYPE html><title>Log in</title><form action="/login">',
        says: /HTML|page/,
      },
    ),
    {
      what: 'a receiver that says nothing',
      cause: 'upstream.no-answer',
      tell: async () =>
        receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(silent)}/in", timeout: { response: 1s } }`),
    },
    {
      what: 'a receiver that hangs up',
      cause: 'upstream.no-answer',
      tell: async () => receivers.look(`{ to: "http://127.0.0.1:${await receivers.plain(hangsUp)}/in" }`),
    },
    {
      what: 'http to the port of TLS of nginx',
      cause: 'upstream.tls-port',
      says: /https/,
      tell: async () => receivers.look(`{ to: "http://localhost:${await receivers.nginx('server', '')}/in" }`),
    },
    {
      what: 'https to a port that hangs up',
      cause: 'tls.cut',
      tell: async () =>
        receivers.look(`{ to: "https://localhost:${await receivers.noise('')}/in", tls: { ca: ca.crt } }`),
    },
    {
      what: 'a name of an upstream that nginx does not serve',
      cause: 'tls.unknown-name',
      tell: async () => {
        const port = await freePort()
        const made = await startNginx(
          `server { listen 127.0.0.1:${port} ssl default_server; ssl_reject_handshake on; }
server { listen 127.0.0.1:${port} ssl; server_name crm.example; ssl_certificate ${receivers.file('named.crt')}; ssl_certificate_key ${receivers.file('named.key')}; return 204; }`,
          port,
        )
        try {
          return await receivers.look(`{ to: "https://localhost:${port}/in", tls: { ca: ca.crt } }`)
        } finally {
          await made.stop()
        }
      },
    },
  ]
}

function tokenEndpoints(receivers: Receivers): readonly Entry[] {
  const forward = async (url: string): Promise<string> =>
    `{ to: "http://127.0.0.1:${await receivers.plain(status(204))}/in", authenticate: { oauth2: { token-url: "${url}", client-id: gate, client-secret: { env: CLIENT_SECRET }, scopes: ["articles:write"] } } }`
  const endpoint = (what: string, cause: string, answer: RequestListener, more: Partial<Entry> = {}): Entry => ({
    what,
    cause,
    ...more,
    tell: async () => receivers.look(await forward(`http://127.0.0.1:${await receivers.plain(answer)}/token`)),
  })
  const json = (code: number, body: unknown): RequestListener => status(code, JSON_TYPE, JSON.stringify(body))
  return [
    endpoint(
      'a login page in place of the token endpoint',
      'token.no-token',
      status(200, { 'content-type': 'text/html' }, '<form>'),
      { says: /page/ },
    ),
    endpoint(
      'a token endpoint that redirects',
      'token.redirect',
      status(302, { location: 'https://id.example.com/token' }),
      { says: /302/ },
    ),
    endpoint(
      'a grant that the endpoint does not know',
      'token.unsupported-grant-type',
      json(400, { error: 'unsupported_grant_type' }),
    ),
    endpoint('an answer without a token', 'token.no-token', json(200, { token_type: 'Bearer', expires_in: 3600 }), {
      says: /access_token/,
    }),
    endpoint('a token of another type', 'token.other-type', json(200, { ...TOKEN, token_type: 'MAC' }), {
      says: /token_type/,
    }),
    endpoint(
      'a token endpoint that wants the resource named',
      'token.invalid-target',
      json(400, { error: 'invalid_target' }),
    ),
    endpoint('too many tokens fetched', 'token.too-many', status(429, { 'retry-after': '60' }), {
      says: /429|too many/i,
    }),
    endpoint('a token endpoint that is down', 'token.failing', status(503), { says: /503/ }),
    {
      what: 'a token endpoint of a private CA',
      cause: 'token.untrusted',
      tell: async () => receivers.look(await forward(`https://localhost:${await receivers.nginx('server', '')}/token`)),
    },
  ]
}

/** What receivers of a bridge and their token endpoints answer, as operators meet it. */
export const doctorReceivers: Family = {
  name: 'doctor-receivers',
  needs: ['nginx', '-v'],
  async open() {
    const receivers = await prepare()
    return {
      entries: [...answers(receivers), ...tokenEndpoints(receivers)],
      close: () => receivers.close(),
    }
  },
}
