import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { providers } from '../../src/signing/index.ts'
import { SecretFault, signerKey } from '../../src/signing/provider.ts'
import { gate, outcome, provider, type Sent, signed, URL_GIVEN } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'
import { credentials } from '../support/signed.ts'

const BODY = '{"id":"evt_1","text":"Grüße 👋"}'
const SECRET = '0123456789abcdef0123456789abcdef'

const hmac = (algorithm: string, key: string | Buffer, text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac(algorithm, key).update(text).digest(encoding)
const parse = (id: string, secret: string): Buffer => signerKey(provider(id), new Secret(Buffer.from(secret)))

describe('secrets of another kind', () => {
  it.each([
    ['paddle', 'pdl_live_apikey_01gtgztp8f4kek3yd4g1wrksa3', /API key/],
    ['workos', 'sk_test_123456', /API key/],
    ['notion', 'ntn_123456', /integration token/],
    ['linear', 'lin_api_123456', /API key/],
    ['clickup', 'pk_1234_ABC', /personal API token/],
    ['hubspot-v1', 'pat-na1-123', /access token/],
    ['hubspot-v3', 'pat-na1-123', /access token/],
    ['resend', 're_123456789', /API key/],
    ['razorpay', 'rzp_live_123456', /API key id/],
    ['paystack', 'pk_live_1234', /public key/],
    ['square', 'EAAAEO1234', /access token/],
    ['square', 'sq0csp-1234', /application secret/],
    ['trello', 'ATTA1234', /token of a user/],
    ['sentry', 'sntrys_1234', /auth token/],
    ['gitlab', `whsec_${Buffer.alloc(32, 7).toString('base64')}`, /signing token/],
    ['dropbox', 'sl.1234', /access token/],
    ['circleci', 'CCIPAT_1234', /API token/],
    ['kustomer', 'eyJhbGciOi', /API key/],
    ['lemonsqueezy', 'eyJhbGciOi', /API key/],
    ['adyen-platform', 'DFB1EB5485895CFA84146406857104AB', /not 32 bytes in hex/],
    ['adyen-platform', 'not hexadecimal', /not 32 bytes in hex/],
    ['teams-outgoing', 'vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA', /not text in base64/],
    ['sinch-voice', 'a secret with blanks', /not base64/],
    ['websub', 'x'.repeat(200), /200 bytes/],
    ['svix', 'whsec_short', /whsec_/],
  ])('%s does not take them', (id, secret, message) => {
    expect(() => parse(id, secret)).toThrow(SecretFault)
    expect(() => parse(id, secret)).toThrow(message)
  })

  it.each(providers.map(({ id }) => id))('%s tells of a wrong one without its value', id => {
    const secret = '\u0001 no secret of any service \u0001'
    try {
      parse(id, secret)
    } catch (error) {
      expect(error).toBeInstanceOf(SecretFault)
      expect(String(error)).not.toContain('no secret of any service')
    }
  })
})

describe('keys that are decoded', () => {
  it('Teams: from base64, behind "HMAC "', () => {
    const key = Buffer.alloc(32, 7)
    const check = gate('teams-outgoing', key.toString('base64'))
    const signature = hmac('sha256', key, BODY, 'base64')
    expect(outcome(check({ headers: { Authorization: `HMAC ${signature}` }, body: BODY }))).toBe('ok')
    expect(outcome(check({ headers: { Authorization: signature }, body: BODY }))).toBe('signature.malformed')
    const undecoded = hmac('sha256', key.toString('base64'), BODY, 'base64')
    expect(outcome(check({ headers: { Authorization: `HMAC ${undecoded}` }, body: BODY }))).toBe('signature.mismatch')
  })

  it.each([(text: string) => text.toUpperCase(), (text: string) => text])('Adyen: from hexadecimal', write => {
    const key = Buffer.alloc(32, 0xab)
    const check = gate('adyen-platform', write(key.toString('hex')))
    const headers = { HmacSignature: hmac('sha256', key, BODY, 'base64') }
    expect(outcome(check({ headers, body: BODY }))).toBe('ok')
  })

  it('WooCommerce: from what WordPress made of it', () => {
    const headers = { 'X-WC-Webhook-Signature': hmac('sha256', `a&b<c>"d"'é`, BODY, 'base64') }
    for (const secret of [`a&b<c>"d"'é`, 'a&amp;b&lt;c&gt;&quot;d&#034;&#039;é'])
      expect(outcome(gate('woocommerce', secret)({ headers, body: BODY }))).toBe('ok')
  })
})

describe('lists', () => {
  const good = hmac('sha256', SECRET, BODY)
  const bad = hmac('sha256', 'another', BODY)
  it.each([
    ['pagerduty', 'X-PagerDuty-Signature'],
    ['circleci', 'circleci-signature'],
  ])('%s: any v1 counts, and no other version', (id, header) => {
    const with_ = (value: string) => outcome(gate(id, SECRET)({ headers: { [header]: value }, body: BODY }))
    expect(with_(`v1=${bad},v1=${good}`)).toBe('ok')
    expect(with_(`v2=${good},v1=${good}`)).toBe('ok')
    expect(with_(`v1=${bad},v2=${good}`)).toBe('signature.mismatch')
    expect(with_(`v2=${good}`)).toBe('signature.malformed')
  })

  it('Paddle: any h1 counts', () => {
    const second = Math.floor(NOW / 1000)
    const h1 = hmac('sha256', SECRET, `${second}:${BODY}`)
    const value = (list: string) => ({ headers: { 'Paddle-Signature': list }, body: BODY })
    const check = gate('paddle', SECRET)
    expect(outcome(check(value(`ts=${second};h1=${bad};h1=${h1}`)))).toBe('ok')
    expect(outcome(check(value(`ts=${second};h1=${h1};h1=${bad}`)))).toBe('ok')
    expect(outcome(check(value(`ts=${second},h1=${h1}`)))).toBe('signature.malformed')
    expect(outcome(check(value(`h1=${h1}`)))).toBe('signature.malformed')
  })

  it('WorkOS: a blank behind the comma', () => {
    const v1 = hmac('sha256', SECRET, `${NOW}.${BODY}`)
    const headers = { 'WorkOS-Signature': `t=${NOW}, v1=${v1}` }
    expect(outcome(gate('workos', SECRET)({ headers, body: BODY }))).toBe('ok')
  })
})

it('Crisp: the brackets are signed', () => {
  const sent = (text: string): Sent => ({
    headers: { 'X-Crisp-Signature': hmac('sha256', SECRET, text), 'X-Crisp-Request-Timestamp': String(NOW) },
    body: BODY,
  })
  expect(outcome(gate('crisp', SECRET)(sent(`[${NOW};${BODY}]`)))).toBe('ok')
  expect(outcome(gate('crisp', SECRET)(sent(`${NOW};${BODY}`)))).toBe('signature.mismatch')
})

it('GitLab: what a signing token signs is for Standard Webhooks', () => {
  const token = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const headers = {
    'Idempotency-Key': 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
    'webhook-id': 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
    'webhook-timestamp': String(NOW / 1000),
    'webhook-signature': `v1,${createHmac('sha256', Buffer.alloc(32, 7))
      .update(`f5e5f430-f57b-4e6e-9fac-d9128cd7232f.${NOW / 1000}.${BODY}`)
      .digest('base64')}`,
  }
  expect(outcome(gate('standard-webhooks', token)({ headers, body: BODY }))).toBe('ok')
})

it("Trello: of each character the low byte, as an en dash is 0x13 on Trello's page", () => {
  const check = gate('trello', SECRET)
  const body = '{"name":"Grüße – 👋"}'
  const sent = (bytes: Buffer | string, told: Buffer | string = body): Sent => ({
    headers: { 'X-Trello-Webhook': createHmac('sha1', SECRET).update(bytes).update(URL_GIVEN).digest('base64') },
    body: told,
  })
  const low = Buffer.from('{"name":"Gr\xfc\xdfe \x13 \x3d\x4b"}', 'latin1')
  expect(outcome(check(sent(low)))).toBe('ok')
  expect(outcome(check(sent(body)))).toBe('ok')
  expect(outcome(check(sent(low, body.replace('–', '-'))))).toBe('signature.mismatch')
  // Bytes that are no UTF-8 have no characters whose low bytes could be taken.
  expect(outcome(check(sent(low, Buffer.concat([Buffer.from(body), Buffer.from([0xff])]))))).toBe('signature.mismatch')
  expect(signed('trello', SECRET, Buffer.from(body)).headers['X-Trello-Webhook']).toBe(
    sent(low).headers['X-Trello-Webhook'],
  )
})

it.each([
  ['front-rule', 'front-application'],
  ['front-application', 'front-rule'],
  ['hubspot-v1', 'hubspot-v2'],
  ['hubspot-v2', 'hubspot-v1'],
  ['hubspot-v1', 'hubspot-v3'],
  ['hubspot-v3', 'hubspot-v1'],
])('what is signed as %s does not pass as %s', (one, other) => {
  expect(outcome(gate(other, SECRET)(signed(one, SECRET, Buffer.from(BODY))))).toMatch(/^signature\./)
})

describe('WebSub', () => {
  const check = gate('websub', SECRET)
  const sent = (value: string): Sent => ({ headers: { 'X-Hub-Signature': value }, body: BODY })
  it.each(['sha1', 'sha256', 'sha384', 'sha512'])('takes %s where the header names it', algorithm => {
    expect(outcome(check(sent(`${algorithm}=${hmac(algorithm, SECRET, BODY)}`)))).toBe('ok')
    expect(outcome(check(sent(`${algorithm}=${hmac(algorithm, 'another', BODY)}`)))).toBe('signature.mismatch')
  })
  it.each(['md5', 'sha224', 'SHA256', '__proto__', ''])('refuses %j', algorithm => {
    expect(outcome(check(sent(`${algorithm}=${hmac('sha256', SECRET, BODY)}`)))).toBe('signature.malformed')
  })
})

describe('Svix', () => {
  const secret = credentials(provider('svix')).held
  const own = signed('svix', secret, Buffer.from(BODY))
  const unbranded = Object.fromEntries(
    Object.entries(own.headers).map(([name, value]) => [name.replace('svix-', 'webhook-'), value]),
  )
  it('takes either family, and the svix one alone where both come', () => {
    const check = gate('svix', secret)
    expect(outcome(check({ ...own, headers: unbranded }))).toBe('ok')
    const wrong = { ...own.headers, 'svix-id': 'msg_another' }
    expect(outcome(check({ ...own, headers: { ...unbranded, ...wrong } }))).toBe('signature.mismatch')
  })
})

describe('Linear', () => {
  const check = gate('linear', SECRET)
  const sent = (body: string): Sent => ({
    headers: { 'Linear-Signature': hmac('sha256', SECRET, body), 'Content-Type': 'application/json' },
    body,
  })
  it('goes by the timestamp in the signed body, and by no header', () => {
    expect(outcome(check(sent(`{"webhookTimestamp":${NOW}}`)))).toBe('ok')
    const old = sent(`{"webhookTimestamp":${NOW - 61_000}}`)
    expect(outcome(check({ ...old, headers: { ...old.headers, 'Linear-Timestamp': String(NOW) } }))).toBe(
      'signature.expired',
    )
  })
  it.each(['{}', '[]', 'null', '{"webhookTimestamp":"1"}', '{"webhookTimestamp":1.5}', 'no JSON'])(
    'refuses a signed %s',
    body => {
      expect(outcome(check(sent(body)))).toBe('signature.malformed')
    },
  )
  it('looks at no timestamp before the signature', () => {
    const { headers } = sent('{"webhookTimestamp":1}')
    expect(outcome(check({ headers, body: '{"webhookTimestamp":2}' }))).toBe('signature.mismatch')
  })
})

describe('HubSpot', () => {
  const v3 = (signedUrl: string, url: string): Sent => ({
    url,
    headers: {
      'X-HubSpot-Request-Timestamp': String(NOW),
      'X-HubSpot-Signature-v3': hmac('sha256', SECRET, `POST${signedUrl}${BODY}${NOW}`, 'base64'),
    },
    body: BODY,
  })
  const check = gate('hubspot-v3', SECRET)
  it('version 3 decodes the escapes that the page lists, and no other', () => {
    const escaped = `${URL_GIVEN}?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%3D%26%25`
    expect(outcome(check(v3(`${URL_GIVEN}?a=:/?@!$'()*,;&b=%20%3D%26%25`, escaped)))).toBe('ok')
    expect(outcome(check(v3(escaped, escaped)))).toBe('signature.mismatch')
    expect(outcome(check(v3(`${URL_GIVEN}?b= =&%`, `${URL_GIVEN}?b=%20%3D%26%25`)))).toBe('signature.mismatch')
  })

  it('version 1 refuses a hash that a stranger went on with', () => {
    const secret = 'A'.repeat(36)
    const signed = Buffer.from(secret + BODY)
    // FIPS 180-4 section 5.1.1: what must stand between what was signed and what is added.
    const size = Buffer.alloc(8)
    size.writeBigUInt64BE(BigInt(signed.length * 8))
    const zeros = Buffer.alloc(63 - ((signed.length + 8) % 64))
    const padding = Buffer.concat([Buffer.from([0x80]), zeros, size])
    expect((signed.length + padding.length) % 64).toBe(0)
    const body = Buffer.concat([Buffer.from(BODY), padding, Buffer.from('more')])
    const headers = {
      'X-HubSpot-Signature-Version': 'v1',
      'X-HubSpot-Signature': createHash('sha256').update(secret).update(body).digest('hex'),
    }
    expect(outcome(gate('hubspot-v1', secret)({ headers, body }))).toBe('signature.malformed')
  })
})

describe('Sinch Voice', () => {
  const body = Buffer.from(BODY)
  const application = 'b2c3d4:c2VjcmV0IG9mIDIwIGJ5dGVzISE='
  const sent = signed('sinch-voice', application, body, 'application/json; charset=utf-8')
  it('takes any application key where the secret names none', () => {
    expect(outcome(gate('sinch-voice', 'c2VjcmV0IG9mIDIwIGJ5dGVzISE=')(sent))).toBe('ok')
    expect(outcome(gate('sinch-voice', `another:c2VjcmV0IG9mIDIwIGJ5dGVzISE=`)(sent))).toBe('signature.mismatch')
  })
  it('signs the method and the type, and a line that is empty where the body is', () => {
    const check = gate('sinch-voice', application)
    expect(outcome(check({ ...sent, method: 'PUT' }))).toBe('signature.mismatch')
    const type = { ...sent.headers, 'Content-Type': 'application/json' }
    expect(outcome(check({ ...sent, headers: type }))).toBe('signature.mismatch')
    expect(outcome(check(signed('sinch-voice', application, Buffer.alloc(0), '')))).toBe('ok')
  })
})
