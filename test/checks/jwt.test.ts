import { createHmac, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { jwt } from '../../src/checks/jwt.ts'
import { craftToken, jwkOf, jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
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
const ISSUER = 'https://id.example.com'
const issuer = makeIssuer('ES256', 'kb-1')
const other = makeIssuer('ES256', 'kb-2')
const rsa = makeIssuer('RS256')
const SECRET = 'a secret of this test, 32 bytes at least'.replaceAll(' ', '-')
const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString()

const resources = {
  files: {
    'jwks.json': await jwksOf(issuer, other, rsa),
    'private.json': JSON.stringify({ keys: [issuer.privateKey.export({ format: 'jwk' })] }),
    'rsa.json': await jwksOf(rsa),
    'twins.json': await jwksOf(issuer, { ...other, kid: 'kb-1' }),
    'bare.json': JSON.stringify({ keys: [await bare(other), await bare(issuer)] }),
  },
  secrets: {
    SECRET,
    OTHER: `${SECRET}-of-another`,
    PEM: pem,
    SHORT: 'short',
    HEX: Buffer.from(SECRET).toString('hex'),
  },
}
const config = {
  issuer: ISSUER,
  audience: 'crm',
  algorithms: ['ES256'],
  jwks: { file: 'jwks.json' },
  scopes: ['articles:write'],
}
const claims = {
  iss: ISSUER,
  aud: 'crm',
  sub: 'kb-sync',
  exp: S + 600,
  iat: S - 10,
  scope: 'articles:read articles:write',
}
const secretConfig = {
  algorithms: ['HS256'],
  secrets: [
    { name: 'old', env: 'OTHER' },
    { name: 'new', env: 'SECRET' },
  ],
}

async function bare(of: typeof issuer): Promise<object> {
  const { kty, crv, x, y } = await jwkOf(of)
  return { kty, crv, x, y }
}
const of = (token: string, more: RequestDescription = {}): RequestDescription => ({
  headers: { Authorization: `Bearer ${token}` },
  ...more,
})
const make = async (more: object, header: object = {}) =>
  of(await tokenOf(issuer, { ...claims, ...more }, { ...header }))
const hs = (secret: string, more: object = {}) =>
  new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: 'HS256', kid: 'whatever' }).sign(Buffer.from(secret))
const good = await tokenOf(issuer, claims)
const [head = '', body = '', signature = ''] = good.split('.')
const headerText = JSON.stringify({ alg: 'ES256', kid: 'kb-1' })
const payloadText = JSON.stringify(claims)
const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)

const certificate = fakeCertificate({ fingerprint: 'ab'.repeat(32) })
const thumbprint = Buffer.from(certificate.fingerprint, 'hex').toString('base64url')
const bound = { cnf: { 'x5t#S256': thumbprint } }

type Code = keyof typeof jwt.denials
const refused = (
  name: string,
  code: Code,
  request: RequestDescription,
  more: Partial<DenyCase<Code>> = {},
): DenyCase<Code> => ({ name, code, config, resources, request, ...more })

testCheck(jwt, {
  allows: [
    {
      name: 'a token of the issuer',
      config,
      resources,
      request: of(good),
      adds: { principal: 'kb-sync', principalBy: 'jwt', keyName: 'kb-1' },
    },
    { name: 'one by the other key of the set', config, resources, request: of(await tokenOf(other, claims)) },
    {
      name: 'one without kid, where the second key without one verifies',
      config: { ...config, jwks: { file: 'bare.json' } },
      resources,
      request: of(await tokenOf({ ...issuer, kid: 'kb-1' }, claims, { kid: undefined })),
    },
    {
      name: 'RSA beside ECDSA',
      config: { ...config, algorithms: ['ES256', 'RS256'] },
      resources,
      request: of(await tokenOf(rsa, claims)),
    },
    { name: 'an audience in a list', config, resources, request: await make({ aud: ['other', 'crm'] }) },
    {
      name: 'one of several issuers and audiences',
      config: { ...config, issuer: ['https://x.example', ISSUER], audience: ['x', 'crm'] },
      resources,
      request: of(good),
    },
    {
      name: 'scopes in scp, as a list',
      config,
      resources,
      request: await make({ scope: undefined, scp: ['articles:write'] }),
    },
    { name: 'an exp within the skew', config, resources, request: await make({ exp: S - 29 }) },
    { name: 'an nbf within the skew', config, resources, request: await make({ nbf: S + 30 }) },
    { name: 'typ at+jwt without being asked', config, resources, request: await make({}, { typ: 'at+jwt' }) },
    {
      name: 'typ in its long form',
      config: { ...config, typ: 'at+jwt' },
      resources,
      request: await make({}, { typ: 'application/AT+JWT' }),
    },
    {
      name: 'another claim as the principal',
      config: { ...config, principal: 'client_id' },
      resources,
      request: await make({ client_id: 'app-7' }),
      adds: { principal: 'app-7' },
    },
    {
      name: 'another header, with the token alone',
      config: { ...config, header: 'Cf-Access-Jwt-Assertion' },
      resources,
      request: { headers: { 'cf-access-jwt-assertion': good } },
    },
    {
      name: 'an HMAC by the second secret, whatever its kid',
      config: secretConfig,
      resources,
      request: of(await hs(SECRET)),
      adds: { keyName: 'new' },
    },
    {
      name: 'a secret in hex',
      config: { algorithms: ['HS256'], secrets: [{ env: 'HEX' }], encoding: 'hex' },
      resources,
      request: of(await hs(SECRET)),
    },
    {
      name: 'a key in PEM',
      config: { ...config, jwks: undefined, keys: [{ name: 'theirs', env: 'PEM' }] },
      resources,
      request: of(good),
      adds: { keyName: 'theirs' },
    },
    {
      name: 'a token that is bound to the certificate of the connection',
      config: { ...config, 'certificate-bound': true },
      resources,
      request: await make(bound).then(request => ({ ...request, clientCertificate: certificate })),
    },
    {
      name: 'an x5u that is passed over on request',
      config: { ...config, 'own-keys': 'ignore' },
      resources,
      request: await make({}, { x5u: 'http://127.0.0.1:9/c.pem' }),
    },
    {
      name: 'a token a second time, from memory',
      config,
      resources,
      request: of(good),
      before: [{ wait: 500_000 }],
      adds: { principal: 'kb-sync' },
    },
  ],
  denies: [
    refused('no header', 'jwt.missing', {}, { evidence: { header: 'Authorization' } }),
    refused('another scheme', 'jwt.missing', { headers: { Authorization: 'Basic abc' } }),
    refused('the header twice', 'jwt.malformed', { headers: { Authorization: [`Bearer ${good}`, `Bearer ${good}`] } }),
    refused('a token that is no JWT', 'jwt.malformed', of('abc')),
    refused('two parts', 'jwt.malformed', of(`${head}.${body}`)),
    refused('no signature', 'jwt.malformed', of(`${head}.${body}.`)),
    refused('a JWE', 'jwt.malformed', of(`${head}.a.b.c.d`), {
      evidence: { because: 'it is encrypted (JWE), and a signed one is expected' },
    }),
    refused('padding', 'jwt.malformed', of(`${head}.${body}.${signature}==`)),
    refused('base64 in place of base64url', 'jwt.malformed', of(`${head}.${body}.${signature.slice(0, -2)}+/`)),
    refused('stray bits at an end', 'jwt.malformed', of(`${head}.${body}.${signature.slice(0, -1)}B`)),
    refused(
      'a name twice in the header',
      'jwt.malformed',
      of(craftToken(issuer, `{"alg":"none",${headerText.slice(1)}`, payloadText)),
    ),
    refused('no alg', 'jwt.malformed', of(craftToken(issuer, '{"kid":"kb-1"}', payloadText))),
    refused(
      'crit',
      'jwt.header',
      of(craftToken(issuer, '{"alg":"ES256","kid":"kb-1","crit":["x"],"x":1}', payloadText)),
    ),
    refused(
      'b64',
      'jwt.header',
      of(craftToken(issuer, '{"alg":"ES256","kid":"kb-1","crit":["b64"],"b64":false}', payloadText)),
    ),
    ...(await Promise.all(
      [
        { jwk: await jwkOf(other) },
        { jku: 'https://evil.example' },
        { x5u: 'https://evil.example' },
        { x5c: ['AA=='] },
      ].map(async own => refused(`a header with ${Object.keys(own)}`, 'jwt.header', await make({}, own))),
    )),
    refused('alg none', 'jwt.algorithm', of(craftToken(issuer, '{"alg":"none"}', payloadText, 'AA'))),
    refused('an alg that is not listed', 'jwt.algorithm', of(await tokenOf(rsa, claims)), {
      evidence: { alg: 'RS256', kid: 'rs256-1', listed: ['ES256'] },
    }),
    refused(
      'an HMAC made with the public key',
      'jwt.algorithm',
      of(await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'kb-1' }).sign(Buffer.from(pem))),
      { config: { ...config, jwks: undefined, keys: [{ env: 'PEM' }] } },
    ),
    refused('an ID token where an access token is asked for', 'jwt.type', await make({}, { typ: 'JWT' }), {
      config: { ...config, typ: 'at+jwt' },
    }),
    refused('no typ where one is asked for', 'jwt.type', of(good), { config: { ...config, typ: 'at+jwt' } }),
    refused('a typ of other things', 'jwt.type', await make({}, { typ: 'logout+jwt' })),
    refused('an unknown kid', 'jwt.key', await make({}, { kid: "x' UNION SELECT 'k" })),
    refused('a kid that is a path', 'jwt.key', await make({}, { kid: '../../etc/passwd' })),
    refused('the kid of a key of another algorithm', 'jwt.key', await make({}, { kid: 'rs256-1' })),
    refused('a secret that has ended', 'jwt.key', of(await hs(SECRET)), {
      config: { algorithms: ['HS256'], secrets: [{ env: 'SECRET', expires: '2026-11-23' }] },
      evidence: { key: 'current' },
    }),
    refused('the kid of another key', 'jwt.signature', await make({}, { kid: 'kb-2' })),
    refused('a changed payload', 'jwt.signature', of(`${head}.${flip(body, 20)}.${signature}`)),
    refused('a changed signature', 'jwt.signature', of(`${head}.${body}.${flip(signature, 20)}`)),
    refused('a signature of zeros', 'jwt.signature', of(`${head}.${body}.${'A'.repeat(86)}`)),
    refused('an HMAC by another secret', 'jwt.signature', of(await hs(`${SECRET}x`)), { config: secretConfig }),
    refused('claims that are no JSON', 'jwt.claims', of(craftToken(issuer, headerText, 'x'))),
    refused(
      'a claim twice',
      'jwt.claims',
      of(craftToken(issuer, headerText, `{"sub":"admin",${payloadText.slice(1)}`)),
    ),
    refused('no sub', 'jwt.claims', await make({ sub: undefined })),
    refused('an empty sub', 'jwt.claims', await make({ sub: '' })),
    refused('no exp', 'jwt.claims', await make({ exp: undefined }), { evidence: { because: 'it has no exp' } }),
    refused(
      'an exp that is a text',
      'jwt.claims',
      of(craftToken(issuer, headerText, JSON.stringify({ ...claims, exp: '9999999999' }))),
    ),
    refused('no iat under max-age', 'jwt.claims', await make({ iat: undefined }), {
      config: { ...config, 'max-age': '5m' },
    }),
    refused('an exp past the skew', 'jwt.expired', await make({ exp: S - 30 }), {
      evidence: { principal: 'kb-sync', expired: '2026-11-24T09:59:30.000Z' },
    }),
    refused('a token older than max-age', 'jwt.expired', await make({ iat: S - 331 }), {
      config: { ...config, 'max-age': '5m' },
    }),
    refused('a remembered token past its end', 'jwt.expired', of(good), { before: [{ wait: 630_000 }] }),
    refused('an nbf past the skew', 'jwt.not-yet', await make({ nbf: S + 31 })),
    refused('an iat past the skew', 'jwt.not-yet', await make({ iat: S + 31 })),
    refused('another issuer', 'jwt.issuer', await make({ iss: `${ISSUER}/` }), {
      evidence: { principal: 'kb-sync', issuer: `${ISSUER}/`, expected: [ISSUER] },
    }),
    refused('no issuer', 'jwt.issuer', await make({ iss: undefined })),
    refused(
      'issuers in a list',
      'jwt.issuer',
      of(craftToken(issuer, headerText, JSON.stringify({ ...claims, iss: [ISSUER] }))),
    ),
    refused('another audience', 'jwt.audience', await make({ aud: 'evil' })),
    refused('no audience', 'jwt.audience', await make({ aud: undefined })),
    refused(
      'a token bound to another certificate',
      'jwt.bound',
      await make({ cnf: { 'x5t#S256': 'AAAA' } }).then(request => ({
        ...request,
        clientCertificate: certificate,
      })),
    ),
    refused('a bound token without a certificate', 'jwt.bound', await make(bound)),
    refused('a token bound to a DPoP key', 'jwt.bound', await make({ cnf: { jkt: thumbprint } })),
    refused(
      'one that is bound to more',
      'jwt.bound',
      await make({ cnf: { ...bound.cnf, jkt: 'x' } }).then(request => ({
        ...request,
        clientCertificate: certificate,
      })),
    ),
    refused(
      'an unbound token where a bound one is asked for',
      'jwt.bound',
      of(good, { clientCertificate: certificate }),
      {
        config: { ...config, 'certificate-bound': true },
      },
    ),
    refused('anything while the set was never fetched', 'jwt.unavailable', of(good), {
      config: { ...config, jwks: { url: 'https://id.example.com/none' } },
      evidence: { because: 'https://id.example.com/none answered 404' },
    }),
    refused('a scope too few', 'jwt.scope', await make({ scope: 'articles:read articles:writes' }), {
      evidence: { principal: 'kb-sync', lacks: 'articles:write', has: ['articles:read', 'articles:writes'] },
    }),
  ],
})

describe('jwt', () => {
  it('answers a token that it knows at once, and judges its claims anew', async () => {
    const world = fakeResources(resources)
    const check = compile(jwt, config, world)
    const first = check.decide(fakeRequest(of(good)), {})
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ ok: true })
    expect(check.decide(fakeRequest(of(good)), {})).toMatchObject({ ok: true })
    world.clock.advance(629_999)
    expect(check.decide(fakeRequest(of(good)), {})).toMatchObject({ ok: true })
    world.clock.advance(1)
    expect(await check.decide(fakeRequest(of(good)), {})).toMatchObject({ ok: false, code: 'jwt.expired' })
  })

  describe('with a set by URL', () => {
    const url = 'https://id.example.com/jwks'
    const remote = { ...config, jwks: { url, every: '1h', 'max-stale': '2h' } }
    const unknown = makeIssuer('ES256', 'new')
    const long = { ...claims, exp: S + 100_000 }
    const world = async () => {
      const made = fakeResources({ documents: { [url]: await jwksOf(issuer) } })
      const check = compile(jwt, remote, made)
      const ask = async (token: string) => {
        const decision = await check.decide(fakeRequest(of(token)), {})
        return decision.ok === false ? decision.code : decision.ok
      }
      return { made, ask, documents: made.documents }
    }

    it('fetches it anew for an unknown kid, once a cooldown', async () => {
      const { made, ask, documents } = await world()
      const token = await tokenOf(unknown, claims)
      expect(await ask(token)).toBe('jwt.key')
      documents.set(url, await jwksOf(issuer, unknown))
      for (let i = 0; i < 1000; i++) expect(await ask(await tokenOf(issuer, claims, { kid: `k${i}` }))).toBe('jwt.key')
      expect(made.fetches.length).toBe(1)
      made.clock.advance(30_000)
      expect(await ask(token)).toBe(true)
      expect(made.fetches.length).toBe(2)
    })

    it('forgets what a key has proved that was withdrawn', async () => {
      const { made, ask, documents } = await world()
      const token = await tokenOf(issuer, long)
      expect(await ask(token)).toBe(true)
      documents.set(url, await jwksOf(unknown))
      made.clock.advance(30_000)
      expect(await ask(await tokenOf(unknown, long))).toBe(true)
      expect(await ask(token)).toBe('jwt.key')
    })

    it('uses the last good copy as long as max-stale allows', async () => {
      const { made, ask, documents } = await world()
      documents.set(url, '{"keys":[]}')
      made.clock.advance(7_200_000)
      expect(await ask(await tokenOf(issuer, { ...long, iat: undefined }))).toBe(true)
      expect(await ask(await tokenOf(unknown, long))).toBe('jwt.key')
      made.clock.advance(1)
      expect(await ask(await tokenOf(issuer, long))).toBe('jwt.unavailable')
    })
  })

  it('shows no token and no signature', async () => {
    const check = compile(jwt, config, fakeResources(resources))
    for (const token of [good, `${head}.${body}.${flip(signature, 3)}`, `${head}.${flip(body, 9)}.${signature}`]) {
      const said = inspect(await check.decide(fakeRequest(of(token)), {}), { depth: 9 })
      for (const part of token.split('.')) expect(said).not.toContain(part)
    }
  })

  it.each([
    ['a private key in the set', { ...config, jwks: { file: 'private.json' } }, /private or symmetric key/],
    ['two keys of one kid', { ...config, jwks: { file: 'twins.json' } }, /two keys of the kid "kb-1"/],
    ['no key that fits', { ...config, jwks: { file: 'rsa.json' } }, /no key for ES256 \("rs256-1": it is for RS256\)/],
    ['no file', { ...config, jwks: { file: 'none.json' } }, /none.json is missing/],
    ['a short secret', { ...secretConfig, secrets: [{ env: 'SHORT' }] }, /has 5 bytes, and HS256 needs 32/],
    ['a secret in another encoding', { ...secretConfig, encoding: 'hex' }, /is not hex/],
    ['a key of another kind', { algorithms: ['RS256'], keys: [{ env: 'PEM' }] }, /is a key for ES256/],
  ])('is offline with %s', (_name, wrong, message) => {
    expect(() => compile(jwt, wrong, fakeResources(resources))).toThrow(message)
  })

  it('takes no private key in PEM, and no weak RSA key', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
    const secrets = {
      PRIVATE: issuer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      WEAK: weak.toString(),
    }
    const load = (env: string, alg: string) =>
      compile(jwt, { algorithms: [alg], keys: [{ env }] }, fakeResources({ secrets }))
    expect(() => load('PRIVATE', 'ES256')).toThrow('is a private key')
    expect(() => load('WEAK', 'RS256')).toThrow('RSA of 1024 bits')
  })

  it('refuses a MAC made by hand with the bytes of a public key in a set', async () => {
    const check = compile(jwt, { ...config, algorithms: ['ES256', 'RS256'] }, fakeResources(resources))
    for (const key of [pem, pem.trim(), JSON.stringify(await jwkOf(issuer)), '']) {
      const input = `${Buffer.from('{"alg":"HS256","kid":"kb-1"}').toString('base64url')}.${body}`
      const mac = createHmac('sha256', key).update(input).digest('base64url')
      expect(await check.decide(fakeRequest(of(`${input}.${mac}`)), {})).toMatchObject({ code: 'jwt.algorithm' })
    }
  })
})
