import { constants, createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gate, outcome, type Sent } from './sent.ts'
import { NOW } from './testCheck.ts'

const SECRET = 'the secret of a test'
const SECOND = String(NOW / 1000)
const FORM = 'application/x-www-form-urlencoded'
const mac = (text: string | Buffer, key: string | Buffer = SECRET, hash = 'sha256') =>
  createHmac(hash, key).update(text)

/** A gate whose scheme is spelled out. */
const spelled = (config: Record<string, unknown>, secret = SECRET) => {
  const keys = 'scheme' in config ? 'keys' : 'secrets'
  return gate('', secret, NOW, { scheme: 'hmac', ...config, [keys]: [{ env: 'SECRET' }] })
}
const form = (body: string, headers: Record<string, string> = {}): Sent => ({
  body,
  headers: { 'Content-Type': FORM, ...headers },
})

describe('a payload', () => {
  const BODY = '{"id":"evt_1","amount":{"value":10.00,"big":12345678901234567890},"ok":true,"text":"\\u00e9"}'
  it.each([
    ['{json:id}|{json:amount.value}|{body}', `evt_1|10.00|${BODY}`],
    ['{json:amount.big}{body}', `12345678901234567890${BODY}`],
    ['{json:ok}{json:text}{body}', `true\u00e9${BODY}`],
    ['{sha256:body}', createHash('sha256').update(BODY).digest('hex')],
    ['{sha512:body:base64}.', `${createHash('sha512').update(BODY).digest('base64')}.`],
    ['{md5:body:base64}\n{path}', `${createHash('md5').update(BODY).digest('base64')}\n/hooks/x`],
    ['{sha1:body:hex-upper}', createHash('sha1').update(BODY).digest('hex').toUpperCase()],
    ['{crc32:body}{body}', `${crc32(BODY)}${BODY}`],
    ['{header:X-Tenant}:{method}:{body}', `blue:POST:${BODY}`],
  ])('of %j is what the sender writes', (payload, text) => {
    const headers = { 'X-S': mac(text).digest('hex'), 'X-Tenant': 'blue' }
    const check = spelled({ header: 'X-S', payload })
    expect(outcome(check({ body: BODY, headers }))).toBe('ok')
    expect(outcome(check({ body: BODY.replace('evt_1', 'evt_2'), headers }))).toBe('signature.mismatch')
  })

  it.each(['{"id":null}', '{"id":{}}', '{}', '{"id":1,"id":1}', 'no JSON', '', '"id"'])(
    'that needs a member is not filled from %s',
    body => {
      const check = spelled({ header: 'X-S', payload: '{json:id}{body}' })
      expect(check({ body, headers: { 'X-S': mac(`1${body}`).digest('hex') } })).toMatchObject({
        code: 'signature.malformed',
        evidence: { why: 'the body has no one json:id' },
      })
    },
  )

  it('sorts a form by the names of its fields, decoded, with nothing between them', () => {
    const check = spelled({ header: 'X-S', encoding: 'base64', algorithm: 'sha1', payload: '{url}{form:sorted}' })
    const signature = mac('https://hooks.example.com/hooks/xBody+ a=é\u{1f600}From', SECRET, 'sha1').digest('base64')
    const body = 'From=&%F0%9F%98%80=&Body=%2B+a%3D%C3%A9'
    const sorted = mac('https://hooks.example.com/hooks/xBody+ a=éFrom\u{1f600}', SECRET, 'sha1').digest('base64')
    expect(outcome(check(form(body, { 'X-S': sorted })))).toBe('ok')
    expect(outcome(check(form(body, { 'X-S': signature })))).toBe('signature.mismatch')
    const other = { body, headers: { 'X-S': sorted, 'Content-Type': 'text/plain' } }
    expect(outcome(check(other))).toBe('signature.malformed')
    expect(outcome(check(form(`${body}%`, { 'X-S': sorted })))).toBe('signature.malformed')
    const hidden = `${body}${'&'.repeat(2100)}More=1`
    expect(outcome(check(form(hidden, { 'X-S': sorted })))).toBe('signature.malformed')
  })

  it('takes no field of a form that comes twice', () => {
    const check = spelled({ header: 'X-S', payload: '{form:a}{body}' })
    expect(outcome(check(form('a=1&b=2', { 'X-S': mac('1a=1&b=2').digest('hex') })))).toBe('ok')
    expect(outcome(check(form('a=1&a=1', { 'X-S': mac('1a=1&a=1').digest('hex') })))).toBe('signature.malformed')
  })
})

describe('a signature in the body', () => {
  const config = {
    field: { json: 'signature.value' },
    payload: '{timestamp}{json:signature.token}',
    signs: 'part',
    timestamp: { json: 'signature.timestamp' },
    'event-id': { json: 'signature.token' },
  }
  const body = (changes: object = {}, at = SECOND, more = {}) =>
    JSON.stringify({
      signature: { timestamp: at, token: 'tok_1', value: mac(`${at}tok_1`).digest('hex'), ...changes },
      event: 'delivered',
      ...more,
    })
  const sent = (text: string) => ({ body: text, headers: { 'Content-Type': 'application/json' } })
  const check = spelled(config)

  it('stands in a member of the JSON, with its timestamp and token', () => {
    const decision = check(sent(body()))
    expect(decision).toMatchObject({ ok: true, facts: { eventId: 'tok_1', verifiesForMs: 301_000 } })
    // The token is signed: nothing else has to be remembered.
    expect(decision).not.toHaveProperty('facts.nonce')
  })

  it('says of an id beside the signed part that it is not signed', () => {
    const other = spelled({ ...config, 'event-id': { json: 'event' } })
    expect(other(sent(body()))).toMatchObject({
      facts: { eventId: 'delivered', nonce: mac(`${SECOND}tok_1`).digest('hex') },
    })
  })

  it.each([
    [{ token: 'tok_2' }, SECOND, 'signature.mismatch'],
    [{ token: null }, SECOND, 'signature.malformed'],
    [{ timestamp: `${SECOND}0` }, SECOND, 'signature.expired'],
    [{ timestamp: undefined }, SECOND, 'signature.missing'],
    [{ timestamp: 'now' }, SECOND, 'signature.malformed'],
    [{ value: undefined }, SECOND, 'signature.missing'],
    [{ value: '' }, SECOND, 'signature.missing'],
    [{ value: 7 }, SECOND, 'signature.malformed'],
    [{ value: { a: 1 } }, SECOND, 'signature.missing'],
    [{}, String(NOW / 1000 - 301), 'signature.expired'],
    [{}, String(NOW / 1000 + 301), 'signature.expired'],
    [{}, String(NOW / 1000 - 300), 'ok'],
  ])('with %j at %s is %s', (changes, at, code) => {
    expect(outcome(check(sent(body(changes, at))))).toBe(code)
  })

  it('names the field in the evidence, and holds no signature there', () => {
    const decision = check(sent(body({ token: 'tok_2' })))
    expect(decision).toMatchObject({ evidence: { field: 'json:signature.value', 'timestamp-skew-s': 0 } })
    expect(JSON.stringify(decision)).not.toContain(mac(`${SECOND}tok_1`).digest('hex'))
  })

  it('stands in a field of a form, one of several under tags', () => {
    const listed = spelled({
      field: { form: 'bt_signature' },
      payload: '{form:bt_payload}',
      signs: 'part',
      algorithm: 'sha1',
      list: { separator: '&', tag: 'mine|' },
    })
    const signature = mac('cGF5bG9hZA==\n', SECRET, 'sha1').digest('hex')
    const text = (value: string) =>
      new URLSearchParams({ bt_signature: value, bt_payload: 'cGF5bG9hZA==\n' }).toString()
    expect(outcome(listed(form(text(`other|${'0'.repeat(40)}&mine|${signature}`))))).toBe('ok')
    expect(outcome(listed(form(text(`other|${signature}`))))).toBe('signature.malformed')
    expect(outcome(listed(form(text(`mine|${signature.replace(/./, x => (x === '0' ? '1' : '0'))}`))))).toBe(
      'signature.mismatch',
    )
    expect(outcome(listed({ ...form(text(`mine|${signature}`)), headers: {} }))).toBe('signature.missing')
  })
})

describe('places and writings', () => {
  it('takes several signatures and the timestamp from one header', () => {
    const check = spelled({
      header: 'X-S',
      list: { separator: ';', tag: 'h1=', 'timestamp-tag': 'ts=' },
      payload: '{timestamp}:{body}',
      timestamp: {},
    })
    const good = mac(`${SECOND}:b`).digest('hex')
    const bad = '0'.repeat(64)
    expect(outcome(check({ body: 'b', headers: { 'X-S': `ts=${SECOND};h1=${bad};h1=${good}` } }))).toBe('ok')
    expect(outcome(check({ body: 'b', headers: { 'X-S': `h1=${good}` } }))).toBe('signature.malformed')
    expect(outcome(check({ body: 'b', headers: { 'X-S': `ts=${SECOND}1;h1=${good}` } }))).toBe('signature.expired')
  })

  it('takes a signed id from the JSON body', () => {
    const check = spelled({ header: 'X-S', payload: '{id}.{body}', id: { json: 'data.id' } })
    const body = '{"data":{"id":42}}'
    expect(check({ body, headers: { 'X-S': mac(`42.${body}`).digest('hex') } })).toMatchObject({
      facts: { eventId: '42' },
    })
    expect(outcome(check({ body: '{"data":{"id":"a.b"}}', headers: { 'X-S': '0'.repeat(64) } }))).toBe(
      'signature.malformed',
    )
    expect(outcome(check({ body: '{"data":{}}', headers: { 'X-S': '0'.repeat(64) } }))).toBe('signature.missing')
  })

  it('reads upper-case hex where it is asked for, and there alone', () => {
    const signature = mac('b').digest('hex')
    const upper = spelled({ header: 'X-S', encoding: 'hex-upper' })
    expect(outcome(upper({ body: 'b', headers: { 'X-S': signature.toUpperCase() } }))).toBe('ok')
    expect(outcome(upper({ body: 'b', headers: { 'X-S': signature } }))).toBe('signature.malformed')
  })

  it.each([
    ['hex', '00ff10', Buffer.from('00ff10', 'hex')],
    ['hex', '00FF10', Buffer.from('00ff10', 'hex')],
    ['base64', 'AP8Q/w==', Buffer.from('00ff10ff', 'hex')],
    ['base64', 'AP8Q/w', Buffer.from('00ff10ff', 'hex')],
    ['whsec', `whsec_${'A'.repeat(32)}`, Buffer.alloc(24)],
    ['text', '00ff10', Buffer.from('00ff10')],
  ])('reads a secret in %s: %s', (writing, secret, key) => {
    const check = spelled({ header: 'X-S', 'key-form': writing }, secret)
    expect(outcome(check({ body: 'b', headers: { 'X-S': mac('b', key).digest('hex') } }))).toBe('ok')
  })

  it.each([
    ['hex', '00ff1'],
    ['hex', 'xx'],
    ['base64', 'AP8Q_w=='],
    ['base64', 'A'],
    ['whsec', 'whpk_AAAA'],
  ])('is offline where the secret is not in %s: %s', (writing, secret) => {
    expect(() => spelled({ header: 'X-S', 'key-form': writing }, secret)).toThrow(/secret "current" \(env:SECRET\)/)
  })
})

const PAIRS = {
  ed25519: generateKeyPairSync('ed25519'),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}
type Make = (key: KeyObject, data: Buffer) => Buffer
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING }
const SCHEMES: readonly (readonly [
  name: string,
  config: Record<string, unknown>,
  pair: keyof typeof PAIRS,
  make: Make,
])[] = [
  ['ed25519', { scheme: 'ed25519' }, 'ed25519', (key, data) => sign(null, data, key)],
  ['ecdsa-p256, DER', { scheme: 'ecdsa-p256' }, 'ec', (key, data) => sign('sha256', data, key)],
  [
    'ecdsa-p256, IEEE P1363',
    { scheme: 'ecdsa-p256', 'ecdsa-form': 'ieee-p1363' },
    'ec',
    (key, data) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  ],
  ['rsa-sha256', { scheme: 'rsa-sha256' }, 'rsa', (key, data) => sign('sha256', data, key)],
  [
    'rsa-pss, SHA-256',
    { scheme: 'rsa-pss' },
    'rsa',
    (key, data) => sign('sha256', data, { key, ...PSS, saltLength: 32 }),
  ],
  [
    'rsa-pss, SHA-512',
    { scheme: 'rsa-pss', algorithm: 'sha512' },
    'rsa',
    (key, data) => sign('sha512', data, { key, ...PSS, saltLength: 64 }),
  ],
]

describe.each(SCHEMES)('%s', (_name, config, pair, make) => {
  const { publicKey, privateKey } = PAIRS[pair]
  const body = Buffer.from('{"a":1,"text":"a body of some length"}')
  const payload = { header: 'X-S', encoding: 'base64', payload: '{timestamp}.{body}', timestamp: { header: 'X-T' } }
  const check = spelled({ ...config, ...payload }, jwkOf(publicKey))
  const signature = make(privateKey, Buffer.concat([Buffer.from(`${SECOND}.`), body]))
  const sent = (changes: Partial<Record<'X-S' | 'X-T', string>> = {}, raw = body): Sent => ({
    body: raw,
    headers: { 'X-S': signature.toString('base64'), 'X-T': SECOND, ...changes },
  })

  it('takes what the private key signed, and remembers what was signed', () => {
    expect(check(sent())).toMatchObject({
      ok: true,
      facts: {
        principal: config.scheme,
        keyName: 'current',
        nonce: createHash('sha256').update(`${SECOND}.`).update(body).digest('hex'),
      },
    })
  })

  it('refuses another moment, and an old one before it looks further', () => {
    expect(outcome(check(sent({ 'X-T': String(NOW / 1000 - 1) })))).toBe('signature.mismatch')
    expect(outcome(check(sent({ 'X-T': String(NOW / 1000 - 301) })))).toBe('signature.expired')
  })

  it('names the keys that were tried', () => {
    expect(check(sent({}, Buffer.from('other')))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { 'keys-tried': ['current'], 'body-bytes': 5 },
    })
  })

  it('never verifies a changed body or signature, and never throws', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const raw = Buffer.from(body)
        raw[at % raw.length] = (raw[at % raw.length] ?? 0) ^ mask
        expect(outcome(check(sent({}, raw)))).toBe('signature.mismatch')
        const bytes = Buffer.from(signature)
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ mask
        expect(outcome(check(sent({ 'X-S': bytes.toString('base64') })))).toMatch(/^signature\.m(ismatch|alformed)$/)
      }),
      { numRuns: 300 },
    )
    const bytes = fc.uint8Array({ maxLength: 300 }).map(each => Buffer.from(each).toString('base64'))
    const texts = fc.oneof(bytes, fc.string({ maxLength: 200 }), fc.constantFrom('', 'A'.repeat(20_000), '===='))
    fc.assert(
      fc.property(texts, text => {
        expect(outcome(check(sent({ 'X-S': text })))).toMatch(/^signature\.m(ismatch|alformed|issing)$/)
      }),
      { numRuns: 300 },
    )
  })

  it('verifies nothing under a key that has ended', () => {
    const ended = gate('', jwkOf(publicKey), NOW, {
      ...config,
      ...payload,
      keys: [{ id: 'old', env: 'SECRET', expires: '2026-01-01' }],
    })
    expect(ended(sent())).toMatchObject({
      code: 'signature.mismatch',
      evidence: { 'keys-tried': [], 'keys-expired': ['old'] },
    })
  })

  it('is offline under a private key, and says so without it', () => {
    const held = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
    const make = () => spelled({ ...config, ...payload }, held)
    expect(make).toThrow('key "current" (env:SECRET): it is a private key, which whoever verifies must not have')
  })
})

function jwkOf(key: KeyObject): string {
  return JSON.stringify(key.export({ format: 'jwk' }))
}
