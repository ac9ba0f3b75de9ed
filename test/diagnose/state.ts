import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import { explain } from '../../src/cli/explain.ts'
import type { Finding } from '../../src/core/finding.ts'
import type { Explanation } from '../../src/pipeline/explanation.ts'
import { runVerb } from '../cli/run-verb.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import { type Ask, ask } from '../support/client.ts'
import { startGate, tempFolder } from '../support/gate.ts'
import { Kept } from '../support/kept.ts'
import { freePort } from '../support/ports.ts'
import { jwtLike } from '../support/tokens.ts'
import type { Entry, Family } from './entry.ts'
import { findingsOf } from './gate-family.ts'

const ENV = {
  ADMIN_TOKEN: 'the-admin-token-of-the-catalogue',
  GITHUB: 'gh-6b1d0f9e4c3a8275',
  SECRET: 'a-secret-of-the-gate',
  WRONG: 'another-secret',
  VERIFY: 'verify-7c41e9a2',
  VERIFY_TWO: 'verify-52ab9c0e',
  META: 'an-app-secret-of-meta',
  KB: 'kb-1f8e3d6c9b2a47508d7e',
}
const JSON_TYPE = { 'content-type': 'application/json' }

/** An upstream that keeps the path /slow waiting until it is told to go on. */
async function startCrm() {
  const held: (() => void)[] = []
  const server = createServer((req, res) => {
    const answer = (): void => void res.setHeader('content-type', 'application/json').end('{}')
    req.resume().on('end', () => (req.url === '/slow' ? held.push(answer) : answer()))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    close: () => {
      for (const answer of held.splice(0)) answer()
      server.closeAllConnections()
      server.close()
    },
  }
}

const config = (crm: string, server: AuthorizationServer, closed: number, admin: number, past: string): string => `
admin: { bind: "127.0.0.1:${admin}", token: { env: ADMIN_TOKEN } }
captures: { keep: 1000 }
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: github, match: { path: /github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }] } }, { replay: { window: 10m } }], forward: { to: "${crm}/slow" } }
  - { name: anything, match: { path: /anything }, checks: [{ source-ip: { allow: [127.0.0.1] } }, { replay: { window: 10m } }], forward: { to: "${crm}/slow" } }
  - { name: token, match: { path: /token }, checks: [{ introspection: { endpoint: "${server.url}", client: { id: gate, secret: { env: SECRET } }, audience: crm, issuer: "https://id.example.com", scopes: ["articles:write"] } }], forward: { to: "${crm}/in" } }
  - { name: wrong, match: { path: /wrong }, checks: [{ introspection: { endpoint: "${server.url}", client: { id: gate, secret: { env: WRONG } } } }], forward: { to: "${crm}/in" } }
  - { name: down, match: { path: /down }, checks: [{ introspection: { endpoint: "http://127.0.0.1:${closed}/introspect", client: { id: gate, secret: { env: SECRET } } } }], forward: { to: "${crm}/in" } }
  - { name: silent, match: { path: /silent }, checks: [{ introspection: { endpoint: "${server.url}", client: { id: gate, secret: { env: SECRET } }, timeout: 300ms } }], forward: { to: "${crm}/in" } }
  - { name: meta, match: { path: /meta }, checks: [{ signature: { provider: meta, secrets: [{ env: META }] } }, { challenge: { verify-token: { env: VERIFY } } }], forward: { to: "${crm}/in" } }
  - { name: meta-two, match: { path: /meta-two }, checks: [{ signature: { provider: meta, secrets: [{ env: META }] } }, { challenge: { verify-token: { env: VERIFY_TWO } } }], forward: { to: "${crm}/in" } }
  - { name: nylas, match: { path: /nylas }, checks: [{ signature: { provider: nylas, secrets: [{ env: KB }] } }, { challenge: {} }], forward: { to: "${crm}/in" } }
  - { name: nylas-over, match: { path: /nylas-over }, checks: [{ signature: { provider: nylas, secrets: [{ env: KB }] } }, { challenge: { open-until: ${past} } }], forward: { to: "${crm}/in" } }
  - { name: plain, match: { path: /plain }, checks: [{ signature: { provider: meta, secrets: [{ env: META }] } }], forward: { to: "${crm}/in" } }
  - { name: principal, match: { path: /principal }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }, { rate-limit: { rate: 2/h, by: principal } }], forward: { to: "${crm}/in" } }
  - { name: nobody, match: { path: /nobody }, checks: [{ rate-limit: { rate: 2/h, by: principal } }, { bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "${crm}/in" } }
`

/** What depends on more than the request: events under way, an authorization server, handshakes, what a sender had before. */
export const state: Family = {
  name: 'state',
  async open() {
    const crm = await startCrm()
    const server = await startAuthorizationServer('gate', ENV.SECRET)
    const folder = tempFolder()
    const past = `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`
    const yaml = config(crm.url, server, await freePort(), await freePort(), past)
    const gate = await startGate(yaml, ENV, folder, 2)
    const port = gate.port('public')
    const kept = new Kept({ port: gate.port('admin'), token: ENV.ADMIN_TOKEN })
    const explained = async (id: string): Promise<readonly Finding[]> => {
      await kept.keeps(id)
      const { stdout, stderr } = await runVerb(explain, [id, '--config', 'gate.yaml', '--json'], {
        env: ENV,
        cwd: folder,
      })
      if (stdout === '') throw new Error(`it was not refused: ${stderr}`)
      return findingsOf(JSON.parse(stdout) as Explanation)
    }
    const send = async (what: Omit<Ask, 'port'>): Promise<readonly Finding[]> => {
      await kept.turn()
      return explained(String((await ask({ port, ...what })).headers['x-request-id']))
    }
    /** Twice at once: the second is asked about while the first waits for the upstream. */
    const twice = async (what: Omit<Ask, 'port'>): Promise<readonly Finding[]> => {
      const waiting = crm.held.length
      const first = ask({ port, ...what })
      while (crm.held.length === waiting) await new Promise(resolve => setTimeout(resolve, 20))
      const found = await send(what)
      crm.held.pop()?.()
      await first
      return found
    }
    let made = 0
    /** A token of which the server says this. */
    const token = (said: Parameters<AuthorizationServer['tokens']['set']>[1], text = `opaque-${++made}`): string => {
      server.tokens.set(text, said)
      return text
    }
    const bearer = (path: string, text: string) =>
      send({ path, headers: { ...JSON_TYPE, authorization: `Bearer ${text}` }, body: '{}' })
    const active = { active: true, sub: 'kb', aud: 'crm', iss: 'https://id.example.com', scope: 'articles:write' }
    const about = (what: string, cause: string, changes: object, more: Partial<Entry> = {}): Entry => ({
      what,
      cause,
      ...more,
      tell: () => bearer('/token', token({ body: { ...active, ...changes } })),
    })
    const hub = (verify: string, path = '/meta') => ({
      method: 'GET',
      path: `${path}?hub.mode=subscribe&hub.challenge=77&hub.verify_token=${encodeURIComponent(verify)}`,
    })
    const now = (): number => Math.floor(Date.now() / 1000)
    const entries: readonly Entry[] = [
      {
        what: 'a sender that tries again before the CRM has answered',
        cause: 'replay.second-try',
        says: /answer first/,
        tell: async () =>
          twice({
            path: '/github',
            headers: {
              ...JSON_TYPE,
              'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
              'x-hub-signature-256': await signForGitHub(ENV.GITHUB, '{"id":5}'),
            },
            body: '{"id":5}',
          }),
      },
      {
        what: 'two events without an id that look alike, while the CRM works',
        cause: 'replay.second-try',
        says: /body/,
        tell: () => twice({ path: '/anything', headers: JSON_TYPE, body: '{"event":"ping"}' }),
      },
      {
        what: 'an opaque token that was withdrawn',
        cause: 'introspection.ended',
        tell: () => bearer('/token', token({ body: { active: false } })),
      },
      {
        what: 'a token of another authorization server',
        cause: 'introspection.other-issuer',
        says: /login\.other\.example/,
        tell: () => bearer('/token', jwtLike({ iss: 'https://login.other.example/', exp: now() + 600 })),
      },
      {
        what: 'a token that ended, as it says itself',
        cause: 'introspection.expired',
        tell: () => bearer('/token', jwtLike({ iss: new URL(server.url).origin, exp: now() - 600 })),
      },
      about('a token for another audience', 'introspection.audience', { aud: 'billing' }, { says: /billing/ }),
      about(
        'a token that the server gives another issuer',
        'introspection.issuer',
        { iss: 'https://id.test.example.com' },
        {
          says: /id\.test\.example\.com/,
        },
      ),
      about(
        'a token that lacks the scope',
        'introspection.scope',
        { scope: 'articles:read' },
        { says: /articles:write/ },
      ),
      about('a scope with a letter wrong', 'introspection.scope-mistyped', { scope: 'article:write' }),
      about('an answer without anybody', 'introspection.claim-missing', { sub: undefined }, { says: /sub/ }),
      about('times in milliseconds', 'introspection.milliseconds', { nbf: Date.now() }),
      {
        what: 'a client secret that the authorization server does not know',
        cause: 'introspection.client-refused',
        says: /401/,
        tell: () => bearer('/wrong', 'opaque-x'),
      },
      {
        what: 'an authorization server that does not listen',
        cause: 'introspection.unreachable',
        says: /ECONNREFUSED|does not listen|nothing listens/,
        tell: () => bearer('/down', 'opaque-x'),
      },
      {
        what: 'an authorization server that does not answer in time',
        cause: 'introspection.no-answer',
        says: /300/,
        tell: () => bearer('/silent', token('nothing')),
      },
      {
        what: 'a page in place of the answer of the introspection endpoint',
        cause: 'introspection.no-json',
        tell: () => bearer('/token', token({ body: '<html>log in</html>' })),
      },
      {
        what: 'an introspection endpoint that has moved',
        cause: 'introspection.no-endpoint',
        says: /404/,
        tell: () => bearer('/token', token({ status: 404, body: 'no' })),
      },
      {
        what: 'no token',
        cause: 'introspection.not-sent',
        tell: () => send({ path: '/token', headers: JSON_TYPE, body: '{}' }),
      },
      { what: 'the verify token of before', cause: 'challenge.other-token', tell: () => send(hub('of-before')) },
      {
        what: "the verify token of another page's webhook",
        cause: 'challenge.other-route',
        says: /meta-two/,
        tell: () => send(hub(ENV.VERIFY_TWO)),
      },
      {
        what: 'the verify token with a blank',
        cause: 'challenge.token-blank',
        tell: () => send(hub(`${ENV.VERIFY} `)),
      },
      {
        what: 'the verify token in capitals',
        cause: 'challenge.token-case',
        tell: () => send(hub(ENV.VERIFY.toUpperCase())),
      },
      {
        what: 'a handshake that brings no verify token',
        cause: 'route.method-other',
        says: /handshake/,
        tell: () => send({ method: 'GET', path: '/meta?hub.mode=subscribe&hub.challenge=77' }),
      },
      {
        what: 'the handshake of a service at a route that knows of none',
        cause: 'route.method-other',
        says: /challenge/,
        tell: () => send(hub(ENV.VERIFY, '/plain')),
      },
      {
        what: 'the handshake of a service at a path that is not there',
        cause: 'route.nearest',
        says: /meta/,
        tell: () => send(hub(ENV.VERIFY, '/metaa')),
      },
      {
        what: 'registering an endpoint whose window was never opened',
        cause: 'challenge.never-open',
        says: /open-until/,
        tell: () => send({ method: 'GET', path: '/nylas?challenge=77' }),
      },
      {
        what: 'registering an endpoint an hour after its window closed',
        cause: 'challenge.window-over',
        says: /36\d\d s ago/,
        tell: () => send({ method: 'GET', path: '/nylas-over?challenge=77' }),
      },
      {
        what: 'one client that sends more than its share',
        cause: 'rate-limit.own-limit',
        says: /kb/,
        tell: async () => {
          const one = { path: '/principal', headers: { ...JSON_TYPE, authorization: `Bearer ${ENV.KB}` }, body: '{}' }
          for (let sent = 0; sent < 2; sent++) await ask({ port, ...one })
          return send(one)
        },
      },
      {
        what: 'a limit by principal that stands before anybody is known',
        cause: 'rate-limit.nobody-yet',
        says: /before rate-limit/,
        also: ['rate-limit.shared-address'],
        tell: async () => {
          const one = { path: '/nobody', headers: { ...JSON_TYPE, authorization: `Bearer ${ENV.KB}` }, body: '{}' }
          for (let sent = 0; sent < 2; sent++) await ask({ port, ...one })
          return send(one)
        },
      },
    ]
    return {
      entries,
      async close() {
        crm.close()
        await gate.stop()
        await server.close()
      },
    }
  },
}
