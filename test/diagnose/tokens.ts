import { gateFamily, type Sent } from './gate-family.ts'

const ENV = {
  CRM: 'crm-7c41e9a2d05b4f3e8b6a',
  KB: 'kb-1f8e3d6c9b2a47508d7e',
  OLD: 'old-52ab9c0e7f1d4836a5c2',
  DESK_KEY: 'desk-90e1b7c64d2f4a58b3d1',
  SHOP_KEY: 'shop-2b6d8f104c3e4795a1e8',
  ANNA: 'correct:horse%battery',
  BERND: 'staple-of-the-neighbour-42',
}
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const post = (path: string, headers: Sent['headers'] = {}, query = ''): Sent => ({
  path: path + query,
  headers: { 'content-type': 'application/json', ...headers },
  body: '{"update_id":812,"message":{"text":"hello"}}',
})
const bearer =
  (value: string, query = '') =>
  (): Sent =>
    post('/crm', { authorization: value }, query)

/** Fixed tokens, keys and passwords. */
export const tokens = gateFamily({
  name: 'tokens',
  env: ENV,
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: crm, match: { path: /crm }, checks: [{ bearer: { tokens: [{ name: crm-sync, env: CRM, scopes: ["articles:read"] }, { name: legacy, env: OLD, expires: 2026-01-02T00:00:00Z }] } }], forward: { to: UPSTREAM/in } }
  - { name: kb, match: { path: /kb }, checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB }] } }], forward: { to: UPSTREAM/in } }
  - { name: articles, match: { path: /articles }, checks: [{ bearer: { tokens: [{ name: crm-sync, env: CRM, scopes: ["articles:read"] }], scopes: ["articles:write"] } }], forward: { to: UPSTREAM/in } }
  - { name: desk, match: { path: /desk }, checks: [{ api-key: { header: X-Desk-Key, keys: [{ name: desk, env: DESK_KEY }] } }], forward: { to: UPSTREAM/in } }
  - { name: shop, match: { path: /shop }, checks: [{ api-key: { header: X-Shop-Key, keys: [{ name: shop, env: SHOP_KEY }] } }], forward: { to: UPSTREAM/in } }
  - { name: anna, match: { path: /anna }, checks: [{ basic: { users: [{ name: anna, password: { env: ANNA } }] } }], forward: { to: UPSTREAM/in } }
  - { name: bernd, match: { path: /bernd }, checks: [{ basic: { users: [{ name: bernd, password: { env: BERND } }] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    {
      what: 'the form of the service adds "Bearer", and it was typed as well',
      cause: 'bearer.twice',
      send: bearer(`Bearer Bearer ${ENV.CRM}`),
    },
    { what: '"Bearer" twice, with a colon', cause: 'bearer.twice', send: bearer(`Bearer Bearer: ${ENV.CRM}`) },
    { what: 'the token without its scheme', cause: 'bearer.no-scheme', send: bearer(ENV.CRM) },
    { what: 'the scheme "Token" of another service', cause: 'bearer.other-scheme', send: bearer(`Token ${ENV.CRM}`) },
    { what: 'the token in quotation marks', cause: 'bearer.quotes', send: bearer(`Bearer "${ENV.CRM}"`) },
    {
      what: 'the token with a "\\n" of two characters behind it',
      cause: 'bearer.line-end',
      send: bearer(`Bearer ${ENV.CRM}\\n`),
    },
    {
      what: 'the token in base64',
      cause: 'bearer.encoded',
      send: bearer(`Bearer ${Buffer.from(ENV.CRM).toString('base64')}`),
    },
    { what: 'the token in upper case', cause: 'bearer.case', send: bearer(`Bearer ${ENV.CRM.toUpperCase()}`) },
    {
      what: 'the token cut by a field of 20 characters',
      cause: 'bearer.cut',
      send: bearer(`Bearer ${ENV.CRM.slice(0, 20)}`),
    },
    {
      what: 'a token typed from paper, one character wrong',
      cause: 'bearer.mistyped',
      send: bearer(`Bearer ${ENV.CRM.slice(0, -1)}b`),
    },
    {
      what: "the neighbour's token",
      cause: 'bearer.other-route',
      says: /kb-sync.*kb/,
      send: bearer(`Bearer ${ENV.KB}`),
    },
    {
      what: 'a token that has ended in January',
      cause: 'bearer.expired',
      says: /legacy/,
      send: bearer(`Bearer ${ENV.OLD}`),
    },
    { what: 'a variable that was not filled in', cause: 'bearer.placeholder', send: bearer('Bearer {{CRM_TOKEN}}') },
    {
      what: 'a variable of a script that was undefined',
      cause: 'bearer.placeholder',
      send: bearer('Bearer undefined'),
    },
    {
      what: 'a JSON Web Token on a route of fixed tokens',
      cause: 'bearer.is-jwt',
      send: bearer('Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjcm0ifQ.c2lnbmF0dXJl'),
    },
    {
      what: 'the token as the password of Basic credentials',
      cause: 'bearer.password',
      send: bearer(basic(`crm:${ENV.CRM}`)),
    },
    {
      what: 'the token as ?access_token=',
      cause: 'bearer.in-query',
      send: () => post('/crm', {}, `?access_token=${ENV.CRM}`),
    },
    {
      what: 'the token as ?token= with a stale header',
      cause: 'bearer.in-query',
      send: bearer('Bearer none', `?token=${ENV.CRM}`),
    },
    {
      what: 'the token in X-Api-Key',
      cause: 'bearer.other-header',
      send: () => post('/crm', { 'x-api-key': ENV.CRM }),
    },
    { what: 'no token at all', cause: 'bearer.not-sent', send: () => post('/crm') },
    {
      what: 'a variable of the shell that was not set, so that nothing stands behind Bearer',
      cause: 'bearer.empty',
      says: /variable in the sender is not set/,
      send: bearer('Bearer '),
    },
    {
      what: 'U+00A0 in place of the blank behind Bearer',
      cause: 'bearer.other-blank',
      says: /U\+00A0/,
      send: bearer(`Bearer\u00c2\u00a0${ENV.CRM}`),
    },
    { what: 'an old token without a scheme', cause: 'bearer.no-scheme', send: bearer('crm-0000aaaa1111bbbb2222') },
    {
      what: 'a token that was taken out of the config',
      cause: 'bearer.other-token',
      send: bearer('Bearer crm-0000aaaa1111bbbb2222'),
    },
    {
      what: 'a token without the scope',
      cause: 'bearer.scope',
      says: /articles:write/,
      send: () => post('/articles', { authorization: `Bearer ${ENV.CRM}` }),
    },
    {
      what: 'the key in Authorization instead of its own header',
      cause: 'api-key.other-header',
      says: /authorization/i,
      send: () => post('/desk', { authorization: `Bearer ${ENV.DESK_KEY}` }),
    },
    {
      what: 'the key in X-Api-Key',
      cause: 'api-key.other-header',
      says: /x-api-key/i,
      send: () => post('/desk', { 'x-api-key': ENV.DESK_KEY }),
    },
    {
      what: 'the key in the query',
      cause: 'api-key.in-query',
      send: () => post('/desk', {}, `?api_key=${ENV.DESK_KEY}`),
    },
    {
      what: "another route's key, in this route's header",
      cause: 'api-key.other-route',
      says: /shop/,
      send: () => post('/desk', { 'x-desk-key': ENV.SHOP_KEY }),
    },
    {
      what: 'a key with brackets of the manual around it',
      cause: 'api-key.quotes',
      send: () => post('/desk', { 'x-desk-key': `<${ENV.DESK_KEY}>` }),
    },
    {
      what: 'NAME=VALUE copied as the key',
      cause: 'api-key.assignment',
      send: () => post('/desk', { 'x-desk-key': `DESK_KEY=${ENV.DESK_KEY}` }),
    },
    {
      what: 'a wrong password',
      cause: 'basic.wrong-password',
      send: () => post('/anna', { authorization: basic('anna:sesame') }),
    },
    {
      what: 'the password up to its first colon',
      cause: 'basic.cut',
      send: () => post('/anna', { authorization: basic('anna:correct') }),
    },
    {
      what: 'name and password of another route',
      cause: 'basic.other-route',
      says: /bernd/,
      send: () => post('/anna', { authorization: basic(`bernd:${ENV.BERND}`) }),
    },
    {
      what: 'a line end behind the password, by echo | base64',
      cause: 'basic.line-end',
      send: () => post('/anna', { authorization: basic(`anna:${ENV.ANNA}\n`) }),
    },
    {
      what: 'the user name in another case',
      cause: 'basic.case',
      send: () => post('/anna', { authorization: basic(`Anna:${ENV.ANNA}`) }),
    },
    {
      what: 'name and password swapped',
      cause: 'basic.swapped',
      send: () => post('/bernd', { authorization: basic(`${ENV.BERND}:bernd`) }),
    },
    {
      what: 'name and password not encoded',
      cause: 'basic.not-encoded',
      send: () => post('/anna', { authorization: `Basic anna:${ENV.ANNA}` }),
    },
    {
      what: 'the password behind "Bearer"',
      cause: 'basic.other-scheme',
      send: () => post('/anna', { authorization: `Bearer ${Buffer.from(`anna:${ENV.ANNA}`).toString('base64')}` }),
    },
    {
      what: 'an unknown user',
      cause: 'basic.unknown-user',
      send: () => post('/anna', { authorization: basic('carla:x') }),
    },
    {
      what: 'a percent-encoded password of a URL',
      cause: 'basic.escaped',
      send: () => post('/anna', { authorization: basic(`anna:${encodeURIComponent(ENV.ANNA)}`) }),
    },
  ],
})
