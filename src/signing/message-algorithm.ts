import { constants, createHmac, createSecretKey, type KeyObject, sign, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { isSignature, type Operation } from './operation.ts'
import { type KeyKind, readPublicKey } from './public-key.ts'
import { type SecretWriting, secretBytes } from './secret-bytes.ts'

/** The algorithms of RFC 9421 section 3.3, by their registered names. */
export const MESSAGE_ALGORITHMS = [
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
  'hmac-sha256',
] as const
export type MessageAlgorithm = (typeof MESSAGE_ALGORITHMS)[number]

const OPERATIONS: Readonly<Record<Exclude<MessageAlgorithm, 'hmac-sha256'>, Operation & { readonly kind: KeyKind }>> = {
  ed25519: { kind: 'ed25519', hash: null, options: {}, bytes: 64 },
  'ecdsa-p256-sha256': { kind: 'ecdsa-p256', hash: 'sha256', options: { dsaEncoding: 'ieee-p1363' }, bytes: 64 },
  'ecdsa-p384-sha384': { kind: 'ecdsa-p384', hash: 'sha384', options: { dsaEncoding: 'ieee-p1363' }, bytes: 96 },
  'rsa-pss-sha512': {
    kind: 'rsa-pss',
    hash: 'sha512',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
    bytes: undefined,
  },
  'rsa-v1_5-sha256': {
    kind: 'rsa',
    hash: 'sha256',
    options: { padding: constants.RSA_PKCS1_PADDING },
    bytes: undefined,
  },
}

/** The kind of key that an algorithm takes; `undefined`: a shared secret. */
export function messageKeyKind(algorithm: MessageAlgorithm): KeyKind | undefined {
  return algorithm === 'hmac-sha256' ? undefined : OPERATIONS[algorithm].kind
}

/**
 * The key that verifies: for hmac-sha256 the shared secret, else a public key in any form that `readPublicKey` takes.
 * @throws SecretFault where it is none, or one that the algorithm can't use. The message never holds it.
 */
export function readMessageKey(algorithm: MessageAlgorithm, value: Secret, writing: SecretWriting): KeyObject {
  const kind = messageKeyKind(algorithm)
  return kind === undefined ? createSecretKey(secretBytes(value, writing)) : readPublicKey(kind, value)
}

const hmac = (key: KeyObject, data: Buffer): Buffer => createHmac('sha256', key).update(data).digest()

/** HTTP_SIGN of RFC 9421 section 3.3. `key` is private, or the shared secret. */
export function signBase(algorithm: MessageAlgorithm, key: KeyObject, base: string): Buffer {
  const data = Buffer.from(base, 'latin1')
  if (algorithm === 'hmac-sha256') return hmac(key, data)
  const { hash, options } = OPERATIONS[algorithm]
  return sign(hash, data, { key, ...options })
}

/**
 * HTTP_VERIFY of RFC 9421 section 3.3. A signature of the wrong length is no signature.
 * @param anySalt for explaining alone: RSASSA-PSS with a salt of any length, which section 3.3.1 sets to 64 bytes
 */
export function verifyBase(
  algorithm: MessageAlgorithm,
  key: KeyObject,
  base: string,
  signature: Buffer,
  anySalt = false,
): boolean {
  const data = Buffer.from(base, 'latin1')
  if (algorithm === 'hmac-sha256') {
    const computed = hmac(key, data)
    return computed.length === signature.length && timingSafeEqual(computed, signature)
  }
  const strict = OPERATIONS[algorithm]
  const operation =
    anySalt && strict.kind === 'rsa-pss'
      ? { ...strict, options: { ...strict.options, saltLength: constants.RSA_PSS_SALTLEN_AUTO } }
      : strict
  return (operation.bytes ?? signature.length) === signature.length && isSignature(operation, key, data, signature)
}
