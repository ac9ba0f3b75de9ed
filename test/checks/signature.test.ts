import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { frozenClock } from '../../src/core/clock.ts'
import { Offline } from '../../src/core/resources.ts'
import { signed } from './sent.ts'
import { compile, fakeRequest, fakeResources, NOW, type RequestDescription, testCheck } from './testCheck.ts'

const SECOND = NOW / 1000
const BODY = '{"a":1,"id":"evt_1"}'
const mac = (secret: string, text: string, algorithm = 'sha256') => createHmac(algorithm, secret).update(text)

/** The contract's `any-hmac` route. */
const CUSTOM = {
  scheme: 'hmac',
  algorithm: 'sha256',
  header: 'X-Signature',
  encoding: 'hex',
  prefix: 'sha256=',
  payload: '{timestamp}.{body}',
  timestamp: { header: 'X-Timestamp', unit: 's' },
  tolerance: '5m',
  secrets: [
    { name: 'current', env: 'NEW' },
    { name: 'previous', env: 'OLD', expires: '2026-12-31' },
  ],
}
const SECRETS = { NEW: 'the new secret', OLD: 'the old secret' }
const WHSEC = 'whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMy'
const STANDARD = { provider: 'standard-webhooks', secrets: [{ env: 'HOOK' }] }
const GITHUB = { provider: 'github', secrets: [{ env: 'HOOK' }] }

function custom(secret: string, at: number | string = SECOND, body = BODY): RequestDescription {
  const text = mac(secret, `${at}.${body}`).digest('hex')
  return { body, headers: { 'X-Signature': `sha256=${text}`, 'X-Timestamp': String(at) } }
}

function standard(headers: Record<string, string | readonly string[]> = {}, body = BODY): RequestDescription {
  const sent = signed('standard-webhooks', WHSEC, Buffer.from(BODY))
  return { body, headers: { ...sent.headers, ...headers } }
}

const hook = { secrets: { HOOK: WHSEC } }
const both = { secrets: SECRETS }
const githubHeader = `sha256=${mac('s', BODY).digest('hex')}`
const github = { secrets: { HOOK: 's' } }
const ZEROS = 'v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
const RIGHT = String(standard().headers?.['webhook-signature'])

testCheck(signature, {
  allows: [
    {
      name: 'what the current secret signed',
      config: CUSTOM,
      resources: both,
      request: custom(SECRETS.NEW),
      adds: { principal: 'hmac-sha256', principalBy: 'signature', keyName: 'current', verifiesForMs: 301_000 },
    },
    {
      name: 'what the previous secret signed',
      config: CUSTOM,
      resources: both,
      request: custom(SECRETS.OLD),
      adds: { keyName: 'previous', nonce: mac(SECRETS.OLD, `${SECOND}.${BODY}`).digest('hex') },
    },
    {
      name: 'the previous secret alone, the current one missing',
      config: CUSTOM,
      resources: { secrets: { OLD: SECRETS.OLD } },
      request: custom(SECRETS.OLD),
      adds: { keyName: 'previous' },
    },
    {
      name: 'a timestamp of exactly the tolerance before',
      config: CUSTOM,
      resources: { ...both, clock: frozenClock(NOW + 999) },
      request: custom(SECRETS.NEW, SECOND - 300),
    },
    { name: 'one ahead', config: CUSTOM, resources: both, request: custom(SECRETS.NEW, SECOND + 300) },
    {
      name: 'a signed id',
      config: STANDARD,
      resources: hook,
      request: standard(),
      adds: { principal: 'standard-webhooks', eventId: 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W' },
    },
    {
      name: 'the tenth signature of a list',
      config: STANDARD,
      resources: hook,
      request: standard({ 'webhook-signature': `${`${ZEROS} `.repeat(9)}${RIGHT}` }),
    },
    {
      name: 'an id that is not signed, with the MAC beside it',
      config: GITHUB,
      resources: github,
      request: { body: BODY, headers: { 'X-Hub-Signature-256': githubHeader, 'X-GitHub-Delivery': 'guid-1' } },
      adds: { principal: 'github', eventId: 'guid-1', nonce: githubHeader.slice(7) },
    },
    {
      name: 'an id in the body',
      config: {
        scheme: 'hmac',
        header: 'X-Sig',
        encoding: 'base64url',
        'event-id': { json: 'data.id' },
        secrets: [{ env: 'HOOK' }],
      },
      resources: github,
      request: {
        body: '{"data":{"id":42}}',
        headers: { 'X-Sig': mac('s', '{"data":{"id":42}}').digest('base64url') },
      },
      adds: { eventId: '42' },
    },
    {
      name: 'method, URL and text of other letters around the body',
      config: {
        scheme: 'hmac',
        algorithm: 'sha512',
        header: 'X-Sig',
        encoding: 'base64',
        payload: '{method}|{url}|{path}|é{body}€',
        secrets: [{ env: 'HOOK' }],
      },
      resources: github,
      request: {
        target: '/in?a=1',
        body: BODY,
        headers: {
          'X-Sig': mac('s', `POST|https://gate.example/in?a=1|/in|é${BODY}€`, 'sha512').digest('base64'),
        },
      },
    },
    {
      name: 'the header family of Shopify that comes first',
      config: { provider: 'shopify', secrets: [{ env: 'HOOK' }] },
      resources: github,
      request: {
        body: BODY,
        headers: { 'shopify-hmac-sha256': mac('s', BODY).digest('base64'), 'shopify-webhook-id': 'w-1' },
      },
      adds: { eventId: 'w-1' },
    },
  ],
  denies: [
    {
      name: 'no signature',
      config: CUSTOM,
      resources: both,
      code: 'signature.missing',
      evidence: { scheme: 'hmac-sha256', header: 'X-Signature' },
      headers: {},
    },
    {
      name: 'a message signature that leaves the body out',
      config: { scheme: 'http-message-signature', algorithm: 'hmac-sha256', secrets: [{ env: 'HOOK' }] },
      resources: github,
      request: { body: BODY, headers: { 'Signature-Input': 's=("@method" "@target-uri")', Signature: 's=:AAAA:' } },
      code: 'signature.incomplete',
      evidence: { scheme: 'http-message-signature', missing: ['"content-digest"'] },
    },
    {
      name: "a certificate that PayPal's host does not have",
      config: { provider: 'paypal', 'webhook-id': '1AB' },
      request: {
        headers: {
          'paypal-transmission-id': 'a',
          'paypal-transmission-time': '2026-11-24T10:00:00Z',
          'paypal-transmission-sig': 'AAAA',
          'paypal-cert-url': 'https://api.paypal.com/v1/notifications/certs/CERT-1',
          'paypal-auth-algo': 'SHA256withRSA',
        },
      },
      code: 'signature.unavailable',
      evidence: {
        scheme: 'paypal',
        certificate: 'https://api.paypal.com/v1/notifications/certs/CERT-1',
        because: 'answered 404',
      },
    },
    {
      name: 'no timestamp',
      config: STANDARD,
      resources: hook,
      request: { body: BODY, headers: { 'webhook-id': 'a', 'webhook-signature': RIGHT } },
      code: 'signature.missing',
      evidence: { scheme: 'standard-webhooks', header: 'webhook-timestamp' },
    },
    ...['+1', ' 1', '1.5', '1e10', '0x1', '01', 'abc', '-1', '', '1 '].map(at => ({
      name: `the timestamp "${at}"`,
      config: CUSTOM,
      resources: both,
      request: custom(SECRETS.NEW, at),
      code: at === '' ? ('signature.missing' as const) : ('signature.malformed' as const),
    })),
    ...['a.b', 'a b', 'é', 'x'.repeat(257)].map(id => ({
      name: `the id ${id.slice(0, 10)}`,
      config: STANDARD,
      resources: hook,
      request: standard({ 'webhook-id': id }),
      code: 'signature.malformed' as const,
    })),
    ...['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(name => ({
      name: `two of ${name}`,
      config: STANDARD,
      resources: hook,
      request: standard({ [name]: ['1', '1'] }),
      code: 'signature.malformed' as const,
    })),
    ...[
      ['in upper-case hex', githubHeader.toUpperCase().replace('SHA256=', 'sha256=')],
      ['without its prefix', githubHeader.slice(7)],
      ['of another length', githubHeader.slice(0, -2)],
      ['with a blank after it', `${githubHeader} `],
    ].map(([name, value]) => ({
      name: `a signature ${name}`,
      config: GITHUB,
      resources: github,
      request: { body: BODY, headers: { 'X-Hub-Signature-256': value ?? '' } },
      code: 'signature.malformed' as const,
    })),
    {
      name: 'base64 whose padding holds bits',
      config: STANDARD,
      resources: hook,
      request: standard({ 'webhook-signature': ZEROS.replace('A=', 'B=') }),
      code: 'signature.malformed',
    },
    {
      name: 'a signature of another version',
      config: STANDARD,
      resources: hook,
      request: standard({ 'webhook-signature': RIGHT.replace('v1,', 'v1a,') }),
      code: 'signature.malformed',
    },
    {
      name: 'the eleventh signature of a list',
      config: STANDARD,
      resources: hook,
      request: standard({ 'webhook-signature': `${`${ZEROS} `.repeat(10)}${RIGHT}` }),
      code: 'signature.mismatch',
    },
    {
      name: 'another body',
      config: STANDARD,
      resources: hook,
      request: standard({}, '{"a": 1,"id":"evt_1"}'),
      code: 'signature.mismatch',
      evidence: { 'secrets-tried': ['current'], 'timestamp-skew-s': 0, 'body-bytes': 21 },
    },
    {
      name: 'a secret that has ended',
      config: CUSTOM,
      resources: { ...both, clock: frozenClock(Date.parse('2027-01-01T00:00:00Z')) },
      request: custom(SECRETS.OLD, Date.parse('2027-01-01T00:00:00Z') / 1000),
      code: 'signature.mismatch',
      evidence: { 'secrets-tried': ['current'], 'secrets-expired': ['previous'] },
    },
    ...[-301, 301].map(offset => ({
      name: `a timestamp ${offset} s away`,
      config: CUSTOM,
      resources: both,
      request: custom(SECRETS.NEW, SECOND + offset),
      code: 'signature.expired' as const,
      evidence: { 'timestamp-skew-s': -offset, 'tolerance-s': 300 },
    })),
    {
      name: 'a timestamp in milliseconds where seconds are due',
      config: CUSTOM,
      resources: both,
      request: custom(SECRETS.NEW, NOW),
      code: 'signature.expired',
    },
  ],
})

describe('signature', () => {
  const make = (config: unknown, secrets: Record<string, string>) => {
    const resources = fakeResources({ secrets })
    return { check: compile(signature, config, resources), resources }
  }

  it('refuses from the head what the head decides, and keeps nothing of it', () => {
    const { check, resources } = make(CUSTOM, SECRETS)
    const { body: _body, ...head } = custom(SECRETS.NEW)
    expect(check.foresee?.(fakeRequest(head), {})).toBeUndefined()
    expect(check.foresee?.(fakeRequest(custom(SECRETS.NEW, SECOND - 301)), {})).toMatchObject({
      code: 'signature.expired',
    })
    expect(check.foresee?.(fakeRequest(), {})).toMatchObject({ code: 'signature.missing' })
    const right = fakeRequest(custom(SECRETS.NEW))
    expect(check.foresee?.(right, {})).toBeUndefined()
    expect(check.foresee?.(fakeRequest(custom(SECRETS.OLD)), {})).toBeUndefined()
    expect(check.decide(right, {})).toMatchObject({ ok: true, facts: { keyName: 'current' } })
    resources.clock.advance(302_000)
    expect(check.decide(right, {})).toMatchObject({ code: 'signature.expired' })
  })

  it('asks for the time again when the body has come slowly', () => {
    const { check, resources } = make(CUSTOM, SECRETS)
    const request = fakeRequest(custom(SECRETS.NEW, SECOND - 290))
    expect(check.foresee?.(request, {})).toBeUndefined()
    resources.clock.advance(11_000)
    expect(check.decide(request, {})).toMatchObject({ code: 'signature.expired' })
  })

  it('keeps requests apart that arrive in turns', () => {
    const { check } = make(CUSTOM, SECRETS)
    const requests = [
      fakeRequest(custom(SECRETS.NEW, SECOND - 1)),
      fakeRequest(custom('another secret', SECOND - 2)),
      fakeRequest(custom(SECRETS.OLD, SECOND - 3)),
    ]
    const told = ['current', 'signature.mismatch', 'previous']
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2, 1, 0],
    ]) {
      for (const request of requests) check.foresee?.(request, {})
      for (const index of order) {
        const decision = check.decide(requests[index] ?? fakeRequest(), {})
        expect(decision).toMatchObject(index === 1 ? { code: told[index] } : { facts: { keyName: told[index] } })
      }
    }
  })

  it('names the secrets that are missing where none of the others verifies', () => {
    const { check } = make(CUSTOM, { NEW: SECRETS.NEW })
    expect(check.decide(fakeRequest(custom(SECRETS.OLD)), {})).toMatchObject({
      code: 'signature.mismatch',
      evidence: { 'secrets-tried': ['current'], 'secrets-missing': ['previous'] },
    })
  })

  it('refuses another token before the body is read', () => {
    const { check } = make({ provider: 'gitlab', secrets: [{ env: 'HOOK' }] }, { HOOK: 'the-token' })
    const foresee = (token: string) => check.foresee?.(fakeRequest({ headers: { 'X-Gitlab-Token': token } }), {})
    expect(foresee('the-token')).toBeUndefined()
    expect(foresee('the-tokem')).toMatchObject({ code: 'signature.mismatch' })
  })

  it('tells when its secrets end', () => {
    const { resources } = make(CUSTOM, SECRETS)
    expect(resources.expiries).toEqual([
      { kind: 'secret', name: 'test-route/signature/previous', at: Date.parse('2026-12-31T23:59:59.999Z') },
    ])
  })

  it('is offline without any secret', () => {
    expect(() => make(CUSTOM, {})).toThrow(Offline)
  })

  it.each([
    ['standard-webhooks', 'not-a-whsec', 'whsec_'],
    ['standard-webhooks', 'whsec_c2hvcnQ=', '24 to 64 bytes'],
    ['standard-webhooks', `${WHSEC.slice(0, -1)}`.concat('=A'), 'whsec_'],
    ['telegram', '12345:AAF-bot-token', 'bot token'],
    ['stripe', 'sk_live_0123456789', 'API key'],
    ['twilio', `AC${'0'.repeat(32)}`, 'SID'],
  ])('is offline where the %s secret has the wrong form, and says so without it', (provider, secret, says) => {
    try {
      make({ provider, secrets: [{ env: 'HOOK' }] }, { HOOK: secret })
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof Offline)) throw error
      expect(error.message).toContain(says)
      expect(error.message).toContain('"current" (env:HOOK)')
      expect(error.mend).not.toBe('')
      expect(error.message + error.mend).not.toContain(secret)
    }
  })

  it('shows no secret and no signature in any evidence', () => {
    const { check } = make(CUSTOM, SECRETS)
    const wrong = custom('another secret')
    const decision = check.decide(fakeRequest(wrong), {})
    const shown = JSON.stringify(decision)
    for (const hidden of [...Object.values(SECRETS), String(wrong.headers?.['X-Signature']).slice(7)])
      expect(shown).not.toContain(hidden)
  })

  it.each(['{"id":""}', '{"id":null}', '{"id":9007199254740993}', '{"id":1.5}', '{"id":[1]}', 'no JSON'])(
    'takes no event id from %s, which could not tell two events apart',
    body => {
      const config = { scheme: 'hmac', header: 'X-Sig', 'event-id': { json: 'id' }, secrets: [{ env: 'HOOK' }] }
      const { check } = make(config, { HOOK: 's' })
      const headers = { 'X-Sig': mac('s', body).digest('hex') }
      const decision = check.decide(fakeRequest({ body, headers }), {})
      expect(decision).toMatchObject({ ok: true, facts: { nonce: headers['X-Sig'] } })
      expect(decision).not.toHaveProperty('facts.eventId')
    },
  )
})

describe('the config of signature', () => {
  const said = (flow: string) => {
    const text = `listeners: [{ name: public, bind: "127.0.0.1:8080" }]
routes:
  - name: r
    match: { path: /in }
    checks:
      - signature: ${flow}
    forward: { to: http://127.0.0.1:3000/in }
`
    const { problems, text: masked } = parseConfig(text, '/etc/gate.yaml', { A: 'aaa', B: 'bbb' })
    return formatProblems(problems, masked)
  }
  const ONE = 'secrets: [{ env: A }]'

  it.each([
    [`{ provider: githb, ${ONE} }`, '"githb" is not known here', 'did you mean "github"?'],
    [`{ provider: github, tolerance: 5m, ${ONE} }`, 'github signs no timestamp', 'add replay'],
    [`{ provider: zendesk, tolerance: 0s, ${ONE} }`, 'longer than nothing', 'mend:'],
    [`{ provider: zendesk, secrets: [] }`, 'the list is empty', 'at least one'],
    [
      `{ provider: zendesk, secrets: [{ env: A }, { name: current, env: B }] }`,
      'called "current"',
      'a name of its own',
    ],
    [`{ scheme: hmac, header: X-S, payload: "{timestamp}", ${ONE} }`, '{body} is missing', 'mend:'],
    [`{ scheme: hmac, header: X-S, payload: "{boddy}{body}", ${ONE} }`, '{boddy}', '{timestamp}'],
    [
      `{ scheme: hmac, header: X-S, payload: "{timestamp}{body}", ${ONE} }`,
      'nothing says where it stands',
      'add timestamp',
    ],
    [`{ scheme: hmac, header: X-S, payload: "{id}{body}", ${ONE} }`, 'nothing says where it stands', 'add id'],
    [`{ scheme: hmac, header: X-S, timestamp: { header: X-T }, ${ONE} }`, 'anyone can renew it', 'add {timestamp}'],
    [`{ scheme: hmac, header: X-S, id: { header: X-I }, ${ONE} }`, 'not part of what is signed', 'event-id'],
    [`{ scheme: hmac, header: X-S, tolerance: 5m, ${ONE} }`, 'no signed timestamp', 'add timestamp'],
    [`{ scheme: hmac, header: "X S", ${ONE} }`, 'is no header name', 'mend:'],
  ])('%s', (flow, sentence, mend) => {
    const text = said(flow)
    expect(text).toContain(sentence)
    expect(text).toContain(mend)
  })

  it('takes the spelled-out scheme of the contract', () => {
    expect(said(JSON.stringify(CUSTOM).replace('"NEW"', '"A"').replace('"OLD"', '"B"'))).not.toContain('error')
  })
})
