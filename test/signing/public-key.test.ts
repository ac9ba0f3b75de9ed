import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { SecretFault } from '../../src/signing/provider.ts'
import { KEY_KINDS, type KeyKind, readPrivateKey, readPublicKey } from '../../src/signing/public-key.ts'
import { craft } from '../tls/craft.ts'

const PAIRS = {
  ed25519: generateKeyPairSync('ed25519'),
  'ecdsa-p256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-p384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-pss': generateKeyPairSync('rsa', { modulusLength: 3072 }),
}
const secret = (text: string) => new Secret(Buffer.from(text))
const der = (key: KeyObject) => key.export({ format: 'der', type: 'spki' })
const jwk = (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' }))
const pkcs8 = (key: KeyObject) => key.export({ format: 'der', type: 'pkcs8' })

function faultOf(read: () => unknown): SecretFault {
  try {
    read()
  } catch (error) {
    if (error instanceof SecretFault) return error
    throw error
  }
  throw new Error('it was read')
}

describe.each(KEY_KINDS)('%s', kind => {
  const { publicKey, privateKey } = PAIRS[kind]
  const spki = der(publicKey)
  const forms: Record<string, string> = {
    PEM: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    'PEM with CRLF': publicKey.export({ format: 'pem', type: 'spki' }).toString().replaceAll('\n', '\r\n'),
    'the base64 of DER': spki.toString('base64'),
    'the base64 of DER without padding': spki.toString('base64').replace(/=+$/, ''),
    'a JWK': jwk(publicKey),
    'a JWK on many lines': JSON.stringify(publicKey.export({ format: 'jwk' }), null, 2),
  }
  it.each(Object.entries(forms))('is read from %s', (_form, text) => {
    expect(readPublicKey(kind, secret(text)).equals(publicKey)).toBe(true)
  })

  const secrets: Record<string, string> = {
    PEM: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    'the base64 of DER': pkcs8(privateKey).toString('base64'),
    'a JWK': jwk(privateKey),
  }
  it.each(Object.entries(secrets))('is refused where it is the private key, as %s', (_form, text) => {
    const fault = faultOf(() => readPublicKey(kind, secret(text)))
    expect(fault.message).toBe('it is a private key, which whoever verifies must not have')
    expect(fault.mend).toContain('give the public one')
  })
  it.each(Object.entries(secrets))('signs with the private key, as %s', (_form, text) => {
    expect(readPrivateKey(kind, secret(text)).equals(privateKey)).toBe(true)
  })

  it.each(
    KEY_KINDS.filter(other => other.slice(0, 3) !== kind.slice(0, 3) || kind.startsWith('ecdsa')).filter(
      other => other !== kind,
    ),
  )('is refused where it is one of %s', other => {
    const text = der(PAIRS[other].publicKey).toString('base64')
    expect(faultOf(() => readPublicKey(kind, secret(text))).message).toMatch(/^it is a key of type .*, not /)
    const held = pkcs8(PAIRS[other].privateKey).toString('base64')
    expect(faultOf(() => readPrivateKey(kind, secret(held))).message).toMatch(/^it is a key of type .*, not /)
  })

  it.each([
    'text',
    '',
    '{}',
    '{"kty":"oct","k":"AAAA"}',
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    spki.toString('base64').slice(0, -8),
    spki.toString('base64').replace('A', '!'),
    'AA'.repeat(16),
    Buffer.alloc(31).toString('base64'),
  ])('is refused where it is %j, without showing it', text => {
    const fault = faultOf(() => readPublicKey(kind, secret(text)))
    expect(fault.message).toBe(`it is no public key of kind ${kind}`)
    if (text.length > 8) expect(fault.message + fault.mend).not.toContain(text)
    expect(() => readPrivateKey(kind, secret(text))).toThrow(SecretFault)
  })
})

it('reads the 32 bytes of an Ed25519 key in hex, base64, and base64 without padding', () => {
  const { publicKey } = PAIRS.ed25519
  const raw = der(publicKey).subarray(-32)
  for (const text of [
    raw.toString('hex'),
    raw.toString('hex').toUpperCase(),
    raw.toString('base64'),
    raw.toString('base64').slice(0, -1),
  ])
    expect(readPublicKey('ed25519', secret(text)).equals(publicKey)).toBe(true)
  for (const kind of ['ecdsa-p256', 'rsa'] satisfies KeyKind[])
    expect(() => readPublicKey(kind, secret(raw.toString('hex')))).toThrow(SecretFault)
})

it('is read from a certificate', async () => {
  const { certificate } = await craft({ subject: 'CN=Signer of a test' })
  const { publicKey } = new X509Certificate(certificate)
  expect(readPublicKey('ecdsa-p256', secret(certificate)).equals(publicKey)).toBe(true)
  expect(faultOf(() => readPublicKey('rsa', secret(certificate))).message).toBe(
    'it is a key of type prime256v1, not rsa',
  )
})

it('takes no RSA key that is too short, and no other curve', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  expect(faultOf(() => readPublicKey('rsa', secret(jwk(short)))).message).toBe(
    'its RSA key has 1024 bits, and 2048 are the fewest that are safe',
  )
  const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
  expect(faultOf(() => readPublicKey('ecdsa-p256', secret(jwk(other)))).message).toContain('secp256k1')
})

describe('a key for RSASSA-PSS alone', () => {
  const free = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const bound = generateKeyPairSync('rsa-pss', {
    modulusLength: 2048,
    hashAlgorithm: 'sha256',
    mgf1HashAlgorithm: 'sha256',
  })
  const pem = ({ publicKey }: { publicKey: KeyObject }) =>
    secret(publicKey.export({ format: 'pem', type: 'spki' }).toString())

  it('signs that way and no other', () => {
    expect(readPublicKey('rsa-pss', pem(free)).equals(free.publicKey)).toBe(true)
    expect(faultOf(() => readPublicKey('rsa', pem(free))).message).toBe('it is a key of type rsa-pss, not rsa')
  })

  it('is refused where its parameters could forbid the hash', () => {
    expect(faultOf(() => readPublicKey('rsa-pss', pem(bound))).message).toBe(
      'its RSA key is bound to sha256 by its own parameters',
    )
  })
})
