import { readFileSync } from 'node:fs'
import { createServer, Agent as PlainAgent, type RequestListener } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
import { AUDIENCE, type Forge, ISSUER, tokenCases } from './forged-tokens.ts'
import { type Dial, deviations, startWitness } from './replay.ts'

interface Web {
  readonly url: string
  readonly asked: () => number
  close(): void
}

async function serve(answer: RequestListener): Promise<Web> {
  let count = 0
  const server = createServer((req, res) => {
    count++
    answer(req, res)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => count,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const config = (upstream: number, jwks: string, listener = ''): string => `
listeners:
  - name: public
    bind: 127.0.0.1:0
${listener}
routes:
  - name: x
    match: { path: /hooks/x, host: gw.test }
    checks:
      - jwt:
          issuer: ${ISSUER}
          audience: ${AUDIENCE}
          algorithms: [RS256, ES256]
          typ: at+jwt
          jwks: { url: "${jwks}" }
    forward: { to: http://127.0.0.1:${upstream}/hooks/x }
`
const TLS = '    tls: { certificates: [{ cert: server.crt, key: server.key }] }'
const BODY = '{"a":1}'
const requestWith = (token: string): string =>
  `POST /hooks/x HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`

const ec = makeIssuer('ES256')
const rsa = makeIssuer('RS256')
const stranger = makeIssuer('ES256', 'stranger')

describe.each([
  ['plain HTTP', false],
  ['TLS', true],
])('forged tokens over %s', (_name, tls) => {
  let gate: RunningGate
  let witness: Awaited<ReturnType<typeof startWitness>>
  let issuer: Web
  let trap: Web
  let forge: Forge

  beforeAll(async () => {
    const folder = tempFolder()
    if (tls) await makeCertificates(folder)
    const keys = await jwksOf(ec, rsa)
    issuer = await serve((_req, res) => res.setHeader('content-type', 'application/jwk-set+json').end(keys))
    const bait = await jwksOf(stranger)
    trap = await serve((_req, res) => res.end(bait))
    forge = { ec, rsa, stranger, trap: trap.url }
    witness = await startWitness()
    gate = await startGate(config(witness.port, issuer.url, tls ? TLS : ''), {}, folder)
  }, 60_000)

  afterAll(async () => {
    witness.close()
    issuer.close()
    trap.close()
    expect(await gate.stop(), gate.stderr()).toBe(0)
  }, 60_000)

  it('are refused, case by case, and right ones are forwarded', async () => {
    const dial: Dial = { port: gate.port('public'), tls }
    const wrong: string[] = []
    for (const { id, what, make, admitted } of tokenCases) {
      const attack = {
        id,
        what,
        send: [requestWith(await make(forge))],
        expect: admitted ? { status: [200], forwarded: [1] } : { status: [401], forwarded: [0] },
      }
      for (const each of await deviations(attack, dial, witness)) wrong.push(`${id} ${what}: ${each}`)
    }
    expect(wrong).toEqual([])
    expect(trap.asked(), "a stranger's address was asked").toBe(0)
  }, 120_000)

  it('with a thousand unknown kids fetch the set at most once', async () => {
    const before = issuer.asked()
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'a', exp: Math.floor(Date.now() / 1000) + 60 }
    const agent = tls
      ? new TlsAgent({ keepAlive: true, maxSockets: 8 })
      : new PlainAgent({ keepAlive: true, maxSockets: 8 })
    const codes = new Map<string, number>()
    const send = async (kid: string): Promise<void> => {
      const token = await tokenOf(ec, claims, { typ: 'at+jwt', kid })
      const headers = { host: 'gw.test', 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const reply = await ask({ port: gate.port('public'), path: '/hooks/x', headers, body: BODY, agent, ...trusted })
      codes.set(reply.code, (codes.get(reply.code) ?? 0) + 1)
    }
    // Without a server name, as the Host is another one.
    const trusted = tls ? { tls: { ca: readFileSync(join(gate.folder, 'ca.crt')), servername: '' } } : {}
    await Promise.all(Array.from({ length: 1000 }, (_, i) => send(`kid-${i}`)))
    agent.destroy()
    expect(codes).toEqual(new Map([['jwt.key', 1000]]))
    expect(issuer.asked() - before).toBeLessThanOrEqual(1)
  }, 60_000)
})

describe('a key set that can not be had', () => {
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'a', exp: Math.floor(Date.now() / 1000) + 600 }

  it.each<[string, (trap: string) => RequestListener]>([
    ['is redirected', trap => (_req, res) => res.writeHead(302, { location: `${trap}/jwks` }).end()],
    [
      'never ends',
      () => (_req, res) => {
        const more = setInterval(() => res.write('{"keys":['.padEnd(65_536)), 1)
        res.on('close', () => clearInterval(more))
      },
    ],
    ['is no set', () => (_req, res) => res.end('<html>')],
  ])(
    'because it %s admits nobody, and says why',
    async (_name, answer) => {
      const bait = await jwksOf(stranger)
      const trap = await serve((_req, res) => res.end(bait))
      const issuer = await serve(answer(trap.url))
      const gate = await startGate(config(9, issuer.url))
      try {
        for (const by of [ec, stranger]) {
          const token = await tokenOf(by, claims, { typ: 'at+jwt' })
          const headers = { host: 'gw.test', 'content-type': 'application/json', authorization: `Bearer ${token}` }
          const reply = await ask({ port: gate.port('public'), path: '/hooks/x', headers, body: BODY })
          expect([reply.status, reply.code, reply.headers['retry-after']]).toEqual([503, 'jwt.unavailable', '30'])
        }
        const told = await gate.line(({ code }) => code === 'jwt.unavailable')
        expect(JSON.stringify(told.evidence)).toContain(issuer.url)
        expect(trap.asked()).toBe(0)
      } finally {
        issuer.close()
        trap.close()
        expect(await gate.stop()).toBe(0)
      }
    },
    60_000,
  )
})
