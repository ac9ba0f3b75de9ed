import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { decodeUpTo } from './encoding.ts'
import { SecretFault } from './provider.ts'

/** `rsa-pss`: an RSA key of either kind, as RSASSA-PSS takes one that may do nothing else as well. */
export const KEY_KINDS = ['ed25519', 'ecdsa-p256', 'ecdsa-p384', 'rsa', 'rsa-pss'] as const
/** What a key is for. */
export type KeyKind = (typeof KEY_KINDS)[number]

const FEWEST_RSA_BITS = 2048
const LONGEST_DER = 8192

/** RFC 8410 section 4: what stands before the 32 bytes of an Ed25519 key in DER. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The types or curves, by OpenSSL's names, that serve. */
const FITTING: Readonly<Record<KeyKind, { readonly types: readonly string[]; readonly called: string }>> = {
  ed25519: { types: ['ed25519'], called: 'ed25519' },
  'ecdsa-p256': { types: ['prime256v1'], called: 'P-256' },
  'ecdsa-p384': { types: ['secp384r1'], called: 'P-384' },
  rsa: { types: ['rsa'], called: 'rsa' },
  'rsa-pss': { types: ['rsa', 'rsa-pss'], called: 'rsa' },
}

const FORMS = 'a PEM key or certificate, a JWK, or the base64 of DER (SPKI)'

/**
 * A public key in any form that services show: PEM (a key or a certificate), a JWK, the base64 of DER (SPKI), and for
 * Ed25519 its 32 bytes in hex or base64.
 * @throws SecretFault where it is none, is a private key, or is of another kind. The message never holds it.
 */
export function readPublicKey(kind: KeyKind, value: Secret): KeyObject {
  const text = value.text()
  if (isPrivate(text))
    throw new SecretFault(
      'it is a private key, which whoever verifies must not have',
      'give the public one (openssl pkey -in private.pem -pubout), and take the private one away from here',
    )
  const key = keyOf(kind, text)
  if (key === undefined) {
    const raw = kind === 'ed25519' ? ', or its 32 bytes in hex or base64' : ''
    throw new SecretFault(`it is no public key of kind ${kind}`, `copy it whole: ${FORMS}${raw}`)
  }
  const why = unfit(kind, key)
  if (why !== undefined) throw new SecretFault(why, `use a key that was made for ${kind}`)
  return key
}

/**
 * A private key: PEM, a JWK, or the base64 of DER (PKCS#8).
 * @throws SecretFault where it is none, or of another kind. The message never holds it.
 */
export function readPrivateKey(kind: KeyKind, value: Secret): KeyObject {
  const text = value.text()
  const key = attempt(() => {
    if (text.startsWith('-----BEGIN')) return createPrivateKey(text)
    if (text.startsWith('{')) return createPrivateKey({ key: JSON.parse(text), format: 'jwk' })
    return createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' })
  })
  if (key === undefined)
    throw new SecretFault(
      `it is no private key of kind ${kind}, which signing takes`,
      'give a PEM key, a JWK, or the base64 of DER (PKCS#8)',
    )
  const why = unfit(kind, key)
  if (why !== undefined) throw new SecretFault(why, `use a key that was made for ${kind}`)
  return key
}

/** Of its 32 bytes. */
export function ed25519PublicKey(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' })
}

/** The DER (PKCS#8) of an Ed25519 private key, of its 32 bytes. */
export function ed25519PrivateKey(seed: Buffer): Buffer {
  return Buffer.concat([ED25519_PKCS8, seed])
}

export function isEd25519PrivateKey(bytes: Buffer): boolean {
  return bytes.length === 48 && bytes.subarray(0, ED25519_PKCS8.length).equals(ED25519_PKCS8)
}

function isPrivate(text: string): boolean {
  if (text.startsWith('-----BEGIN')) return /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/m.test(text)
  if (text.startsWith('{')) return attempt(() => Object.hasOwn(Object(JSON.parse(text)), 'd')) === true
  if (text.startsWith('whsk_')) return true
  const der = base64Of(text)
  return der !== undefined && attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })) !== undefined
}

function keyOf(kind: KeyKind, text: string): KeyObject | undefined {
  if (text.startsWith('-----BEGIN CERTIFICATE-----')) return attempt(() => new X509Certificate(text).publicKey)
  if (text.startsWith('-----BEGIN')) return attempt(() => createPublicKey(text))
  if (text.startsWith('{')) return attempt(() => createPublicKey({ key: JSON.parse(text), format: 'jwk' }))
  const der = kind === 'ed25519' && /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : base64Of(text)
  if (der === undefined) return undefined
  if (kind === 'ed25519' && der.length === 32) return attempt(() => ed25519PublicKey(der))
  return attempt(() => createPublicKey({ key: der, format: 'der', type: 'spki' }))
}

/** Of a text that was cut or mistyped, the decoder would make bytes all the same. */
function base64Of(text: string): Buffer | undefined {
  const padded = text.padEnd(Math.ceil(text.length / 4) * 4, '=')
  return decodeUpTo('base64', padded, 0, padded.length, LONGEST_DER)
}

/** Why a key can't serve; `undefined` where it can. */
function unfit(kind: KeyKind, { asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve, hashAlgorithm } = asymmetricKeyDetails
  const type = namedCurve ?? asymmetricKeyType ?? 'unknown'
  const { types, called } = FITTING[kind]
  if (!types.includes(type)) return `it is a key of type ${type}, not ${called}`
  // Its own parameters (RFC 4055 section 3.1) may forbid the hash that is used, which would come out at the first request.
  if (hashAlgorithm !== undefined) return `its RSA key is bound to ${hashAlgorithm} by its own parameters`
  return !type.startsWith('rsa') || modulusLength >= FEWEST_RSA_BITS
    ? undefined
    : `its RSA key has ${modulusLength} bits, and ${FEWEST_RSA_BITS} are the fewest that are safe`
}

/** The readers throw on what is no key, each in its own words. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
