import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto'

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

const RSA_BITS = 2048

const ECDSA = { dsaEncoding: 'ieee-p1363' } as const
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 } as const
const PKCS1 = { padding: constants.RSA_PKCS1_PADDING } as const

/** Why a key is none for an algorithm; `undefined` where it fits. */
export function keyFault(algorithm: MessageAlgorithm, key: KeyObject): string | undefined {
  const type = key.type === 'secret' ? 'shared secret' : (key.asymmetricKeyType ?? 'unknown')
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  switch (algorithm) {
    case 'hmac-sha256':
      return key.type === 'secret' ? undefined : `it is a key of type ${type}, and hmac-sha256 takes a shared secret`
    case 'ed25519':
      return type === 'ed25519' ? undefined : `it is a key of type ${type}, and not ed25519`
    case 'ecdsa-p256-sha256':
      return namedCurve === 'prime256v1' ? undefined : `it is a key of type ${namedCurve || type}, and not P-256`
    case 'ecdsa-p384-sha384':
      return namedCurve === 'secp384r1' ? undefined : `it is a key of type ${namedCurve || type}, and not P-384`
    case 'rsa-pss-sha512':
    case 'rsa-v1_5-sha256':
      if (type !== 'rsa' && !(type === 'rsa-pss' && algorithm === 'rsa-pss-sha512'))
        return `it is a key of type ${type}, and not rsa`
      return modulusLength >= RSA_BITS ? undefined : `it has ${modulusLength} bits, and ${RSA_BITS} are the least`
  }
}

/** HTTP_SIGN of RFC 9421 section 3.3. `key` is private, or the shared secret. */
export function signBase(algorithm: MessageAlgorithm, key: KeyObject, base: string): Buffer {
  const data = Buffer.from(base, 'latin1')
  switch (algorithm) {
    case 'hmac-sha256':
      return createHmac('sha256', key).update(data).digest()
    case 'ed25519':
      return sign(null, data, key)
    case 'ecdsa-p256-sha256':
      return sign('sha256', data, { key, ...ECDSA })
    case 'ecdsa-p384-sha384':
      return sign('sha384', data, { key, ...ECDSA })
    case 'rsa-pss-sha512':
      return sign('sha512', data, { key, ...PSS })
    case 'rsa-v1_5-sha256':
      return sign('sha256', data, { key, ...PKCS1 })
  }
}

/** HTTP_VERIFY of RFC 9421 section 3.3. A signature of the wrong length is no signature. */
export function verifyBase(algorithm: MessageAlgorithm, key: KeyObject, base: string, signature: Buffer): boolean {
  const data = Buffer.from(base, 'latin1')
  switch (algorithm) {
    case 'hmac-sha256': {
      const computed = createHmac('sha256', key).update(data).digest()
      return computed.length === signature.length && timingSafeEqual(computed, signature)
    }
    case 'ed25519':
      return signature.length === 64 && verify(null, data, key, signature)
    case 'ecdsa-p256-sha256':
      return signature.length === 64 && verify('sha256', data, { key, ...ECDSA }, signature)
    case 'ecdsa-p384-sha384':
      return signature.length === 96 && verify('sha384', data, { key, ...ECDSA }, signature)
    case 'rsa-pss-sha512':
      return verify('sha512', data, { key, ...PSS }, signature)
    case 'rsa-v1_5-sha256':
      return verify('sha256', data, { key, ...PKCS1 }, signature)
  }
}
