import { createHmac } from 'node:crypto'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import type { Family } from './entry.ts'
import { gateFamily, type Place, type Request, type Sent } from './gate-family.ts'

const ENV = { GITHUB: 'gh-6b1d0f9e4c3a8275', KB: 'kb-1f8e3d6c9b2a47508d7e', SLACK: '8f742231b10e8888abcd99yyyzzz85a5' }
const BODY = '{"id": 5, "name": "Grüße"}'
const sign = (body: string | Buffer): string => `sha256=${createHmac('sha256', ENV.GITHUB).update(body).digest('hex')}`
const headers = {
  'content-type': 'application/json',
  'x-hub-signature-256': sign(BODY),
  'user-agent': 'GitHub-Hookshot/044aadd',
  'x-github-event': 'push',
}
const fronts = new Map<string, number>()
const closers: (() => Promise<void>)[] = []

/** nginx in front of the gate; `GATE` stands for the listener that trusts it. */
async function front(place: Place, name: string, server: string): Promise<number> {
  const known = fronts.get(name)
  if (known !== undefined) return known
  const port = await freePort()
  const made = await startNginx(
    `server { listen 127.0.0.1:${port}; ${server.replaceAll('GATE', `127.0.0.1:${place.port('behind')}`).replaceAll('OPEN', `127.0.0.1:${place.port()}`)} }`,
    port,
  )
  closers.push(made.stop)
  fronts.set(name, port)
  return port
}

const through = (
  what: string,
  cause: string,
  server: string,
  more: Partial<Request> & { sent?: Partial<Sent> } = {},
): Request => {
  const { sent, ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: async (place): Promise<Sent> => ({
      path: '/github',
      headers,
      body: BODY,
      ...sent,
      port: await front(place, what, server),
    }),
  }
}
const HOST = 'proxy_set_header Host $http_host;'

const family = gateFamily({
  name: 'between',
  env: ENV,
  listeners: 2,
  config: `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
  - { name: behind, bind: "127.0.0.1:0", trusted-proxies: [127.0.0.1] }
routes:
  - { name: github, match: { path: /github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }] } }], forward: { to: UPSTREAM/in } }
  - { name: slack, match: { path: /slack }, checks: [{ signature: { provider: slack, secrets: [{ env: SLACK }] } }], forward: { to: UPSTREAM/in } }
  - { name: kb, match: { path: /kb }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: UPSTREAM/in } }
  - { name: crm, match: { path: /crm, host: hooks.example.com }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: UPSTREAM/in } }
  - { name: partner, match: { path: /partner }, checks: [{ source-ip: { allow: [203.0.113.0/28] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    through(
      'nginx that takes the signature away',
      'signature.no-secret-at-sender',
      `location / { ${HOST} proxy_set_header X-Hub-Signature-256 ""; proxy_pass http://GATE; }`,
    ),
    through(
      'nginx that takes Authorization away',
      'bearer.not-sent',
      `location / { ${HOST} proxy_set_header Authorization ""; proxy_pass http://GATE; }`,
      {
        sent: { path: '/kb', headers: { ...headers, authorization: `Bearer ${ENV.KB}` } },
      },
    ),
    through(
      'nginx that logs in with a password of its own',
      'bearer.other-scheme',
      `location / { ${HOST} proxy_set_header Authorization "Basic Y3JtOng="; proxy_pass http://GATE; }`,
      {
        sent: { path: '/kb', headers: { ...headers, authorization: `Bearer ${ENV.KB}` } },
      },
    ),
    through(
      'nginx that passes no body on',
      'signature.body-missing',
      `location / { ${HOST} proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_pass http://GATE; }`,
    ),
    through('nginx that passes its own Host on', 'route.nearest', 'location / { proxy_pass http://GATE; }', {
      says: /host/i,
      sent: { path: '/crm', headers: { ...headers, host: 'hooks.example.com' } },
    }),
    through(
      'nginx that adds the prefix of its location',
      'route.nearest',
      `location / { ${HOST} proxy_pass http://GATE/webhooks/; }`,
      { says: /\/webhooks/ },
    ),
    through('nginx that doubles a slash', 'request.rule', `location /in { ${HOST} proxy_pass http://GATE/; }`, {
      says: /segment|slash/,
      sent: { path: '/in/github' },
    }),
    through(
      'a redirect to a slash, followed by GET',
      'route.method-other',
      `location / { ${HOST} proxy_pass http://GATE; proxy_method GET; proxy_pass_request_body off; proxy_set_header Content-Length ""; }`,
      {
        says: /redirect/,
      },
    ),
    through(
      'nginx that makes POST of PUT',
      'route.method-other',
      `location / { ${HOST} proxy_method PUT; proxy_pass http://GATE; }`,
      { says: /PUT/ },
    ),
    through(
      "nginx that does not tell the sender's address",
      'source-ip.hidden-by-nat',
      `location / { ${HOST} proxy_pass http://GATE; }`,
      {
        sent: { path: '/partner' },
        says: /X-Forwarded-For/,
      },
    ),
    through(
      'nginx that is not trusted',
      'source-ip.own-proxy',
      `location / { ${HOST} proxy_set_header X-Forwarded-For 203.0.113.9; proxy_pass http://OPEN; }`,
      {
        sent: { path: '/partner' },
      },
    ),
    through(
      'an address with a port, of an application gateway',
      'request.rule',
      `location / { ${HOST} proxy_set_header X-Forwarded-For "203.0.113.9:51234"; proxy_pass http://GATE; }`,
      {
        sent: { path: '/partner' },
        says: /port/,
      },
    ),
    through(
      '"unknown" as the address',
      'request.rule',
      `location / { ${HOST} proxy_set_header X-Forwarded-For unknown; proxy_pass http://GATE; }`,
      {
        sent: { path: '/partner' },
      },
    ),
    through(
      'two proxies, and the nearer one alone is trusted',
      'source-ip.second-proxy',
      `location / { ${HOST} proxy_set_header X-Forwarded-For "203.0.113.9, 172.64.0.7"; proxy_pass http://GATE; }`,
      {
        sent: { path: '/partner' },
      },
    ),
    through(
      'an IPv4 address written in IPv6 form that is not listed',
      'source-ip.beside',
      `location / { ${HOST} proxy_set_header X-Forwarded-For "::ffff:203.0.113.40"; proxy_pass http://GATE; }`,
      {
        sent: { path: '/partner' },
      },
    ),
    through(
      'nginx that sets another type',
      'content-type.json-as-other',
      `location / { ${HOST} proxy_set_header Content-Type text/plain; proxy_pass http://GATE; }`,
    ),
    through(
      'nginx that adds a charset of its own',
      'content-type.charset',
      `location / { ${HOST} proxy_set_header Content-Type "$http_content_type; charset=windows-1252"; proxy_pass http://GATE; }`,
    ),
    through(
      'nginx that takes Content-Type away',
      'content-type.missing',
      `location / { ${HOST} proxy_set_header Content-Type ""; proxy_pass http://GATE; }`,
    ),
    through(
      'nginx that drops fields with an underscore',
      'signature.not-signed',
      `location / { ${HOST} proxy_pass http://GATE; }`,
      {
        sent: {
          headers: { 'content-type': 'application/json', x_hub_signature_256: sign(BODY), 'user-agent': 'crm/1.0' },
        },
      },
    ),
    through(
      'a mirror that signs nothing',
      'signature.not-signed',
      `location / { ${HOST} proxy_pass_request_headers off; proxy_set_header Content-Type application/json; proxy_pass http://GATE; }`,
    ),
    through(
      'nginx that replaces the body',
      'signature.body-reserialised',
      `location / { ${HOST} proxy_set_body '{"id":5,"name":"Grüße"}'; proxy_pass http://GATE; }`,
    ),
  ],
})

/** Proxies between sender and gate: a real nginx that is set up wrong. */
export const between: Family = {
  name: family.name,
  needs: ['nginx', '-v'],
  async open() {
    const { entries, close } = await family.open()
    return {
      entries,
      async close() {
        for (const stop of closers.splice(0)) await stop()
        fronts.clear()
        await close()
      },
    }
  },
}
