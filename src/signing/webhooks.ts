import { randomBytes } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { eitherOf } from './alternatives.ts'
import { asymmetricScheme } from './asymmetric.ts'
import { decodeUpTo } from './encoding.ts'
import { hmacScheme } from './hmac.ts'
import { derOf, newKeyPair, type PublicKeyForm } from './key-form.ts'
import { SecretFault, type SecretForm } from './provider.ts'
import {
  ed25519PrivateKey,
  ed25519PublicKey,
  isEd25519PrivateKey,
  readPrivateKey,
  readPublicKey,
} from './public-key.ts'
import type { Scheme } from './scheme.ts'

/**
 * Standard Webhooks, whose headers begin with `webhook-` or another family's prefix: v1 (HMAC-SHA256) under secrets, v1a
 * (Ed25519) under public keys. With both kinds of key, either signature will do.
 */
export function webhooksScheme(prefix: string): Scheme {
  const form = {
    header: `${prefix}-signature`,
    encoding: 'base64',
    payload: '{id}.{timestamp}.{body}',
    timestamp: { header: `${prefix}-timestamp`, unit: 's' },
    id: { header: `${prefix}-id` },
  } as const
  const v1 = hmacScheme({ ...form, algorithm: 'sha256', list: { separator: ' ', tag: 'v1,' } })
  const v1a = asymmetricScheme({ ...form, algorithm: 'ed25519', list: { separator: ' ', tag: 'v1a,' } })
  return {
    kind: v1.kind,
    headers: v1.headers,
    described: [v1, v1a].flatMap(({ described = [] }) => described),
    tolerance: v1.tolerance,
    verifier(keys, toleranceMs) {
      const secrets = keys.filter(key => key.publicKey === undefined)
      const publicKeys = keys.filter(key => key.publicKey !== undefined)
      if (publicKeys.length === 0) return v1.verifier(secrets, toleranceMs)
      if (secrets.length === 0) return v1a.verifier(publicKeys, toleranceMs)
      return eitherOf(v1.verifier(secrets, toleranceMs), v1a.verifier(publicKeys, toleranceMs))
    },
    sign: (key, message) => (isEd25519PrivateKey(key) ? v1a : v1).sign(key, message),
  }
}

/** `whsec_` and base64. */
export function webhooksSecret(where: string): SecretForm {
  return {
    looks: 'whsec_ and the base64 of 24 to 64 bytes',
    where,
    madeBy: 'service',
    parse: readWebhooksSecret,
    create: () => `whsec_${randomBytes(32).toString('base64')}`,
  }
}

/** The key's bytes. @throws SecretFault */
export function readWebhooksSecret(secret: Secret): Buffer {
  // Supabase's auth hooks show the version before it.
  const text = secret.text().replace(/^v1,(?=whsec_)/, '')
  if (/^wh[ps]k_/.test(text))
    throw new SecretFault(
      `the secret is half of a key pair (${text.slice(0, 5)}...)`,
      'give the public key, whpk_..., under keys',
    )
  const base64 = text.startsWith('whsec_') ? text.slice(6) : text
  const key = Buffer.from(base64, 'base64')
  const written = key.toString('base64')
  // Of a text that was cut or mistyped, the decoder would make a key all the same.
  const exact = written === base64 || written.replace(/=+$/, '') === base64
  if (!exact || key.length < 24 || key.length > 64)
    throw new SecretFault(
      `the secret is not whsec_ and the base64 of 24 to 64 bytes (it decodes to ${key.length} bytes)`,
      'copy the whole secret as the sender shows it, whsec_ included',
    )
  return key
}

/** `whpk_` and the base64 of 32 bytes; its private half is `whsk_` and the base64 of the seed, or of seed and public key. */
export function webhooksPublicKey(where: string): PublicKeyForm {
  return {
    kind: 'ed25519',
    looks: 'whpk_ and the base64 of 32 bytes',
    where,
    madeBy: 'service',
    parse(value) {
      const text = value.text()
      if (text.startsWith('whsec_'))
        throw new SecretFault('it is a secret that both sides share (whsec_...)', 'give it under secrets')
      if (!text.startsWith('whpk_')) return readPublicKey('ed25519', value)
      const raw = decodeUpTo('base64', text, 5, text.length, 64)
      if (raw?.length !== 32)
        throw new SecretFault('it is not whpk_ and the base64 of 32 bytes', 'copy the whole key as the sender shows it')
      return ed25519PublicKey(raw)
    },
    isPrivate: value => /^(whsk_|-----BEGIN)/.test(value.text()),
    parsePrivate(value) {
      const text = value.text()
      if (!text.startsWith('whsk_')) return derOf(readPrivateKey('ed25519', value))
      const raw = decodeUpTo('base64', text, 5, text.length, 64)
      if (raw?.length !== 32 && raw?.length !== 64)
        throw new SecretFault('it is not whsk_ and the base64 of 32 or 64 bytes', 'copy the whole key')
      return ed25519PrivateKey(raw.subarray(0, 32))
    },
    create() {
      const { publicKey, privateKey } = newKeyPair('ed25519')
      const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
      const seed = derOf(privateKey).subarray(-32)
      return {
        publicKey: `whpk_${raw.toString('base64')}`,
        privateKey: `whsk_${Buffer.concat([seed, raw]).toString('base64')}`,
      }
    },
  }
}
