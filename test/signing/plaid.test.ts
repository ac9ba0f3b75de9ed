import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { importJWK, jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { Offline } from '../../src/core/resources.ts'
import { gate, outcome, provider, type Sent, signed } from '../checks/sent.ts'
import { compile, fakeRequest, fakeResources, NOW } from '../checks/testCheck.ts'
import { credentials } from '../support/signed.ts'

const SECOND = NOW / 1000
const BODY =
  '{\n  "webhook_type": "TRANSACTIONS",\n  "webhook_code": "SYNC_UPDATES_AVAILABLE",\n  "item_id": "wz666MBj"\n}'
const KID = 'bfbd5111-8e33-4643-8ced-b2e642a72f3c'
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { privateKey } = pair

/** As Plaid's API answers. */
const answer = (more: object = {}, key: KeyObject = pair.publicKey) =>
  JSON.stringify(
    {
      key: {
        alg: 'ES256',
        created_at: 1560466950,
        expired_at: null,
        kid: KID,
        use: 'sig',
        ...key.export({ format: 'jwk' }),
        ...more,
      },
      request_id: 'RZ6Omi1bzzwDaLo',
    },
    null,
    2,
  )

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const CLAIMS = { iat: SECOND, request_body_sha256: sha256(BODY) }
type Claims = Record<string, unknown>

/** Signed by jose. */
const token = (claims: Claims = CLAIMS, head: Claims = {}, key = privateKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: KID, typ: 'JWT', ...head }).sign(key)

const sent = (jwt: string, body = BODY): Sent => ({ headers: { 'Plaid-Verification': jwt }, body })
const judge = (jwt: string, { given = answer(), now = NOW, body = BODY } = {}) =>
  gate('plaid', given, now)(sent(jwt, body))

describe('Plaid', () => {
  it('takes what jose signed, under the key as Plaid answers it, or its JWK alone', async () => {
    const jwt = await token()
    expect(judge(jwt)).toMatchObject({ ok: true, facts: { principal: 'plaid', verifiesForMs: 301_000 } })
    expect(outcome(judge(jwt, { given: JSON.stringify(JSON.parse(answer()).key) }))).toBe('ok')
  })

  it('signs what jose takes', async () => {
    const { held, given } = credentials(provider('plaid'))
    const { headers } = signed('plaid', held, Buffer.from(BODY))
    const key = await importJWK(JSON.parse(given), 'ES256')
    const { payload, protectedHeader } = await jwtVerify(String(headers['Plaid-Verification']), key, {
      algorithms: ['ES256'],
      currentDate: new Date(NOW),
    })
    expect(payload).toEqual(CLAIMS)
    expect(protectedHeader.kid).toBe(JSON.parse(given).kid)
  })

  it('binds the body, byte for byte', async () => {
    const jwt = await token()
    expect(outcome(judge(jwt, { body: JSON.stringify(JSON.parse(BODY)) }))).toBe('signature.mismatch')
    for (const told of [undefined, null, 7, '', sha256(BODY).toUpperCase(), `${sha256(BODY)} `, sha256(`${BODY} `)])
      expect(outcome(judge(await token({ ...CLAIMS, request_body_sha256: told }))), String(told)).toBe(
        'signature.mismatch',
      )
  })

  it('takes a token for five minutes, and none without a time', async () => {
    const jwt = await token()
    for (const [skew, says] of [
      [300_000, 'ok'],
      [-300_000, 'ok'],
      [301_000, 'signature.expired'],
      [-301_000, 'signature.expired'],
    ] as const)
      expect(outcome(judge(jwt, { now: NOW + skew })), String(skew)).toBe(says)
    const { iat: _iat, ...undated } = CLAIMS
    expect(outcome(judge(await token(undated)))).toBe('signature.malformed')
  })

  it('names the kid of a key that the config has not', async () => {
    expect(judge(await token(CLAIMS, { kid: 'another' }))).toMatchObject({
      code: 'signature.mismatch',
      evidence: {
        why: 'no key of the config has its kid: the service may have a new key',
        kid: 'another',
        'keys-tried': ['current'],
      },
    })
    expect(outcome(judge(await token(CLAIMS, { kid: undefined })))).toBe('signature.malformed')
  })

  it('is pinned to ES256, whatever the token says', async () => {
    const [head = '', payload = '', mark = ''] = (await token()).split('.')
    const [, other = ''] = (await token({ ...CLAIMS, iat: SECOND - 1 })).split('.')
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const alg of ['none', 'None', 'ES384', 'es256', 'HS256', 'RS256', ''])
      for (const end of [mark, ''])
        expect(outcome(judge(`${encode({ alg, kid: KID })}.${payload}.${end}`)), alg).toBe('signature.malformed')
    expect(outcome(judge(`${head}.${other}.${mark}`))).toBe('signature.mismatch')
    // What other protocols write: ASN.1 instead of two numbers.
    const der = sign('sha256', Buffer.from(`${head}.${payload}`), privateKey).toString('base64url')
    expect(outcome(judge(`${head}.${payload}.${der}`))).toBe('signature.malformed')
    const zeros = Buffer.alloc(64).toString('base64url')
    expect(outcome(judge(`${head}.${payload}.${zeros}`))).toBe('signature.mismatch')
    // The public key as the secret of an HMAC.
    const mac = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: KID }).sign(Buffer.from(answer()))
    expect(outcome(judge(mac))).toBe('signature.malformed')
  })

  it('refuses under the kid what another key signed, and a token that brings its key', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    expect(outcome(judge(await token(CLAIMS, {}, stranger.privateKey)))).toBe('signature.mismatch')
    for (const own of [{ jwk: stranger.publicKey.export({ format: 'jwk' }) }, { jku: 'https://forger.example/' }])
      expect(outcome(judge(await token(CLAIMS, own, stranger.privateKey)))).toBe('signature.malformed')
  })

  it('refuses a key that Plaid has ended, from then on', async () => {
    const jwt = await token()
    expect(outcome(judge(jwt, { given: answer({ expired_at: SECOND }) }))).toBe('ok')
    expect(judge(jwt, { given: answer({ expired_at: SECOND - 1 }) })).toMatchObject({
      code: 'signature.mismatch',
      evidence: { 'keys-expired': ['current'] },
    })
  })
})

describe('the keys of Plaid', () => {
  const NEW = 'a-new-key'
  const next = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const load = (keys: readonly object[], secrets: Readonly<Record<string, string>>) => {
    const resources = fakeResources({ secrets })
    return { resources, check: compile(signature, { provider: 'plaid', keys }, resources) }
  }

  it('are several, each for its own kid', async () => {
    const { check } = load([{ env: 'OLD' }, { env: 'NEW' }], {
      OLD: answer(),
      NEW: answer({ kid: NEW, ...next.publicKey.export({ format: 'jwk' }) }),
    })
    const says = async (jwt: Promise<string>) => {
      const decision = check.decide(fakeRequest(sent(await jwt)), {})
      if (decision instanceof Promise) throw new Error('a token is verified at once')
      return decision
    }
    expect(await says(token())).toMatchObject({ facts: { keyName: 'current' } })
    expect(await says(token(CLAIMS, { kid: NEW }, next.privateKey))).toMatchObject({ facts: { keyName: 'key-2' } })
    expect(outcome(await says(token(CLAIMS, { kid: KID }, next.privateKey)))).toBe('signature.mismatch')
  })

  it('tell their end, the earlier of the two', () => {
    const { resources } = load([{ env: 'KEY', expires: '2026-11-30' }], { KEY: answer({ expired_at: SECOND + 60 }) })
    expect(resources.expiries).toEqual([{ kind: 'secret', name: 'test-route/signature/current', at: NOW + 60_000 }])
  })

  it('are PEM as well, with their kid beside them', async () => {
    const { check } = load([{ env: 'KEY', id: KID }], { KEY: pem })
    expect(check.decide(fakeRequest(sent(await token())), {})).toMatchObject({ ok: true })
  })

  it.each([
    ['without a kid', pem],
    ['that are private', JSON.stringify(privateKey.export({ format: 'jwk' }))],
    ['of another curve', answer({}, generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)],
    ['whose end is no number', answer({ expired_at: 'never' })],
    ['that are none', '{"key":7}'],
  ])('are none %s', (_, KEY) => {
    expect(() => load([{ env: 'KEY' }], { KEY })).toThrow(Offline)
  })
})
