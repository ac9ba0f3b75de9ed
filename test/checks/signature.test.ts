import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { Offline } from '../../src/core/resources.ts'
import { compile, fakeRequest, fakeResources, NOW, testCheck } from './testCheck.ts'

const mac = (secret: string, text: string, algorithm = 'sha256') => createHmac(algorithm, secret).update(text)
const T = String(NOW / 1000)
const github = { provider: 'github', secrets: [{ env: 'NEW' }] }
const rolling = {
  provider: 'github',
  secrets: [
    { name: 'current', env: 'NEW' },
    { name: 'previous', env: 'OLD', expires: '2026-11-24T10:00:01Z' },
  ],
}
const custom = {
  scheme: 'hmac',
  algorithm: 'sha512',
  header: 'X-Signature',
  encoding: 'base64url',
  prefix: 'h=',
  payload: '{timestamp}|{id}|{method}|{path}|{query}|{header:X-Tenant}|{body}',
  timestamp: { header: 'X-Timestamp', unit: 's' },
  id: { header: 'X-Event' },
  tolerance: '1m',
  secrets: [{ env: 'NEW' }],
}
const secrets = { NEW: 'new-secret', OLD: 'old-secret' }
const resources = { secrets }
const hub = (secret: string, body = '{"a":1}') => ({
  body,
  headers: { 'Content-Type': 'application/json', 'X-Hub-Signature-256': `sha256=${mac(secret, body).digest('hex')}` },
})
const customRequest = (changes: Record<string, string> = {}) => ({
  method: 'PUT',
  target: '/in/7?a=1',
  body: '{"a":1}',
  headers: {
    'X-Timestamp': T,
    'X-Event': 'evt_7',
    'X-Tenant': 'blue',
    'X-Signature': `h=${mac('new-secret', `${T}|evt_7|PUT|/in/7|a=1|blue|{"a":1}`, 'sha512').digest('base64url')}`,
    ...changes,
  },
})

testCheck(signature, {
  allows: [
    {
      name: 'a signature under the secret',
      config: github,
      resources,
      request: { ...hub('new-secret'), headers: { ...hub('new-secret').headers, 'X-GitHub-Delivery': 'd-1' } },
      adds: {
        principal: 'github',
        principalBy: 'signature',
        keyName: 'current',
        eventId: 'd-1',
        nonce: mac('new-secret', '{"a":1}').digest('hex'),
      },
    },
    {
      name: 'one under the second secret, and says which',
      config: rolling,
      resources,
      request: hub('old-secret'),
      adds: { keyName: 'previous' },
    },
    {
      name: 'one while the other secret is gone from the environment',
      config: rolling,
      resources: { secrets: { OLD: 'old-secret' } },
      request: hub('old-secret'),
      adds: { keyName: 'previous' },
    },
    {
      name: 'a scheme spelled out, whose id is signed',
      config: custom,
      resources,
      request: customRequest(),
      adds: { principal: 'hmac-sha512', keyName: 'current', eventId: 'evt_7', verifiesForMs: 60_000 },
    },
    {
      name: 'an event id of the body',
      config: { scheme: 'hmac', header: 'X-S', 'event-id': { json: 'data.id' }, secrets: [{ env: 'NEW' }] },
      resources,
      request: { body: '{"data":{"id":7}}', headers: { 'X-S': mac('new-secret', '{"data":{"id":7}}').digest('hex') } },
      adds: { eventId: '7' },
    },
    {
      name: 'a token',
      config: { provider: 'telegram', secrets: [{ env: 'TOKEN' }] },
      resources: { secrets: { TOKEN: 'a_token' } },
      request: { json: { update_id: 5 }, headers: { 'X-Telegram-Bot-Api-Secret-Token': 'a_token' } },
      adds: { principal: 'telegram', eventId: '5' },
    },
  ],
  denies: [
    {
      name: 'a request without a signature',
      config: github,
      resources,
      request: { body: '{}' },
      code: 'signature.missing',
      evidence: { header: 'X-Hub-Signature-256' },
      headers: {},
    },
    {
      name: 'a header that is signed and not there',
      config: custom,
      resources,
      request: customRequest({ 'X-Tenant': '' }),
      code: 'signature.missing',
      evidence: { header: 'X-Tenant' },
    },
    {
      name: 'a signature of another form',
      config: github,
      resources,
      request: { body: '{}', headers: { 'X-Hub-Signature-256': 'sha1=00' } },
      code: 'signature.malformed',
      evidence: { header: 'X-Hub-Signature-256', why: 'it does not begin with "sha256="' },
    },
    {
      name: 'a signed id that could be another',
      config: custom,
      resources,
      request: customRequest({ 'X-Event': 'evt.7' }),
      code: 'signature.malformed',
      evidence: { header: 'X-Event' },
    },
    {
      name: 'a signature under another secret',
      config: rolling,
      resources,
      request: hub('stranger'),
      code: 'signature.mismatch',
      evidence: { scheme: 'hmac-sha256', 'secrets-tried': ['current', 'previous'], 'body-bytes': 7 },
    },
    {
      name: 'one under a secret that has ended',
      config: rolling,
      resources,
      before: [{ request: hub('old-secret'), wait: 1001 }],
      request: hub('old-secret'),
      code: 'signature.mismatch',
      evidence: { 'secrets-tried': ['current'], 'secrets-expired': ['previous'] },
    },
    {
      name: 'a timestamp past the tolerance',
      config: custom,
      resources,
      before: [{ request: customRequest(), wait: 61_000 }],
      request: customRequest(),
      code: 'signature.expired',
      evidence: { 'timestamp-skew-s': 61, 'tolerance-s': 60 },
    },
    {
      name: 'another method than was signed',
      config: custom,
      resources,
      request: { ...customRequest(), method: 'POST' },
      code: 'signature.mismatch',
      evidence: { 'timestamp-skew-s': 0 },
    },
  ],
})

describe('secrets', () => {
  const create = (config: unknown, held: Readonly<Record<string, string>>) => () =>
    compile(signature, config, fakeResources({ secrets: held }))

  it('take the route offline where none is there', () => {
    expect(create(rolling, {})).toThrow(Offline)
  })

  it("take the route offline where one can not be the service's, and say why", () => {
    const stripe = { provider: 'stripe', secrets: [{ env: 'NEW' }] }
    expect(create(stripe, { NEW: 'sk_live_1' })).toThrow('secret "current": the Stripe secret is an API key')
    for (const [provider, value] of [
      ['telegram', '123456:bot-token'],
      ['telegram', 'sp\u00e4t'],
      ['twilio', `AC${'0'.repeat(32)}`],
      ['standard-webhooks', 'whsec_c2hvcnQ='],
      ['standard-webhooks', `whsec_${'A'.repeat(33)}`],
      ['standard-webhooks', `whsec_${'-'.repeat(40)}`],
    ] as const)
      expect(create({ provider, secrets: [{ env: 'NEW' }] }, { NEW: value }), value).toThrow(Offline)
  })

  it('never show in what is thrown', () => {
    try {
      create({ provider: 'telegram', secrets: [{ env: 'NEW' }] }, { NEW: '123456:the-bot-token' })()
      expect.unreachable()
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain('the-bot-token')
    }
  })

  it('say when they end', () => {
    const world = fakeResources({ secrets, route: 'r' })
    compile(signature, rolling, world)
    expect(world.expiries).toEqual([
      { kind: 'secret', name: 'r/signature/previous', at: Date.parse('2026-11-24T10:00:01Z') },
    ])
  })
})

describe('event ids', () => {
  const facts = async (config: unknown, body: string, headers: Record<string, string> = {}) => {
    const check = compile(signature, config, fakeResources(resources))
    const all = { 'X-S': mac('new-secret', body).digest('hex'), ...headers }
    const decision = await check.decide(fakeRequest({ body, headers: all }), {})
    return decision.ok === true ? decision.facts : decision
  }
  const by = (place: unknown) => ({ scheme: 'hmac', header: 'X-S', 'event-id': place, secrets: [{ env: 'NEW' }] })
  const nonce = (body: string) => mac('new-secret', body).digest('hex')

  it('are none where the number was rounded when it was read, so that two events do not look like one', async () => {
    const body = '{"id":12345678901234567890}'
    expect(await facts(by({ json: 'id' }), body)).toEqual({
      principal: 'hmac-sha256',
      principalBy: 'signature',
      keyName: 'current',
      nonce: nonce(body),
    })
  })

  it.each(['{"id":null}', '{"id":{}}', '{"id":[1]}', '[]', '"x"', 'no json', '{"__proto__":{"id":"x"}}'])(
    'are none in %s',
    async body => {
      expect(await facts(by({ json: 'id' }), body)).not.toHaveProperty('eventId')
    },
  )

  it('that are not signed come with what was', async () => {
    expect(await facts(by({ header: 'X-Id' }), '{}', { 'X-Id': 'e1' })).toMatchObject({
      eventId: 'e1',
      nonce: nonce('{}'),
    })
    expect(await facts(by({ json: 'id' }), '{"id":"e1"}')).not.toHaveProperty('nonce')
    expect(await facts({ ...by({ header: 'X-Id' }), payload: '{body}' }, '{}')).toMatchObject({ nonce: nonce('{}') })
  })
})

it('refuses from the head what the head rules out, before a byte of the body is read', () => {
  const check = compile(signature, custom, fakeResources(resources))
  const early = (headers: Record<string, string>) => check.foresee?.(fakeRequest(customRequest(headers)), {})
  expect(early({})).toBeUndefined()
  expect(early({ 'X-Signature': '' })).toMatchObject({ code: 'signature.missing' })
  expect(early({ 'X-Signature': 'h=x' })).toMatchObject({ code: 'signature.malformed' })
  expect(early({ 'X-Timestamp': '1' })).toMatchObject({ code: 'signature.expired' })
  expect(early({ 'X-Timestamp': `0${T}` })).toMatchObject({ code: 'signature.malformed' })
})

it('looks at the newer header family of Shopify first, and at no other after it', async () => {
  const check = compile(signature, { provider: 'shopify', secrets: [{ env: 'NEW' }] }, fakeResources(resources))
  const right = mac('new-secret', '{}').digest('base64')
  const wrong = mac('stranger', '{}').digest('base64')
  const decide = async (headers: Record<string, string>) =>
    (await check.decide(fakeRequest({ body: '{}', headers }), {})).ok
  expect(await decide({ 'X-Shopify-Hmac-Sha256': right })).toBe(true)
  expect(await decide({ 'shopify-hmac-sha256': right, 'X-Shopify-Hmac-Sha256': wrong })).toBe(true)
  expect(await decide({ 'shopify-hmac-sha256': wrong, 'X-Shopify-Hmac-Sha256': right })).toBe(false)
  expect(await decide({})).toBe(false)
})

it('takes any v1 of Stripe while a secret is rolled, never a v0, and only one timestamp', async () => {
  const check = compile(signature, { provider: 'stripe', secrets: [{ env: 'NEW' }] }, fakeResources(resources))
  const right = mac('new-secret', `${T}.{}`).digest('hex')
  const wrong = '0'.repeat(64)
  const decide = async (value: string) => {
    const decision = await check.decide(fakeRequest({ body: '{}', headers: { 'Stripe-Signature': value } }), {})
    return decision.ok === false ? decision.code : decision.ok
  }
  expect(await decide(`t=${T},v1=${wrong},v1=${right},v0=${wrong}`)).toBe(true)
  expect(await decide(`t=${T},v0=${right}`)).toBe('signature.malformed')
  expect(await decide(`v1=${right}`)).toBe('signature.malformed')
  expect(await decide(`t=,t=${T},v1=${right}`)).toBe('signature.malformed')
  expect(await decide(`t=${T},t=${T},v1=${right}`)).toBe('signature.malformed')
  expect(await decide(`t=${T},${`v1=${wrong},`.repeat(9)}v1=${right}`)).toBe(true)
  expect(await decide(`t=${T},${`v1=${wrong},`.repeat(10)}v1=${right}`)).toBe('signature.mismatch')
})
