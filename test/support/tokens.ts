import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK, type JWK, SignJWT } from 'jose'

export interface Issuer {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly kid: string
  readonly alg: string
}

const KINDS = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const

export function makeIssuer(alg: keyof typeof KINDS = 'ES256', kid = `${alg.toLowerCase()}-1`): Issuer {
  return { ...KINDS[alg](), kid, alg }
}

export async function jwkOf({ publicKey, kid, alg }: Issuer): Promise<JWK> {
  return { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
}

/** A JWK Set as an issuer publishes it. */
export async function jwksOf(...issuers: readonly Issuer[]): Promise<string> {
  return JSON.stringify({ keys: await Promise.all(issuers.map(jwkOf)) })
}

/** A token made by jose, apart from the code that is tested. A claim that is `undefined` is left out. */
export function tokenOf(
  { privateKey, kid, alg }: Issuer,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
}

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url')

/** Three parts of any content, signed with ES256 or, where `signature` is given, not signed at all. */
export function craftToken({ privateKey }: Issuer, header: string, payload: string, signature?: string): string {
  const input = `${encode(header)}.${encode(payload)}`
  const made = () => createSign('sha256').update(input).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature ?? encode(made())}`
}

/** A token that looks like a JSON Web Token and is signed by nobody: what it says can be read, and proves nothing. */
export function jwtLike(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}
