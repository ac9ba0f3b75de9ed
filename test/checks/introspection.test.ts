import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { introspection } from '../../src/checks/introspection.ts'
import { type AuthorizationServer, startAuthorizationServer } from '../support/authorization-server.ts'
import {
  compile,
  type DenyCase,
  fakeCertificate,
  fakeRequest,
  fakeResources,
  NOW,
  type RequestDescription,
  testCheck,
} from './testCheck.ts'

const S = NOW / 1000
const server = await startAuthorizationServer()
afterAll(() => server.close())

const resources = { secrets: { SECRET: 'a secret', WRONG: 'another' } }
const client = { id: 'gate', secret: { env: 'SECRET' } }
const config = { endpoint: server.url, client, audience: 'crm', scopes: ['articles:write'], timeout: '300ms' }
const good = { active: true, sub: 'kb-sync', aud: 'crm', exp: S + 600, scope: 'articles:write' }
const certificate = fakeCertificate({ fingerprint: 'ab'.repeat(32) })
const bound = { 'x5t#S256': Buffer.from(certificate.fingerprint, 'hex').toString('base64url') }

let made = 0
/** A request with a token of which the server says this. */
function of(
  said: Parameters<AuthorizationServer['tokens']['set']>[1],
  more: RequestDescription = {},
): RequestDescription {
  const token = `opaque-${++made}`
  server.tokens.set(token, said)
  return { headers: { Authorization: `Bearer ${token}` }, ...more }
}
const about = (changes: object, more: RequestDescription = {}) => of({ body: { ...good, ...changes } }, more)

const tokenIn = (request: RequestDescription) => String(request.headers?.Authorization).slice('Bearer '.length)

type Code = keyof typeof introspection.denials
const refused = (
  name: string,
  code: Code,
  request: RequestDescription,
  more: Partial<DenyCase<Code>> = {},
): DenyCase<Code> => ({ name, code, config, resources, request, ...more })

testCheck(introspection, {
  allows: [
    {
      name: 'an active token',
      config,
      resources,
      request: about({}),
      adds: { principal: 'kb-sync', principalBy: 'introspection' },
    },
    {
      name: 'the client where there is no sub',
      config,
      resources,
      request: about({ sub: undefined, client_id: 'app' }),
      adds: { principal: 'app' },
    },
    { name: 'a token without an end', config, resources, request: about({ exp: undefined }) },
    {
      name: 'a token that is bound to the certificate of the connection',
      config: { ...config, 'certificate-bound': true },
      resources,
      request: about({ cnf: bound }, { clientCertificate: certificate }),
    },
    {
      name: 'a token in another header',
      config: { ...config, header: 'X-Token' },
      resources,
      request: { headers: { 'X-Token': tokenIn(about({})) } },
    },
  ],
  denies: [
    refused('no header', 'introspection.missing', {}),
    refused('a token with a blank', 'introspection.malformed', { headers: { Authorization: 'Bearer a b' } }),
    refused('a token that is not active', 'introspection.inactive', of({ body: { active: false } })),
    refused('one that is not active, with claims all the same', 'introspection.inactive', about({ active: false })),
    refused('nobody', 'introspection.claims', about({ sub: undefined })),
    refused('an exp that is a text', 'introspection.claims', about({ exp: `${S + 600}` })),
    refused('an exp that has passed', 'introspection.expired', about({ exp: S - 30 })),
    refused('an nbf ahead', 'introspection.not-yet', about({ nbf: S + 31 })),
    refused('no issuer where one is asked for', 'introspection.issuer', about({}), {
      config: { ...config, issuer: 'https://id' },
    }),
    refused('another audience', 'introspection.audience', about({ aud: ['x'] })),
    refused('a bound token without its certificate', 'introspection.bound', about({ cnf: bound })),
    refused('a scope too few', 'introspection.scope', about({ scope: 'articles:read' }), {
      evidence: { principal: 'kb-sync', lacks: 'articles:write', has: ['articles:read'] },
    }),
    refused('an answer of 500', 'introspection.unavailable', of({ status: 500, body: good }), {
      evidence: { because: 'it answered 500' },
    }),
    refused(
      'a redirect',
      'introspection.unavailable',
      of({ status: 302, headers: { location: server.url }, body: good }),
    ),
    refused('no JSON', 'introspection.unavailable', of({ body: 'active' })),
    refused('active twice', 'introspection.unavailable', of({ body: '{"active":false,"active":true,"sub":"a"}' })),
    refused('active as a text', 'introspection.unavailable', about({ active: 'true' })),
    refused('an answer without end', 'introspection.unavailable', of('endless'), {
      evidence: { because: 'its answer is larger than 64 KiB' },
    }),
    refused('no answer in time', 'introspection.unavailable', of('nothing'), {
      evidence: { because: 'no whole answer within 300 ms' },
    }),
    refused('a server that does not know the gate', 'introspection.unavailable', about({}), {
      config: { ...config, client: { id: 'gate', secret: { env: 'WRONG' } } },
      evidence: { because: 'it answered 401: does it know the client, and may the client ask?' },
    }),
    refused('a server that is not there', 'introspection.unavailable', about({}), {
      config: { ...config, endpoint: 'http://127.0.0.1:9/introspect' },
      evidence: { because: 'no answer: ECONNREFUSED' },
    }),
  ],
})

describe('introspection', () => {
  const world = (more: object = {}) => {
    const made = fakeResources(resources)
    const check = compile(introspection, { ...config, ...more }, made)
    const ask = async (request: RequestDescription) => {
      const decision = await check.decide(fakeRequest(request), {})
      return decision.ok === false ? decision.code : decision.ok
    }
    return { ...made, check, ask, asked: () => server.asked.splice(0).length }
  }

  it('asks as RFC 7662 has it, and shows neither token nor secret', async () => {
    const { check } = world()
    server.asked.length = 0
    const request = of({ status: 503, body: {} })
    const said = await check.decide(fakeRequest(request), {})
    expect(server.asked).toEqual([
      {
        token: `opaque-${made}`,
        hint: 'access_token',
        authorization: `Basic ${Buffer.from('gate:a+secret').toString('base64')}`,
        contentType: 'application/x-www-form-urlencoded',
      },
    ])
    expect(inspect([said, check], { depth: 9 })).not.toMatch(/opaque-\d|a\+secret|a secret/)
  })

  it('asks about one token once, however many requests come at once', async () => {
    const { ask, asked } = world()
    server.delay = 20
    asked()
    const request = about({})
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(request)))
    server.delay = 0
    expect(new Set(answers)).toEqual(new Set([true]))
    expect(asked()).toBe(1)
    expect(await ask(request)).toBe(true)
    expect(asked()).toBe(0)
  })

  it('remembers an active token as long as cache says, and no longer than it lives', async () => {
    const { ask, asked, clock } = world({ cache: '1m', skew: '0s' })
    const long = about({})
    const short = about({ exp: S + 10 })
    asked()
    expect([await ask(long), await ask(short)]).toEqual([true, true])
    clock.advance(9_999)
    expect([await ask(long), await ask(short), asked()]).toEqual([true, true, 2])
    clock.advance(1)
    expect([await ask(short), asked()]).toEqual(['introspection.expired', 1])
    clock.advance(50_000)
    server.tokens.set(tokenIn(long), { body: { active: false } })
    expect([await ask(long), asked()]).toEqual(['introspection.inactive', 1])
  })

  it('remembers a token that is not active for a moment, and no failure', async () => {
    const { ask, asked, clock } = world()
    const request = of({ body: { active: false } })
    const token = `opaque-${made}`
    asked()
    for (let i = 0; i < 3; i++) expect(await ask(request)).toBe('introspection.inactive')
    expect(asked()).toBe(1)
    server.tokens.set(token, { body: good })
    clock.advance(5_000)
    expect(await ask(request)).toBe(true)
    const down = of({ status: 500, body: {} })
    asked()
    expect([await ask(down), await ask(down), asked()]).toEqual([
      'introspection.unavailable',
      'introspection.unavailable',
      2,
    ])
  })

  it('judges a remembered answer anew: another certificate, another time', async () => {
    const { ask } = world()
    const request = about({ cnf: bound })
    expect(await ask({ ...request, clientCertificate: certificate })).toBe(true)
    expect(await ask(request)).toBe('introspection.bound')
  })
})
