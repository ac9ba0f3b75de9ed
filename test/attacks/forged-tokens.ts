import { randomUUID, sign } from 'node:crypto'
import { CompactEncrypt, SignJWT } from 'jose'
import { craftToken, type Issuer, jwkOf, tokenOf } from '../support/tokens.ts'

/** What forgers have to hand: the issuer's keys (for tokens that are right but for one thing), and their own. */
export interface Forge {
  readonly ec: Issuer
  readonly rsa: Issuer
  readonly stranger: Issuer
  /** An address of the stranger's, which must never be asked. */
  readonly trap: string
}

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = 'crm'
const TYPE = 'at+jwt'

interface TokenCase {
  readonly id: string
  readonly what: string
  readonly make: (forge: Forge) => string | Promise<string>
  /** Default: 401, and nothing forwarded. */
  readonly admitted?: boolean
}

const now = (): number => Math.floor(Date.now() / 1000)
const claims = (changes: object = {}) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'kb-sync',
  iat: now(),
  exp: now() + 600,
  ...changes,
})
const headerOf = ({ kid }: Issuer, changes: object = {}) => ({ alg: 'ES256', kid, typ: TYPE, ...changes })
/** Signed with ES256 whatever the header says; or with the signature that is given. */
const craft = (by: Issuer, header: object, payload: object | string = claims(), signature?: string): string =>
  craftToken(by, JSON.stringify(header), typeof payload === 'string' ? payload : JSON.stringify(payload), signature)
const right = ({ ec }: Forge, changes: object = {}, header: object = {}) =>
  tokenOf(ec, claims(changes), { typ: TYPE, ...header })

export const tokenCases: readonly TokenCase[] = [
  { id: 'jwt-ctl-1', what: 'control, ES256', make: forge => right(forge), admitted: true },
  { id: 'jwt-ctl-2', what: 'control, RS256', make: ({ rsa }) => tokenOf(rsa, claims(), { typ: TYPE }), admitted: true },
  {
    id: 'jwt-ctl-3',
    what: 'control, within the leeway',
    make: forge => right(forge, { exp: now() - 5 }),
    admitted: true,
  },
  {
    id: 'jwt-001',
    what: 'alg none, no signature',
    make: ({ ec }) => craft(ec, { alg: 'none', typ: TYPE }, claims(), ''),
  },
  { id: 'jwt-001b', what: 'alg none, signed', make: ({ ec }) => craft(ec, headerOf(ec, { alg: 'none' })) },
  { id: 'jwt-002', what: 'alg nOnE', make: ({ ec }) => craft(ec, { alg: 'nOnE', typ: TYPE }, claims(), '') },
  { id: 'jwt-002b', what: 'alg nOnE, signed', make: ({ ec }) => craft(ec, headerOf(ec, { alg: 'nOnE' })) },
  { id: 'jwt-004', what: 'alg missing', make: ({ ec }) => craft(ec, headerOf(ec, { alg: undefined })) },
  { id: 'jwt-004b', what: 'alg null', make: ({ ec }) => craft(ec, headerOf(ec, { alg: null })) },
  {
    id: 'jwt-005',
    what: 'alg not in the list, RS512',
    make: ({ rsa }) =>
      new SignJWT(claims()).setProtectedHeader({ alg: 'RS512', kid: rsa.kid, typ: TYPE }).sign(rsa.privateKey),
  },
  {
    id: 'jwt-007',
    what: 'ECDSA with r and s of zero (CVE-2022-21449)',
    make: ({ ec }) => craft(ec, headerOf(ec), claims(), Buffer.alloc(64).toString('base64url')),
  },
  {
    id: 'jwt-008',
    what: 'ECDSA signature in DER',
    make: ({ ec }) => {
      const input = craft(ec, headerOf(ec)).split('.').slice(0, 2).join('.')
      return `${input}.${sign('sha256', Buffer.from(input), ec.privateKey).toString('base64url')}`
    },
  },
  { id: 'jwt-010', what: 'kid of SQL', make: forge => right(forge, {}, { kid: "x' UNION SELECT 'k" }) },
  { id: 'jwt-010b', what: 'kid of a path', make: forge => right(forge, {}, { kid: '../../../dev/null' }) },
  { id: 'jwt-011', what: 'kid unknown', make: forge => right(forge, {}, { kid: randomUUID() }) },
  {
    id: 'jwt-013',
    what: "x5u to a stranger's address",
    make: forge => right(forge, {}, { x5u: `${forge.trap}/c.pem` }),
  },
  {
    id: 'jwt-013b',
    what: "jku to a stranger's address, signed by the stranger",
    make: ({ stranger, trap }) => tokenOf(stranger, claims(), { typ: TYPE, jku: `${trap}/jwks` }),
  },
  {
    id: 'jwt-014',
    what: 'embedded jwk of a stranger',
    make: async ({ stranger }) => tokenOf(stranger, claims(), { typ: TYPE, jwk: await jwkOf(stranger) }),
  },
  {
    id: 'jwt-014b',
    what: "embedded jwk of a stranger under the issuer's kid",
    make: async ({ stranger, ec }) =>
      tokenOf({ ...stranger, kid: ec.kid }, claims(), { typ: TYPE, jwk: await jwkOf(stranger) }),
  },
  {
    id: 'jwt-014c',
    what: "a stranger's key under the issuer's kid",
    make: ({ stranger, ec }) => craft(stranger, headerOf(ec)),
  },
  {
    id: 'jwt-016',
    what: 'crit with an unknown name',
    make: ({ ec }) => craft(ec, headerOf(ec, { crit: ['x'], x: 1 })),
  },
  { id: 'jwt-017', what: 'b64=false', make: ({ ec }) => craft(ec, headerOf(ec, { crit: ['b64'], b64: false })) },
  { id: 'jwt-019', what: 'exp as a text', make: ({ ec }) => craft(ec, headerOf(ec), claims({ exp: '9999999999' })) },
  { id: 'jwt-020', what: 'exp past the leeway', make: forge => right(forge, { exp: now() - 61 }) },
  { id: 'jwt-020b', what: 'no exp', make: forge => right(forge, { exp: undefined }) },
  { id: 'jwt-022', what: 'another iss', make: forge => right(forge, { iss: 'evil' }) },
  { id: 'jwt-023', what: 'another aud', make: forge => right(forge, { aud: 'evil' }) },
  { id: 'jwt-023b', what: 'no aud', make: forge => right(forge, { aud: undefined }) },
  { id: 'jwt-025', what: 'an ID token as an access token', make: forge => right(forge, {}, { typ: 'JWT' }) },
  {
    id: 'jwt-026',
    what: 'a claim twice',
    make: ({ ec }) => craft(ec, headerOf(ec), `{"sub":"admin",${JSON.stringify(claims()).slice(1)}`),
  },
  {
    id: 'jwt-028',
    what: 'a JWE',
    make: ({ rsa }) =>
      new CompactEncrypt(Buffer.alloc(5_000, '{"a":1}'))
        .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM', typ: TYPE })
        .encrypt(rsa.publicKey),
  },
  { id: 'jwt-029', what: 'padding', make: async forge => `${await right(forge)}=` },
  { id: 'jwt-029b', what: 'a blank inside', make: async forge => (await right(forge)).replace('.', '. ') },
  { id: 'jwt-029c', what: 'stray bits', make: async forge => strayBits(await right(forge)) },
  { id: 'jwt-029d', what: 'a "?" inside', make: async forge => (await right(forge)).replace('.', '?.') },
]

/** The same bytes in another text: the last of 86 characters carries four bits that mean nothing. */
function strayBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1)
}
