import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { Secret, SecretRef } from '../../src/core/secret.ts'
import { Bridge } from '../../src/forward/bridge.ts'
import { assertionOf } from '../../src/forward/credentials/assertion.ts'
import { authenticateConfig, type OAuth2Config } from '../../src/forward/credentials/config.ts'
import type { Credential } from '../../src/forward/credentials/credential.ts'
import { type ClientProof, OAuth2 } from '../../src/forward/credentials/oauth2.ts'
import { signature } from '../../src/forward/credentials/signature.ts'
import { apiKey, basic, bearer } from '../../src/forward/credentials/standing.ts'
import type { Outbound } from '../../src/forward/normalise.ts'
import { systemTiming } from '../../src/forward/timing.ts'
import { Upstream } from '../../src/forward/upstream.ts'
import { providers } from '../../src/signing/index.ts'
import { newCredentials } from '../../src/signing/provider.ts'
import { NOW } from '../checks/fakes.ts'
import { gate, outcome, provider } from '../checks/sent.ts'
import { credentials } from '../support/signed.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A real server. */
async function serve(answer: (seen: Seen, res: ServerResponse) => void): Promise<{ url: string; seen: Seen[] }> {
  const all: Seen[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', text => {
      body += text
    })
    req.on('end', () => {
      const seen = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body }
      all.push(seen)
      answer(seen, res)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen: all }
}

function to(url: string): Upstream {
  const upstream = new Upstream(url, { connect: 1_000, response: 2_000 })
  open.push(() => upstream.destroy())
  return upstream
}

const FORM = 'application/x-www-form-urlencoded'
const clock = frozenClock(NOW)
const bridgeOver = (upstream: Upstream, credentials: readonly Credential[]) =>
  new Bridge({
    upstream,
    credentials,
    shaper: undefined,
    turnstile: undefined,
    breaker: undefined,
    retry: undefined,
    patience: 0,
    timing: { ...clock, after: systemTiming.after },
    counts: { retries: 0 },
  })
const secret = (text: string) => new Secret(Buffer.from(text))
const outbound = {
  id: 'ID1',
  method: 'POST',
  path: '/in',
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from('{}'),
}

async function sentWith(...credentials: Credential[]): Promise<Seen | undefined> {
  const { url, seen } = await serve((_seen, res) => res.end('{}'))
  await bridgeOver(to(url), credentials).send(outbound)
  return seen[0]
}

describe('a credential that is at hand', () => {
  it('is a bearer token', async () => {
    expect((await sentWith(bearer(secret('abc.def'))))?.headers.authorization).toBe('Bearer abc.def')
    expect(() => bearer(secret('a\nb'))).toThrow(/no field can hold|what no field/)
  })

  it('is a user with a password, in UTF-8', async () => {
    const sent = (await sentWith(basic('crm', secret('pä:ss'))))?.headers.authorization ?? ''
    expect(Buffer.from(sent.replace('Basic ', ''), 'base64').toString()).toBe('crm:pä:ss')
  })

  it('is a key in a header or in the query', async () => {
    const value = secret('k&1=ö')
    const header = authenticateConfig
      .unwrap()
      .shape['api-key'].unwrap()
      .parse({ header: 'X-Key', value: { env: 'K' }, prefix: 'Token ' })
    expect((await sentWith(apiKey(header, secret('k1'))))?.headers['x-key']).toBe('Token k1')
    expect(() => apiKey(header, value)).toThrow(/no field can hold/)
    const query = authenticateConfig
      .unwrap()
      .shape['api-key'].unwrap()
      .parse({ query: 'key', value: { env: 'K' } })
    const { url = '' } = (await sentWith(apiKey(query, value))) ?? {}
    expect(new URL(url, 'http://x').searchParams.get('key')).toBe('k&1=ö')
  })

  it.each([
    ['/in', '/in?key=k1'],
    ['/in?a=1&b', '/in?a=1&b&key=k1'],
    ['/in?key=other&a=%20', '/in?a=%20&key=k1'],
    ['/in?a=1&key&%6Bey=other&keys=2&KEY=3', '/in?a=1&keys=2&KEY=3&key=k1'],
    ['/in?k%FCy=1', '/in?k%FCy=1&key=k1'],
  ])('is the one key of its name in the query: %s', async (path, sent) => {
    const { url, seen } = await serve((_seen, res) => res.end('{}'))
    const key = { query: 'key', value: new SecretRef('env', 'K'), prefix: '' }
    await bridgeOver(to(url), [apiKey(key, secret('k1'))]).send({ ...outbound, path })
    expect(seen[0]?.url).toBe(sent)
  })

  it.each(providers.flatMap(each => (newCredentials(each) === undefined ? [] : [[each.id, each] as const])))(
    'is the signature of %s, which the gate itself takes',
    async (id, provider) => {
      const { held, given } = credentials(provider)
      const { url, seen } = await serve((_seen, res) => res.end('{}'))
      // Some send forms and nothing else.
      const json = provider.accept === undefined || provider.accept.includes('json')
      const body = Buffer.from(json ? '{"event":"x","timestamp":"1"}' : 'event=x&mandrill_events=%5B%5D')
      const type = json ? 'application/json' : 'application/x-www-form-urlencoded'
      const message = { ...outbound, path: '/in?a=1', headers: ['Content-Type', type], body }
      await bridgeOver(to(url), [signature(provider, secret(held), url)]).send(message)
      const [got] = seen
      const headers = Object.fromEntries(
        Object.entries(got?.headers ?? {}).map(([name, value]) => [name, String(value)]),
      )
      const sent = { headers, body: got?.body ?? '', url: url + (got?.url ?? '') }
      expect(outcome(gate(id, given)(sent))).toBe('ok')
    },
  )
})

describe('a signature that is written into the body', () => {
  const braintree = credentials(provider('braintree'))

  it.each<[string, string[], Buffer | undefined]>([
    ['JSON', outbound.headers, outbound.body],
    ['a form of its own', ['content-type', FORM], Buffer.from('bt_payload=PHg%2B')],
    ['nothing', [], undefined],
  ])('is sent under its own type, and the gate takes it (from %s)', async (_from, headers, body) => {
    const { url, seen } = await serve((_seen, res) => res.end('{}'))
    const signing = signature(provider('braintree'), secret(braintree.held), url)
    await bridgeOver(to(url), [signing]).send({ ...outbound, headers: ['X-A', '1', ...headers], body })
    const [got] = seen
    expect(got?.headers).toMatchObject({ 'content-type': FORM, 'x-a': '1' })
    const sent = { headers: { 'content-type': got?.headers['content-type'] ?? '' }, body: got?.body ?? '' }
    expect(outcome(gate('braintree', braintree.given)(sent))).toBe('ok')
  })
})

describe('a token by client credentials', () => {
  const config = (url: string, more: object = {}): OAuth2Config =>
    authenticateConfig
      .unwrap()
      .shape.oauth2.unwrap()
      .parse({ 'token-url': `${url}/token`, 'client-id': 'crm:1', ...more })

  /** A token endpoint that numbers its tokens, and an API that takes those of `valid`. */
  async function service(life: unknown = 3600) {
    const state = {
      valid: (token: string) => token.startsWith('t'),
      answer: undefined as ((res: ServerResponse) => void) | undefined,
      asked: 0,
    }
    const { url, seen } = await serve((got, res) => {
      if (got.url === '/token') {
        state.asked++
        if (state.answer) state.answer(res)
        else
          setTimeout(
            () => res.end(JSON.stringify({ access_token: `t${state.asked}`, token_type: 'Bearer', expires_in: life })),
            20,
          )
      } else res.writeHead(state.valid(String(got.headers.authorization).replace('Bearer ', '')) ? 200 : 401).end('{}')
    })
    return { url, seen, state, apiCalls: () => seen.filter(each => each.url === '/in') }
  }
  const bridge = (url: string, oauth2: OAuth2) => bridgeOver(to(url), [oauth2])
  const oauth = (url: string, proof: ClientProof, more: object = {}) =>
    new OAuth2(config(url, more), proof, to(url), clock)

  it('is fetched once, however many wait for it', async () => {
    const { url, state, apiCalls } = await service()
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    const answers = await Promise.all(Array.from({ length: 50 }, () => sender.send(outbound)))
    expect(answers.every(answer => answer.ok && answer.status === 200)).toBe(true)
    expect([state.asked, apiCalls().length]).toEqual([1, 50])
  })

  it('is kept until shortly before its end', async () => {
    const { url, state } = await service(100)
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    await sender.send(outbound)
    clock.advance(89_000)
    await sender.send(outbound)
    expect(state.asked).toBe(1)
    clock.advance(2_000)
    await sender.send(outbound)
    expect(state.asked).toBe(2)
  })

  it('is fetched anew once on a 401, however many met it, and a second 401 goes back', async () => {
    const { url, state, apiCalls } = await service()
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    await sender.send(outbound)
    state.valid = token => token === 't2'
    const answers = await Promise.all(Array.from({ length: 20 }, () => sender.send(outbound)))
    expect(answers.every(answer => answer.ok && answer.status === 200)).toBe(true)
    expect(state.asked).toBe(2)
    state.valid = () => false
    const before = apiCalls().length
    expect(await sender.send(outbound)).toMatchObject({ ok: true, status: 401 })
    expect([state.asked, apiCalls().length - before]).toEqual([3, 2])
  })

  it('is fetched anew after a 401 to what streams, which is sent once more where it has no body', async () => {
    const { url, state, apiCalls } = await service()
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    const streaming = (text?: string): Outbound => {
      const body =
        text === undefined
          ? undefined
          : { length: text.length, readable: Readable.from([Buffer.from(text)]), onBroken: () => undefined }
      return { ...outbound, method: body ? 'POST' : 'GET', body: undefined, streams: { body } }
    }
    const statusOf = async (sent: Outbound): Promise<number> => {
      const answer = await sender.send(sent)
      if (!answer.ok) return 0
      if (answer.body instanceof Readable) await answer.body.resume().toArray()
      return answer.status
    }
    expect(await statusOf(streaming('one'))).toBe(200)
    state.valid = token => token === 't2'
    expect([await statusOf(streaming('two')), await statusOf(streaming('three'))]).toEqual([401, 200])
    state.valid = token => token === 't3'
    expect(await statusOf(streaming())).toBe(200)
    expect([state.asked, apiCalls().map(({ body }) => body)]).toEqual([3, ['one', 'two', 'three', '', '']])
  })

  it('is asked for with the secret in the Authorization field, each part form-encoded', async () => {
    const { url, seen } = await service()
    await bridge(url, oauth(url, { secret: secret('p:ä %') }, { scopes: ['a', 'b'], audience: 'x' })).send(outbound)
    const [asked] = seen
    const pair = Buffer.from(String(asked?.headers.authorization).replace('Basic ', ''), 'base64').toString()
    expect(pair).toBe('crm%3A1:p%3A%C3%A4+%25')
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'x',
    })
  })

  it('is asked for with the secret in the form', async () => {
    const { url, seen } = await service()
    await bridge(url, oauth(url, { secret: secret('p&s') }, { 'client-auth': 'post' })).send(outbound)
    expect(seen[0]?.headers).not.toHaveProperty('authorization')
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toMatchObject({
      client_id: 'crm:1',
      client_secret: 'p&s',
    })
  })

  it('is asked for by a certificate alone', async () => {
    const { url, seen } = await service()
    await bridge(url, oauth(url, undefined)).send(outbound)
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'crm:1',
    })
  })

  it.each([
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), undefined],
    ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), undefined],
    ['Ed25519', generateKeyPairSync('ed25519'), undefined],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }), undefined],
    ['PS256', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'PS256'],
  ] as const)('is asked for with an assertion, %s', async (algorithm, { privateKey, publicKey }, asked) => {
    const { url, seen } = await service()
    const jwt = { key: { env: 'K' }, 'key-id': 'k1', ...(asked ? { algorithm: asked } : {}) }
    const parsed = config(url, { 'private-key-jwt': jwt })
    const pem = secret(String(privateKey.export({ type: 'pkcs8', format: 'pem' })))
    if (parsed['private-key-jwt'] === undefined) throw new Error('not parsed')
    const assertion = assertionOf(parsed, parsed['private-key-jwt'], pem)
    await bridge(url, new OAuth2(parsed, { assertion }, to(url), clock)).send(outbound)
    const form = new URLSearchParams(seen[0]?.body)
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    const text = form.get('client_assertion') ?? ''
    const options = { audience: `${url}/token`, issuer: 'crm:1', subject: 'crm:1', currentDate: new Date(clock.now()) }
    const { payload } = await jwtVerify(text, publicKey, options)
    expect(payload.jti).toMatch(/^[0-9a-f-]{36}$/)
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60)
    expect(decodeProtectedHeader(text)).toMatchObject({ alg: algorithm, kid: 'k1', typ: 'JWT' })
  })

  it('is not asked for with a key that does not fit', () => {
    const made = (key: string, algorithm?: string) => {
      const parsed = config('http://x', {
        'private-key-jwt': { key: { env: 'K' }, ...(algorithm ? { algorithm } : {}) },
      })
      if (parsed['private-key-jwt'] === undefined) throw new Error('not parsed')
      return assertionOf(parsed, parsed['private-key-jwt'], secret(key))
    }
    const pem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
    expect(() => made('no key')).toThrow(/no private key/)
    expect(() => made(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey), 'RS256')).toThrow(
      /can not sign RS256/,
    )
    expect(() => made(pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey))).toThrow(
      /can not sign RS256/,
    )
    expect(() => made(pem(generateKeyPairSync('x25519').privateKey))).toThrow(/can not sign/)
  })

  it.each<[string, (res: ServerResponse) => void, RegExp]>([
    [
      'an OAuth error',
      res => res.writeHead(400).end('{"error":"invalid_client","error_description":"hunter22"}'),
      /answered 400: invalid_client$/,
    ],
    ['another status', res => res.writeHead(500).end('hunter22'), /answered 500$/],
    ['no JSON', res => res.end('hunter22'), /no access_token/],
    ['no token', res => res.end('{"token_type":"Bearer"}'), /no access_token/],
    [
      'a token that breaks a field',
      res => res.end('{"access_token":"a\\r\\nX: hunter22","token_type":"Bearer"}'),
      /no access_token/,
    ],
    ['a token of another type', res => res.end('{"access_token":"hunter22","token_type":"DPoP"}'), /no bearer token/],
    ['an endless answer', res => res.end(Buffer.alloc(1024 * 1024, 'x')), /more than any token needs/],
    ['nothing', res => res.destroy(), /closed the connection|ECONNRESET|hang up/],
  ])(
    'is not had from %s: nothing is sent, and the endpoint is left alone for a second',
    async (_name, answer, said) => {
      const { url, state, apiCalls } = await service()
      state.answer = answer
      const sender = bridge(url, oauth(url, { secret: secret('s') }))
      for (let i = 0; i < 3; i++) {
        const result = await sender.send(outbound)
        expect(result).toMatchObject({ ok: false, code: 'forward.no-token' })
        expect(!result.ok && result.message).toMatch(said)
        expect(!result.ok && result.message).not.toMatch(/hunter22/)
      }
      expect([state.asked, apiCalls().length]).toEqual([1, 0])
      state.answer = undefined
      clock.advance(1_001)
      expect(await sender.send(outbound)).toMatchObject({ ok: true, status: 200 })
    },
  )

  it.each([0, '0'])('that says it lives %j is used once', async life => {
    const { url, state } = await service(life)
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    for (let i = 0; i < 3; i++) expect(await sender.send(outbound)).toMatchObject({ ok: true, status: 200 })
    expect(state.asked).toBe(3)
  })

  it.each([null, '', -1, 'soon'])('that says it lives %s is kept for five minutes', async life => {
    const { url, state } = await service(life)
    const sender = bridge(url, oauth(url, { secret: secret('s') }))
    await sender.send(outbound)
    clock.advance(200_000)
    await sender.send(outbound)
    expect(state.asked).toBe(1)
    clock.advance(100_000)
    await sender.send(outbound)
    expect(state.asked).toBe(2)
  })
})
