import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { challenge } from '../../src/checks/challenge.ts'
import type { Decision } from '../../src/core/decision.ts'
import { SecretRef } from '../../src/core/secret.ts'
import { compile, fakeRequest, fakeResources, NOW, type RequestDescription, testCheck } from './testCheck.ts'

const OPEN = new Date(NOW + 600_000).toISOString().replace('.000Z', 'Z')
const ref = (name: string) => ({ ref: new SecretRef('env', name) })
const signedBy = (provider: string) => ({
  signedBy: { provider, secrets: [ref('NEW'), { name: 'old', ...ref('OLD') }] },
  secrets: { NEW: 'the-new-secret', OLD: 'the-old-secret' },
})
const verified = (principal: string, keyName = 'current') => ({ principal, principalBy: 'signature', keyName })
const slackJson = {
  type: 'url_verification',
  token: 'x',
  challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
}

const meta = { provider: 'meta', 'verify-token': { env: 'TOKEN' } }
const secrets = { TOKEN: 'the-verify-token' }
const hub = (changes: Readonly<Record<string, string>> = {}) =>
  `/hooks/x?${new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'the-verify-token', ...changes })}`
const websub = { provider: 'websub', topics: ['https://feed.example/a'] }
const topic = (changes: Readonly<Record<string, string>> = {}) =>
  `/hooks/x?${new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': 'https://feed.example/a', 'hub.challenge': 'abc+/=', ...changes })}`
const events = { provider: 'cloudevents', origins: ['eventemitter.example.com'] }
const asana = { provider: 'asana', 'open-until': OPEN, 'save-to': 'asana.secret' }
const notion = { provider: 'notion', 'open-until': OPEN, 'save-to': 'notion.secret' }
const asanaSecret = 'b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81'
const notionSecret = 'secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl'

/** Handshakes that are not answered, and with which code; `undefined`: not seen as one. */
type Unanswered = readonly [
  name: string,
  config: unknown,
  request: RequestDescription,
  code: keyof typeof challenge.denials | undefined,
]

const UNANSWERED: readonly Unanswered[] = [
  [
    'a wrong verify token',
    meta,
    { method: 'GET', target: hub({ 'hub.verify_token': 'the-verify-tokem' }) },
    'challenge.token',
  ],
  ['no verify token', meta, { method: 'GET', target: hub({ 'hub.verify_token': '' }) }, 'challenge.token'],
  ['another mode', meta, { method: 'GET', target: hub({ 'hub.mode': 'unsubscribe' }) }, 'challenge.malformed'],
  ['a page for a challenge', meta, { method: 'GET', target: hub({ 'hub.challenge': '<svg>' }) }, 'challenge.malformed'],
  [
    'a token twice',
    meta,
    { method: 'GET', target: `${hub()}&hub.verify_token=the-verify-token` },
    'challenge.malformed',
  ],
  ['an ordinary GET', meta, { method: 'GET', target: '/hooks/x' }, undefined],
  ['a closed window', { provider: 'dropbox' }, { method: 'GET', target: '/?challenge=abc' }, 'challenge.closed'],
  [
    'a window that has ended',
    { provider: 'dropbox', 'open-until': '2026-11-24T09:59:59Z' },
    { method: 'GET', target: '/?challenge=abc' },
    'challenge.closed',
  ],
  [
    'markup in a closed window',
    { provider: 'dropbox' },
    { method: 'GET', target: '/?challenge=<b>' },
    'challenge.closed',
  ],
  [
    'markup',
    { provider: 'dropbox', 'open-until': OPEN },
    { method: 'GET', target: '/?challenge=%3Cb%3E' },
    'challenge.malformed',
  ],
  [
    'markup for Graph',
    { provider: 'msgraph', 'open-until': OPEN },
    { target: '/?validationToken=%26lt%3B' },
    'challenge.malformed',
  ],
  ['an event for Graph', { provider: 'msgraph', 'open-until': OPEN }, { json: {} }, undefined],
  [
    'another topic',
    websub,
    { method: 'GET', target: topic({ 'hub.topic': 'https://feed.example/b' }) },
    'challenge.unexpected',
  ],
  [
    'the end of a subscription',
    websub,
    { method: 'GET', target: topic({ 'hub.mode': 'unsubscribe' }) },
    'challenge.malformed',
  ],
  [
    'another origin',
    events,
    { method: 'OPTIONS', headers: { 'WebHook-Request-Origin': 'evil.example' } },
    'challenge.unexpected',
  ],
  ['every origin', events, { method: 'OPTIONS', headers: { 'WebHook-Request-Origin': '*' } }, 'challenge.malformed'],
  ['no origin', events, { method: 'OPTIONS' }, undefined],
  [
    'a challenge of Okta twice',
    { provider: 'okta', 'open-until': OPEN },
    { method: 'GET', headers: { 'X-Okta-Verification-Challenge': ['a', 'b'] } },
    'challenge.malformed',
  ],
  [
    'a challenge of Okta that is a page',
    { provider: 'okta', 'open-until': OPEN },
    { method: 'GET', headers: { 'X-Okta-Verification-Challenge': '<svg>' } },
    'challenge.malformed',
  ],
  ["a GET without Okta's challenge", { provider: 'okta', 'open-until': OPEN }, { method: 'GET' }, undefined],
  [
    'a closed window for Nylas',
    { provider: 'nylas' },
    { method: 'GET', target: '/?challenge=abc' },
    'challenge.closed',
  ],
  ['a secret of another form', asana, { headers: { 'X-Hook-Secret': 'a b' } }, 'challenge.malformed'],
  ['a secret twice', asana, { headers: { 'X-Hook-Secret': [asanaSecret, asanaSecret] } }, 'challenge.malformed'],
  [
    'a secret outside the window',
    { provider: 'asana', 'save-to': 'asana.secret' },
    { headers: { 'X-Hook-Secret': asanaSecret } },
    'challenge.closed',
  ],
  ['another body', notion, { json: { type: 'page.created' } }, 'challenge.malformed'],
  [
    'a body outside the window',
    { provider: 'notion', 'save-to': 'notion.secret' },
    { json: { verification_token: notionSecret } },
    undefined,
  ],
]

const refused = UNANSWERED.flatMap(([name, given, request, code]) =>
  code === undefined ? [] : [{ name, config: given, request, code, resources: { secrets } }],
)
const passedOver = UNANSWERED.filter(([, , , code]) => code === undefined)

/** As the pipeline asks: the handshake first, and its body where it says so. */
function ask(
  config: unknown,
  request: RequestDescription,
  given: Parameters<typeof fakeResources>[0] = {},
  resources = fakeResources(given),
): Decision | 'body' | undefined {
  const { greeter } = compile(challenge, config, resources)
  const full = fakeRequest(request)
  const said = greeter?.asks(full) ? greeter.greet(full) : undefined
  return said === 'body' ? greeter?.greetBody(full) : said
}

const code = (decision: Decision | 'body' | undefined) =>
  typeof decision === 'object' && decision.ok === false ? decision.code : undefined

testCheck(challenge, {
  allows: [
    {
      name: 'an ordinary event',
      request: { json: { type: 'event' } },
      facts: verified('slack'),
      resources: signedBy('slack'),
    },
    { name: 'a challenge whose signature nobody verified', request: { json: slackJson }, resources: signedBy('slack') },
    {
      name: 'a challenge that another provider verified',
      request: { json: slackJson },
      facts: verified('zendesk'),
      resources: signedBy('slack'),
    },
    {
      name: 'a challenge that a bearer token let in',
      request: { json: slackJson },
      facts: { principal: 'slack', principalBy: 'bearer', keyName: 'current' },
      resources: signedBy('slack'),
    },
  ],
  denies: [
    ...refused,
    {
      name: 'a second secret',
      config: asana,
      request: { headers: { 'X-Hook-Secret': asanaSecret } },
      resources: { kept: { 'asana.secret': 'x' } },
      code: 'challenge.taken',
      evidence: { file: 'asana.secret' },
    },
    {
      name: 'a challenge that could be a page',
      request: { json: { ...slackJson, challenge: '<script>' } },
      facts: verified('slack'),
      resources: signedBy('slack'),
      code: 'challenge.malformed',
    },
    {
      name: 'a plain token that has the form of a signed message',
      request: { json: { event: 'endpoint.url_validation', payload: { plainToken: 'v0:1:{}' } } },
      facts: verified('zoom'),
      resources: signedBy('zoom'),
      code: 'challenge.malformed',
    },
  ],
  replies: [
    {
      name: "Slack's url_verification",
      request: { json: slackJson },
      facts: verified('slack'),
      resources: signedBy('slack'),
      status: 200,
      reason: 'challenge',
    },
  ],
})

describe('a signed challenge', () => {
  it('of Slack is answered as text', () => {
    const check = compile(challenge, {}, fakeResources(signedBy('slack')))
    expect(check.decide(fakeRequest({ json: slackJson }), verified('slack'))).toMatchObject({
      body: slackJson.challenge,
      headers: expect.arrayContaining([['X-Content-Type-Options', 'nosniff']]),
    })
  })

  it.each([
    ['current', 'the-new-secret'],
    ['old', 'the-old-secret'],
  ])('of Zoom is hashed with the secret that verified it: %s', (keyName, secret) => {
    const check = compile(challenge, {}, fakeResources(signedBy('zoom')))
    const plainToken = 'qgg8vlvZRS6UYooatFL8Aw'
    const json = { event: 'endpoint.url_validation', event_ts: 1, payload: { plainToken } }
    const decision = check.decide(fakeRequest({ json }), verified('zoom', keyName))
    if (decision instanceof Promise || decision.ok !== 'reply') throw new Error('no reply')
    expect(JSON.parse(decision.body)).toEqual({
      plainToken,
      encryptedToken: createHmac('sha256', secret).update(plainToken).digest('hex'),
    })
    expect(check.decide(fakeRequest({ json }), {})).toMatchObject({ ok: true })
  })
})

describe('the handshake of Braintree', () => {
  const ask = (
    given: string,
    changes: Parameters<typeof fakeResources>[0] = {},
    config: object = { 'open-until': OPEN },
  ) => {
    const resources = {
      signedBy: { provider: 'braintree', secrets: [ref('BT')] },
      secrets: { BT: BRAINTREE },
      ...changes,
    }
    const { greeter } = compile(challenge, { provider: 'braintree', ...config }, fakeResources(resources))
    const request = fakeRequest({ method: 'GET', target: `/?bt_challenge=${given}` })
    return greeter?.asks(request) ? greeter.greet(request) : undefined
  }
  const BRAINTREE = 'integration_public_key:integration_private_key'
  const CHALLENGE = '20f9f8ed05f77439fe955c977e4c8a53'

  it('is answered with the secret of the signature', () => {
    // Of Braintree's own library: test/unit/braintree/webhook_notification_gateway_spec.js@7a9270a.
    const body = 'integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4'
    expect(ask(CHALLENGE)).toMatchObject({ ok: 'reply', status: 200, body, reason: 'challenge' })
  })
  it('is answered in its window alone, and by no other secret', () => {
    expect(ask(CHALLENGE, {}, {})).toMatchObject({ code: 'challenge.closed' })
    expect(ask(CHALLENGE, { secrets: {} })).toMatchObject({ code: 'challenge.closed' })
    expect(ask(CHALLENGE, { secrets: { BT: 'no pair of keys' } })).toMatchObject({ code: 'challenge.closed' })
    expect(ask(CHALLENGE, { signedBy: { provider: 'github', secrets: [ref('BT')] } })).toMatchObject({
      code: 'challenge.closed',
    })
  })
  it.each(['', 'abc', CHALLENGE.toUpperCase(), `${CHALLENGE}0`, 'PG5vdGlmaWNhdGlvbi8%2B', `${CHALLENGE}%0A`])(
    'signs nothing but a challenge: %j',
    given => {
      expect(ask(given)).toMatchObject({ code: 'challenge.malformed' })
    },
  )
})

describe('a handshake', () => {
  it.each<[string, unknown, RequestDescription, string, Readonly<Record<string, string>>]>([
    ['meta', meta, { method: 'GET', target: hub() }, '1158201444', { 'X-Content-Type-Options': 'nosniff' }],
    [
      'dropbox',
      { provider: 'dropbox', 'open-until': OPEN },
      { method: 'GET', target: '/?challenge=abc123' },
      'abc123',
      { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    ],
    [
      'nylas',
      { provider: 'nylas', 'open-until': OPEN },
      { method: 'GET', target: '/?challenge=8e1f0c5a-4b5d' },
      '8e1f0c5a-4b5d',
      { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    ],
    [
      'okta',
      { provider: 'okta', 'open-until': OPEN },
      { method: 'GET', target: '/', headers: { 'X-Okta-Verification-Challenge': 'ENRBjS7uMBFI_vgLNO3p' } },
      '{"verification":"ENRBjS7uMBFI_vgLNO3p"}',
      { 'Content-Type': 'application/json' },
    ],
    [
      'msgraph',
      { provider: 'msgraph', 'open-until': OPEN },
      { target: '/?validationToken=Validation%3a+Testing+client+for+522a8e7e-096a' },
      'Validation: Testing client for 522a8e7e-096a',
      { 'Content-Type': 'text/plain; charset=utf-8' },
    ],
    ['asana', asana, { headers: { 'X-Hook-Secret': asanaSecret } }, '', { 'X-Hook-Secret': asanaSecret }],
    ['notion', notion, { json: { verification_token: notionSecret } }, '', {}],
    [
      'cloudevents',
      events,
      {
        method: 'OPTIONS',
        headers: {
          'WebHook-Request-Origin': 'EventEmitter.example.com',
          'WebHook-Request-Callback': 'https://evil.example/',
        },
      },
      '',
      { 'WebHook-Allowed-Origin': 'EventEmitter.example.com', 'WebHook-Allowed-Rate': '*' },
    ],
    ['websub', websub, { method: 'GET', target: topic() }, 'abc+/=', { 'X-Content-Type-Options': 'nosniff' }],
  ])('of %s is answered', (_name, config, request, body, headers) => {
    const said = ask(config, request, { secrets })
    expect(said).toMatchObject({ ok: 'reply', status: 200, body, reason: 'challenge' })
    if (typeof said === 'object' && said.ok === 'reply') expect(Object.fromEntries(said.headers)).toMatchObject(headers)
  })

  it.each(passedOver)('is not seen in %s', (_name, config, request) => {
    expect(ask(config, request, { secrets })).toBeUndefined()
  })

  it('keeps the secret that is handed over once, and shows it nowhere', () => {
    const resources = fakeResources()
    ask(asana, { headers: { 'X-Hook-Secret': asanaSecret } }, {}, resources)
    expect(resources.kept.get('asana.secret')).toBe(asanaSecret)
    const again = ask(asana, { headers: { 'X-Hook-Secret': 'another-secret-of-a-stranger' } }, {}, resources)
    expect(code(again)).toBe('challenge.taken')
    expect(JSON.stringify(again)).not.toContain('stranger')
    expect(resources.kept.get('asana.secret')).toBe(asanaSecret)
  })

  it('reads no body once the secret is there', () => {
    const resources = fakeResources({ kept: { 'notion.secret': 'x' } })
    expect(ask(notion, { json: { verification_token: notionSecret } }, {}, resources)).toBeUndefined()
  })

  it.each<[unknown, Parameters<typeof fakeResources>[0], string]>([
    [{}, {}, 'the route checks no signature of a provider'],
    [{}, { signedBy: { provider: 'github', secrets: [] } }, 'challenge: github has none'],
    [{ provider: 'meta' }, {}, 'challenge: meta needs verify-token'],
    [{ provider: 'websub' }, {}, 'challenge: websub needs topics'],
    [{ provider: 'asana', 'open-until': OPEN }, {}, 'nothing says where it goes'],
    [{ provider: 'dropbox', 'open-until': '2026-11-26' }, {}, 'more than a day ahead'],
  ])('takes the route offline where %j is not enough', (config, given, message) => {
    expect(() => compile(challenge, config, fakeResources(given))).toThrow(message)
  })
})
