import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { craftToken, jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
import { gateFamily, type Request } from './gate-family.ts'

const ISSUER = 'https://id.example.com/realms/crm'
const SHARED = 'aSharedSecretOfFiftyTwoCharactersThatIsBase64AsWell+'
const issuer = makeIssuer('ES256', 'key-2026')
const rotated = makeIssuer('ES256', 'key-2027')
const impostor = makeIssuer('ES256', 'key-2026')
const rsa = makeIssuer('RS256', 'rsa-2026')
const now = (): number => Math.floor(Date.now() / 1000)
const CLAIMS = { iss: ISSUER, aud: 'crm', sub: 'kb-sync', scope: 'articles:read' }
const claims = (more: Readonly<Record<string, unknown>> = {}) => ({ ...CLAIMS, iat: now(), exp: now() + 300, ...more })
const send = (token: string, path = '/token') => ({
  path,
  headers: { 'content-type': 'application/json', authorization: token },
  body: '{}',
})
const signed = (
  what: string,
  cause: string,
  more: () => Readonly<Record<string, unknown>>,
  rest: Partial<Request> = {},
): Request => ({
  what,
  cause,
  ...rest,
  send: async () => send(`Bearer ${await tokenOf(issuer, claims(more()))}`),
})
const hs256 = (secret: string | Buffer): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims())}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** JSON Web Tokens, made by jose. */
export const jsonWebTokens = gateFamily({
  name: 'jwt',
  env: { SHARED, ENCODED: Buffer.from(SHARED).toString('base64') },
  async prepare(folder) {
    writeFileSync(join(folder, 'jwks.json'), await jwksOf(issuer, rsa))
  },
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: token, match: { path: /token }, checks: [{ jwt: { algorithms: [ES256], issuer: "${ISSUER}", audience: crm, jwks: { file: jwks.json } } }], forward: { to: UPSTREAM/in } }
  - { name: write, match: { path: /write }, checks: [{ jwt: { algorithms: [ES256], issuer: "${ISSUER}", audience: crm, jwks: { file: jwks.json }, scopes: ["articles:write"] } }], forward: { to: UPSTREAM/in } }
  - { name: desk, match: { path: /desk }, checks: [{ jwt: { algorithms: [ES256], issuer: "${ISSUER}", audience: desk, jwks: { file: jwks.json }, max-age: 10m } }], forward: { to: UPSTREAM/in } }
  - { name: shared, match: { path: /shared }, checks: [{ jwt: { algorithms: [HS256], secrets: [{ env: SHARED }], encoding: base64 } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    signed('a token for another audience', 'jwt.audience', () => ({ aud: 'billing' }), { says: /crm/ }),
    signed('a token without an audience', 'jwt.audience-missing', () => ({ aud: undefined })),
    signed('an audience with a slash at its end', 'jwt.audience-slash', () => ({ aud: 'crm/' })),
    signed('an issuer with a slash at its end', 'jwt.issuer-slash', () => ({ iss: `${ISSUER}/` })),
    signed("the issuer's other realm, with the same keys", 'jwt.issuer', () => ({
      iss: 'https://id.example.com/realms/test',
    })),
    signed('a token that ended an hour ago', 'jwt.expired', () => ({ iat: now() - 7200, exp: now() - 3600 })),
    signed('a token of an issuer whose clock is 20 minutes ahead', 'jwt.clock', () => ({
      iat: now() + 1200,
      nbf: now() + 1200,
      exp: now() + 2400,
    })),
    signed(
      'a token that names its client in client_id alone',
      'jwt.principal',
      () => ({ sub: undefined, client_id: 'kb' }),
      { says: /client_id/ },
    ),
    {
      what: "a token for another route's audience",
      cause: 'jwt.audience',
      send: async () => send(`Bearer ${await tokenOf(issuer, claims())}`, '/desk'),
    },
    {
      what: 'a token that is older than max-age',
      cause: 'jwt.too-old',
      send: async () => send(`Bearer ${await tokenOf(issuer, claims({ aud: 'desk', iat: now() - 3600 }))}`, '/desk'),
    },
    {
      what: 'a token that lacks the scope',
      cause: 'jwt.scope',
      says: /articles:write/,
      send: async () => send(`Bearer ${await tokenOf(issuer, claims())}`, '/write'),
    },
    {
      what: 'a scope with a letter wrong',
      cause: 'jwt.scope-mistyped',
      send: async () => send(`Bearer ${await tokenOf(issuer, claims({ scope: 'article:write' }))}`, '/write'),
    },
    {
      what: 'a key that the issuer has rotated in',
      cause: 'jwt.key-unknown',
      says: /key-2027/,
      send: async () => send(`Bearer ${await tokenOf(rotated, claims())}`),
    },
    {
      what: 'another key under the same kid',
      cause: 'jwt.other-key',
      send: async () => send(`Bearer ${await tokenOf(impostor, claims())}`),
    },
    {
      what: 'a token of the test system',
      cause: 'jwt.other-issuer',
      send: async () => send(`Bearer ${await tokenOf(rotated, claims({ iss: 'https://id.test.example.com' }))}`),
    },
    {
      what: 'an issuer that changed to RS256',
      cause: 'jwt.algorithm',
      says: /RS256/,
      send: async () => send(`Bearer ${await tokenOf(rsa, claims())}`),
    },
    {
      what: 'alg none',
      cause: 'jwt.unsigned',
      send: () => send(`Bearer ${craftToken(issuer, '{"alg":"none"}', JSON.stringify(claims()), '')}`),
    },
    {
      what: 'an ID token in place of the access token, by its type',
      cause: 'jwt.type',
      send: async () => send(`Bearer ${await tokenOf(issuer, claims(), { typ: 'id+jwt' })}`),
    },
    { what: 'an opaque token', cause: 'jwt.opaque', send: () => send('Bearer 8f1c7e6a5b4d3c2b1a09') },
    {
      what: 'a token of which the signature was cut off',
      cause: 'jwt.cut',
      send: async () => send(`Bearer ${(await tokenOf(issuer, claims())).split('.').slice(0, 2).join('.')}`),
    },
    {
      what: '"Bearer" twice',
      cause: 'jwt.twice',
      send: async () => send(`Bearer Bearer ${await tokenOf(issuer, claims())}`),
    },
    {
      what: 'the token without "Bearer"',
      cause: 'jwt.no-scheme',
      send: async () => send(await tokenOf(issuer, claims())),
    },
    {
      what: 'the token as ?access_token=',
      cause: 'jwt.in-query',
      send: async () => ({
        path: `/token?access_token=${await tokenOf(issuer, claims())}`,
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }),
    },
    {
      what: 'the token in X-Access-Token',
      cause: 'jwt.other-header',
      send: async () => ({
        path: '/token',
        headers: { 'content-type': 'application/json', 'x-access-token': await tokenOf(issuer, claims()) },
        body: '{}',
      }),
    },
    {
      what: 'an encrypted token',
      cause: 'jwt.encrypted',
      send: () => send(`Bearer ${['eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ', 'a', 'b', 'c', 'd'].join('.')}`),
    },
    {
      what: 'no token',
      cause: 'jwt.not-sent',
      send: () => ({ path: '/token', headers: { 'content-type': 'application/json' }, body: '{}' }),
    },
    { what: 'a variable of the shell that was not set', cause: 'jwt.empty', send: () => send('Bearer ') },
    { what: 'another scheme than Bearer', cause: 'jwt.other-scheme', says: /"Token"/, send: () => send('Token abc') },
    {
      what: 'a secret that is text, configured as base64',
      cause: 'jwt.secret-encoding',
      says: /text/,
      send: () => send(`Bearer ${hs256(SHARED)}`, '/shared'),
    },
  ],
})
