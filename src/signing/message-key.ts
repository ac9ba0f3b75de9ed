import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { keyFault, type MessageAlgorithm } from './message-algorithm.ts'
import { SecretFault } from './provider.ts'

/** The DER of an Ed25519 public key (RFC 8410 section 4) up to its 32 bytes. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * The key that verifies: for hmac-sha256 the shared secret itself, else a public key, as PEM, a JWK, the base64 of its
 * DER (SPKI), or the 64 hex digits of an Ed25519 key.
 *
 * @throws SecretFault where it is none, or one that the algorithm can't use. The message never holds it.
 */
export function readMessageKey(algorithm: MessageAlgorithm, bytes: Buffer): KeyObject {
  const key = algorithm === 'hmac-sha256' ? createSecretKey(bytes) : readPublicKey(bytes.toString('latin1').trim())
  const why = keyFault(algorithm, key)
  if (why !== undefined) throw new SecretFault(why, `use a key that was made for ${algorithm}`)
  return key
}

function readPublicKey(text: string): KeyObject {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text) || /^\{.*"d"\s*:/s.test(text))
    throw new SecretFault(
      'it is a private key',
      "use the sender's public key, and tell the sender that the other one is out",
    )
  try {
    if (text.startsWith('-----BEGIN ')) return createPublicKey(text)
    if (text.startsWith('{')) return createPublicKey({ key: JSON.parse(text), format: 'jwk' })
    const der = /^[0-9a-fA-F]{64}$/.test(text)
      ? Buffer.concat([ED25519_SPKI, Buffer.from(text, 'hex')])
      : Buffer.from(text, 'base64')
    return createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    throw new SecretFault(
      'it can not be read as a public key',
      'write it as PEM, as a JWK, as the base64 of its DER (SPKI), or an Ed25519 key as 64 hex digits',
    )
  }
}
