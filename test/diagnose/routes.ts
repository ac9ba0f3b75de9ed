import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates } from '../support/gate.ts'
import { gateFamily, type Place, type Request, type Sent } from './gate-family.ts'

const headers = { 'content-type': 'application/json', authorization: 'Bearer kb-1f8e3d6c9b2a47508d7e' }
const post = (
  what: string,
  cause: string,
  path: string,
  more: Partial<Request> & { sent?: Partial<Sent> } = {},
): Request => {
  const { sent, ...rest } = more
  return { what, cause, ...rest, send: (): Sent => ({ path, headers, body: '{}', ...sent }) }
}
const CHECKS = 'checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: UPSTREAM/in }'
const secure = ({ folder }: Place, servername: string, host: string, path: string): Sent => ({
  to: 'tls',
  path,
  headers: { ...headers, host },
  body: '{}',
  tls: { ca: readFileSync(join(folder, 'certs/ca.crt')), servername },
})

/** URLs, hosts and methods that lead to no route. */
export const routes = gateFamily({
  name: 'routes',
  env: { KB: 'kb-1f8e3d6c9b2a47508d7e' },
  listeners: 3,
  prepare: folder => makeCertificates(join(folder, 'certs')),
  config: `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
  - { name: behind, bind: "127.0.0.1:0", trusted-proxies: [127.0.0.1] }
  - { name: tls, bind: "127.0.0.1:0", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] } }
routes:
  - { name: telegram, match: { path: /hooks/telegram/bot-7 }, ${CHECKS} }
  - { name: zendesk, match: { path: /hooks/zendesk/ }, ${CHECKS} }
  - { name: crm, match: { path: /hooks/crm, host: crm.example.com }, ${CHECKS} }
  - { name: one, match: { path: /one, host: localhost }, ${CHECKS} }
  - { name: two, match: { path: /one, host: two.example.com }, ${CHECKS} }
  - { name: partner, match: { path: /partner }, checks: [{ source-ip: { allow: [203.0.113.0/28] } }], forward: { to: UPSTREAM/in } }
  - { name: gone, match: { path: /gone }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }, { schema: { file: no-such-schema.json } }], forward: { to: UPSTREAM/in } }
  - { name: nowhere, match: { path: /nowhere }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "http://127.0.0.1:1/in" } }
`,
  requests: [
    post('the suffix of the path left out', 'route.nearest', '/hooks/telegram', { says: /lacks the suffix \/bot-7/ }),
    post('a slash too many', 'route.nearest', '/hooks/telegram/bot-7/', { says: /slash too many/ }),
    post('a slash too few', 'route.nearest', '/hooks/zendesk', { says: /lacks the slash/ }),
    post('another case', 'route.nearest', '/Hooks/Telegram/bot-7', { says: /upper and lower case/ }),
    post('a letter wrong', 'route.nearest', '/hooks/telegran/bot-7', { says: /telegram/ }),
    post('a prefix that the proxy should take off', 'route.nearest', '/gate/hooks/zendesk/', {
      says: /\/gate before it/,
    }),
    post('a prefix that the proxy takes off', 'route.nearest', '/telegram/bot-7', { says: /lacks \/hooks before it/ }),
    post('a proxy that writes its own Host', 'route.nearest', '/hooks/crm', {
      says: /host/,
      sent: { headers: { ...headers, host: '10.0.0.5:8080' } },
    }),
    post('two slashes of a joined URL', 'request.rule', '//hooks/telegram/bot-7', { says: /empty segment/ }),
    post('the placeholder of the manual', 'route.nearest', '/hooks/telegram/%7Bbot-id%7D', { says: /telegram/ }),
    post('GET by a browser', 'route.method-other', '/hooks/telegram/bot-7', {
      says: /POST/,
      sent: { method: 'GET', body: '' },
    }),
    post('PUT in place of POST', 'route.method-other', '/hooks/telegram/bot-7', {
      says: /PUT/,
      sent: { method: 'PUT' },
    }),
    post('a schema file that is not there', 'route.missing-resource', '/gone', { says: /no-such-schema/ }),
    post('an upstream that does not listen', 'upstream.closed', '/nowhere'),
    post("Telegram's webhook, set to the URL of a partner", 'source-ip.other-provider', '/partner', {
      says: /Telegram/,
      sent: { to: 'behind', headers: { ...headers, 'x-forwarded-for': '149.154.167.220' } },
    }),
    {
      what: 'SNI for one route, Host of another',
      cause: 'request.server-name',
      says: /localhost.*two\.example\.com/,
      send: place => secure(place, 'localhost', 'two.example.com', '/one'),
    },
  ],
})
