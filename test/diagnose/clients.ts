import { createHash, createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const ISSUER = 'https://id.example.com/realms/crm'
const issuer = makeIssuer('ES256', 'key-2026')
const ENV = {
  CRM: 'crm-7c41e9a2d05b4f3e8b6a',
  DESK_KEY: 'desk-90e1b7c64d2f4a58b3d1',
  ANNA: 'correct:horse%battery',
  UMLAUT: 'grüner-Käse-77',
  SHARED: 'a-shared-secret-of-the-issuer-0123456789',
  SHARED_TWO: 'another-shared-secret-of-an-issuer-98765',
}
const now = (): number => Math.floor(Date.now() / 1000)
const CLAIMS = { iss: ISSUER, aud: 'crm', sub: 'kb-sync', scope: 'articles:read' }
const JSON_TYPE = { 'content-type': 'application/json' }
const sent = (path: string, headers: Record<string, string>): Sent => ({
  path,
  headers: { ...JSON_TYPE, ...headers },
  body: '{"update_id":812}',
})
const crm = (what: string, cause: string, headers: Record<string, string>, more: Partial<Request> = {}): Request => ({
  what,
  cause,
  ...more,
  send: () => sent('/crm', headers),
})
const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`
const asUser = (
  what: string,
  cause: string,
  path: string,
  authorization: string,
  more: Partial<Request> = {},
): Request => ({
  what,
  cause,
  ...more,
  send: () => sent(path, { authorization }),
})
/** A token of jose with these claims; `undefined` takes one out. */
const token = (
  what: string,
  cause: string,
  claims: () => Readonly<Record<string, unknown>>,
  more: Partial<Request> & { path?: string; wrap?: (text: string) => string } = {},
): Request => {
  const { path = '/token', wrap = text => `Bearer ${text}`, ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: async () =>
      sent(path, {
        authorization: wrap(await tokenOf(issuer, { ...CLAIMS, iat: now(), exp: now() + 300, ...claims() })),
      }),
  }
}
const hs256 = (key: string): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'kb', exp: now() + 300 })}`
  return `Bearer ${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

/** What clients do wrong with tokens, keys and passwords, as their operators tell it. */
export const clients = gateFamily({
  name: 'clients',
  env: ENV,
  async prepare(folder) {
    writeFileSync(join(folder, 'jwks.json'), await jwksOf(issuer))
  },
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: crm, match: { path: /crm }, checks: [{ bearer: { tokens: [{ name: crm-sync, env: CRM }] } }], forward: { to: UPSTREAM/in } }
  - { name: desk, match: { path: /desk }, checks: [{ api-key: { header: X-Desk-Key, keys: [{ name: desk, env: DESK_KEY }] } }], forward: { to: UPSTREAM/in } }
  - { name: anna, match: { path: /anna }, checks: [{ basic: { users: [{ name: "anna@crm.example", password: { env: ANNA } }] } }], forward: { to: UPSTREAM/in } }
  - { name: umlaut, match: { path: /umlaut }, checks: [{ basic: { users: [{ name: jörg, password: { env: UMLAUT } }] } }], forward: { to: UPSTREAM/in } }
  - { name: token, match: { path: /token }, checks: [{ jwt: { algorithms: [ES256], issuer: "${ISSUER}", audience: crm, jwks: { file: jwks.json } } }], forward: { to: UPSTREAM/in } }
  - { name: write, match: { path: /write }, checks: [{ jwt: { algorithms: [ES256], issuer: "${ISSUER}", audience: crm, jwks: { file: jwks.json }, scopes: ["articles:write"] } }], forward: { to: UPSTREAM/in } }
  - { name: shared, match: { path: /shared }, checks: [{ jwt: { algorithms: [HS256], secrets: [{ env: SHARED }] } }], forward: { to: UPSTREAM/in } }
  - { name: shared-two, match: { path: /shared-two }, checks: [{ jwt: { algorithms: [HS256], secrets: [{ env: SHARED_TWO }] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    crm('"Bearer:" with a colon', 'bearer.colon', { authorization: `Bearer: ${ENV.CRM}` }),
    crm('"Bearer%20" of a URL template', 'bearer.escaped', { authorization: `Bearer%20${ENV.CRM}` }),
    crm('the token behind "Basic", not encoded', 'bearer.other-scheme', { authorization: `Basic ${ENV.CRM}` }),
    crm('two Authorization fields joined by a proxy', 'bearer.header-twice', {
      authorization: `Bearer ${ENV.CRM}, Bearer ${ENV.CRM}`,
    }),
    crm('a proxy that moves the token to X-Forwarded-Authorization', 'bearer.other-header', {
      'x-forwarded-authorization': `Bearer ${ENV.CRM}`,
    }),
    crm('the token in a cookie', 'bearer.cookie', { cookie: `session=1; access_token=${ENV.CRM}` }),
    crm('the token as JSON text', 'bearer.json', { authorization: `Bearer {"token":"${ENV.CRM}"}` }, { says: /JSON/ }),
    crm('a zero width space behind the token', 'bearer.invisible', {
      authorization: Buffer.from(`Bearer ${ENV.CRM}\u200b`).toString('latin1'),
    }),
    crm('the hash of a tokens-file in place of the token', 'bearer.hashed', {
      authorization: `Bearer ${createHash('sha256').update(ENV.CRM).digest('hex')}`,
    }),
    crm('a masked token, copied from a page that hides it', 'bearer.masked', {
      authorization: 'Bearer crm-****************8b6a',
    }),
    {
      what: 'no key at all: nginx drops fields with an underscore',
      cause: 'api-key.not-sent',
      says: /X-Desk-Key/i,
      send: () => sent('/desk', {}),
    },
    {
      what: 'a key field with an underscore',
      cause: 'api-key.other-header',
      says: /x_desk_key/i,
      send: () => sent('/desk', { x_desk_key: ENV.DESK_KEY }),
    },
    asUser('no password behind the name', 'basic.empty-password', '/anna', basic('anna@crm.example:')),
    asUser('the name cut at "@", by a URL', 'basic.other-user', '/anna', basic(`anna:${ENV.ANNA}`)),
    asUser('the name percent-encoded in a URL', 'basic.escaped', '/anna', basic(`anna%40crm.example:${ENV.ANNA}`)),
    asUser('no base64 padding', 'basic.encoding', '/anna', basic(`anna@crm.example:${ENV.ANNA}`).replace(/=+$/, '')),
    asUser('umlauts in ISO 8859-1', 'basic.charset', '/umlaut', basic(Buffer.from(`jörg:${ENV.UMLAUT}`, 'latin1'))),
    asUser(
      'encoded twice',
      'basic.encoded-twice',
      '/anna',
      basic(Buffer.from(`anna@crm.example:${ENV.ANNA}`).toString('base64')),
    ),
    token('an issuer of http in place of https', 'jwt.issuer-scheme', () => ({ iss: ISSUER.replace('https', 'http') })),
    token('an issuer in other case', 'jwt.issuer-slash', () => ({ iss: ISSUER.replace('crm', 'CRM') })),
    token('a list of audiences without this one', 'jwt.audience', () => ({ aud: ['billing', 'account'] }), {
      says: /billing/,
    }),
    token('the audience as a URL', 'jwt.audience', () => ({ aud: 'https://crm.example.com' })),
    token('times in milliseconds', 'jwt.milliseconds', () => ({
      iat: Date.now(),
      nbf: Date.now(),
      exp: Date.now() + 300_000,
    })),
    token('a token without an end', 'jwt.claim-missing', () => ({ exp: undefined }), { says: /exp/ }),
    token('exp as a text', 'jwt.claim-type', () => ({ exp: String(now() + 300) }), { says: /exp/ }),
    token(
      'the scope in "permissions", as Auth0 writes it',
      'jwt.scope-elsewhere',
      () => ({ permissions: ['articles:write'] }),
      {
        path: '/write',
        says: /permissions/,
      },
    ),
    token(
      'the scope in "roles", as Entra writes it',
      'jwt.scope-elsewhere',
      () => ({ scope: undefined, roles: ['articles:write'] }),
      {
        path: '/write',
        says: /roles/,
      },
    ),
    token('scopes divided by commas', 'jwt.scope-separator', () => ({ scope: 'articles:read,articles:write' }), {
      path: '/write',
    }),
    token('the token as JSON text, in quotation marks', 'jwt.quotes', () => ({}), { wrap: text => `Bearer "${text}"` }),
    token('a token broken into lines', 'jwt.blank', () => ({}), {
      wrap: text => `Bearer ${text.slice(0, 76)} ${text.slice(76)}`,
    }),
    token(
      'an ID token, by its nonce and its audience',
      'jwt.id-token',
      () => ({ aud: 'crm-frontend', nonce: 'n-0S6', azp: 'crm-frontend' }),
      {
        also: ['jwt.audience'],
      },
    ),
    {
      what: "the other issuer's shared secret",
      cause: 'jwt.other-route',
      says: /shared-two/,
      send: () => sent('/shared', { authorization: hs256(ENV.SHARED_TWO) }),
    },
    {
      what: "a line feed at the end of the issuer's copy of the secret",
      cause: 'jwt.secret-line-end',
      send: () => sent('/shared', { authorization: hs256(`${ENV.SHARED}\n`) }),
    },
  ],
})
