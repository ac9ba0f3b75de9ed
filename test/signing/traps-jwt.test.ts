import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { gate, outcome, type Sent, URL_GIVEN } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'

/** What a token must say, and what it must not be believed. */

const SECRET = 'a signature secret of some length'
const SECOND = NOW / 1000
const BODY = '{"id":"evt_1","text":"Grüße 👋"}'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

type Claims = Record<string, unknown>
const HASHES: Record<string, string> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

function token(claims: Claims | string, head: Claims = { alg: 'HS256', typ: 'JWT' }, secret = SECRET): string {
  const text = `${base64url(head)}.${base64url(claims)}`
  const mac = createHmac(HASHES[String(head.alg)] ?? 'sha256', secret).update(text)
  return `${text}.${mac.digest('base64url')}`
}

const SERVICES = {
  messagebird: {
    header: 'MessageBird-Signature-JWT',
    prefix: '',
    claims: {
      iss: 'MessageBird',
      nbf: SECOND,
      exp: SECOND + 60,
      jti: 'j-1',
      url_hash: sha256(URL_GIVEN),
      payload_hash: sha256(BODY),
    },
    hash: 'payload_hash',
  },
  netlify: {
    header: 'X-Webhook-Signature',
    prefix: '',
    claims: { iss: 'netlify', sha256: sha256(BODY) },
    hash: 'sha256',
  },
  vonage: {
    header: 'Authorization',
    prefix: 'Bearer ',
    claims: { iss: 'Vonage', iat: SECOND, jti: 'j-1', payload_hash: sha256(BODY), api_key: 'a1b2c3d' },
    hash: 'payload_hash',
  },
}

describe.each(Object.entries(SERVICES))('%s', (id, { header, prefix, claims, hash }) => {
  const check = gate(id, SECRET)
  const sent = (text: string, body = BODY): Sent => ({ headers: { [header]: prefix + text }, body })
  const judge = (changed: Claims | string, head?: Claims) => outcome(check(sent(token(changed, head))))

  it('takes a token that binds the body', () => {
    expect(judge(claims)).toBe('ok')
  })
  it('refuses it beside another body, and one that binds none', () => {
    expect(outcome(check(sent(token(claims), `${BODY} `)))).toBe('signature.mismatch')
    expect(outcome(check(sent(token(claims), '')))).toBe('signature.mismatch')
    const { [hash]: _gone, ...rest } = { ...claims } as Claims
    expect(judge(rest)).toBe('signature.mismatch')
    for (const told of [null, 7, [], '', sha256(BODY).toUpperCase(), `${sha256(BODY)} `])
      expect(judge({ ...claims, [hash]: told }), JSON.stringify(told)).toBe('signature.mismatch')
  })
  it('refuses alg none, and every alg that it is not pinned to', () => {
    const [, payload] = token(claims).split('.')
    for (const alg of ['none', 'None', 'hs256', 'RS256', 'ES256', ''])
      expect(outcome(check(sent(`${base64url({ alg })}.${payload}.`)))).toBe('signature.malformed')
    for (const alg of ['none', 'RS256', 'HS1']) expect(judge(claims, { alg })).toBe('signature.malformed')
    if (id !== 'messagebird')
      for (const alg of ['HS384', 'HS512']) expect(judge(claims, { alg })).toBe('signature.malformed')
  })
  it('never takes a public key for the secret of an HMAC the other way round', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const text = `${base64url({ alg: 'RS256', typ: 'JWT' })}.${base64url(claims)}`
    const signature = sign('sha256', Buffer.from(text), privateKey).toString('base64url')
    expect(outcome(gate(id, pem)(sent(`${text}.${signature}`)))).toBe('signature.malformed')
  })
  it.each([{ crit: ['exp'] }, { b64: false }, { jwk: {} }, { jku: 'https://forger.example/' }, { x5u: '' }])(
    'refuses a header with %j',
    more => {
      expect(judge(claims, { alg: 'HS256', ...more })).toBe('signature.malformed')
    },
  )
  it('refuses another issuer, and claims that are no object', () => {
    expect(judge({ ...claims, iss: 'Forger' })).toBe('signature.malformed')
    for (const text of ['[]', 'null', '"text"', '{', '{"a":1,"a":1}'])
      expect(judge(text), text).toBe('signature.malformed')
  })
  it.each(['exp', 'nbf', 'iat'])('refuses an %s that is no number of seconds', name => {
    for (const at of ['1', null, -1, 1e30, []])
      expect(judge({ ...claims, [name]: at }), JSON.stringify(at)).toBe('signature.malformed')
  })
  it('heeds exp, nbf and iat where they are there', () => {
    const far = 86_400
    expect(judge({ ...claims, exp: SECOND - far })).toBe('signature.expired')
    expect(judge({ ...claims, nbf: SECOND + far })).toBe('signature.expired')
    expect(judge({ ...claims, iat: SECOND + far })).toBe('signature.expired')
  })
  it('refuses what is no token of three parts, and one without end', () => {
    const good = token(claims)
    for (const text of ['', '.', '..', `${good}.`, `${good}=`, good.slice(0, -1), `.${good}`, 'a'.repeat(9000)])
      expect(outcome(check(sent(text))), text.slice(0, 40)).toMatch(/^signature\.(malformed|missing)$/)
    const padded = token({ ...claims, more: 'x'.repeat(9000) })
    expect(outcome(check(sent(padded)))).toBe('signature.malformed')
  })
  it('refuses a forged one before its body is read', () => {
    expect(outcome(check(sent(token(claims, undefined, 'another'))))).toBe('signature.mismatch')
  })
})

describe('MessageBird', () => {
  const { claims, header } = SERVICES.messagebird
  const check = gate('messagebird', SECRET)
  const sent = (changed: Claims, url = URL_GIVEN): Sent => ({ url, headers: { [header]: token(changed) }, body: BODY })
  it('binds the URL', () => {
    expect(outcome(check(sent(claims, `${URL_GIVEN}?a=1`)))).toBe('signature.mismatch')
    const { url_hash: _gone, ...rest } = claims
    expect(outcome(check(sent(rest)))).toBe('signature.mismatch')
  })
  it.each(['nbf', 'exp', 'jti'])('refuses a token without %s', name => {
    const { [name]: _gone, ...rest } = { ...claims } as Claims
    expect(outcome(check(sent(rest)))).toBe('signature.malformed')
  })
  it('is remembered by jti for as long as the token verifies', () => {
    expect(check(sent(claims))).toMatchObject({ facts: { eventId: 'j-1', verifiesForMs: 66_000 } })
  })
})

describe('Vonage', () => {
  const { claims } = SERVICES.vonage
  const check = gate('vonage', SECRET)
  const get = (query: string, payload: string, body = ''): Sent => ({
    method: 'GET',
    url: `${URL_GIVEN}?${query}`,
    headers: { Authorization: `Bearer ${token({ ...claims, payload_hash: sha256(payload) })}` },
    body,
  })
  it('binds the parameters of a GET, in their order', () => {
    const payload = '{"to":"+49170","from":"a b"}'
    expect(outcome(check(get('to=%2B49170&from=a+b', payload)))).toBe('ok')
    expect(outcome(check(get('from=a+b&to=%2B49170', payload)))).toBe('signature.mismatch')
    expect(outcome(check(get('to=%2B49170&from=a+b', payload, 'a body')))).toBe('signature.mismatch')
    expect(outcome(check(get('to=1&to=1', '{"to":"1"}')))).toBe('signature.mismatch')
    expect(outcome(check({ ...get('to=1', '{"to":"1"}'), method: 'POST' }))).toBe('signature.mismatch')
  })
  it('wants iat and jti', () => {
    for (const name of ['iat', 'jti']) {
      const { [name]: _gone, ...rest } = { ...claims } as Claims
      const headers = { Authorization: `Bearer ${token(rest)}` }
      expect(outcome(check({ headers, body: BODY }))).toBe('signature.malformed')
    }
  })
  it('is a bearer token, in either case', () => {
    const good = token(claims)
    for (const [text, says] of [
      [`bearer ${good}`, 'ok'],
      [good, 'signature.malformed'],
      [`Basic ${good}`, 'signature.malformed'],
      [`Bearer  ${good}`, 'signature.malformed'],
    ] as const)
      expect(outcome(check({ headers: { Authorization: text }, body: BODY })), text.slice(0, 12)).toBe(says)
  })
})
