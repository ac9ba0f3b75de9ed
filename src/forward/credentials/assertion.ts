import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import type { Secret } from '../../core/secret.ts'
import { SecretFault } from '../../signing/provider.ts'
import type { JwtAlgorithm, OAuth2Config, PrivateKeyJwtConfig } from './config.ts'

/** Seconds for which an assertion is valid: it is used at once, and the two clocks may differ. */
const VALID_S = 60

/** Makes the assertions by which a client is known to the token endpoint (RFC 7523 section 3). */
export type Assertion = (nowMs: number) => Promise<string>

/** @throws SecretFault where the key can't be read, or is not one for the algorithm */
export function assertionOf(config: OAuth2Config, jwt: PrivateKeyJwtConfig, secret: Secret): Assertion {
  const key = readKey(secret)
  const algorithm = jwt.algorithm ?? algorithmOf(key)
  if (algorithm === undefined || !fits(key, algorithm))
    throw new SecretFault(
      `the private key (${describe(key)}) can not sign ${algorithm ?? 'assertions'}`,
      'name a P-256, P-384, P-521, Ed25519 or RSA key of 2048 bits or more, and the algorithm that goes with it',
    )
  const clientId = config['client-id']
  const audience = jwt.audience ?? config['token-url']
  const header = { alg: algorithm, typ: 'JWT', ...(jwt['key-id'] === undefined ? {} : { kid: jwt['key-id'] }) }
  return async nowMs => {
    // Loaded with the first assertion, so that a gate that makes none starts without it.
    const { SignJWT } = await import('jose')
    const now = Math.floor(nowMs / 1000)
    return new SignJWT()
      .setProtectedHeader(header)
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + VALID_S)
      .sign(key)
  }
}

function readKey(secret: Secret): KeyObject {
  try {
    return createPrivateKey(secret.bytes())
  } catch {
    throw new SecretFault('the key of private-key-jwt is no private key', 'put a PEM key there (BEGIN PRIVATE KEY)')
  }
}

const CURVES: Readonly<Record<string, JwtAlgorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

function algorithmOf(key: KeyObject): JwtAlgorithm | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  return CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
}

function fits(key: KeyObject, algorithm: JwtAlgorithm): boolean {
  if (key.asymmetricKeyType === 'rsa')
    return algorithm.endsWith('S256') && algorithm !== 'ES256' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  return algorithmOf(key) === algorithm
}

const describe = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string =>
  `${asymmetricKeyType} ${asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? ''}`.trim()
