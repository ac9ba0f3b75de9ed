import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto'
import { Offline } from '../core/resources.ts'
import { decodeExactly } from './encoding.ts'
import type { Jws } from './jws.ts'
import type { JwtProof, JwtProver, JwtSigning } from './jwt-signing.ts'
import { isSignature, operationOf } from './operation.ts'
import { fault, type SignatureFault, type SigningKey, triedKeys } from './scheme.ts'

/** RFC 7518 section 3.4: the two numbers, 32 bytes each. */
const ES256 = operationOf({ algorithm: 'ecdsa-p256', ecdsaForm: 'ieee-p1363' })
const BYTES = 64

/** Tokens under a private key of the service (ES256): a public key is tried for those alone that name it by `kid`. */
export const jwtEcdsa: JwtSigning = {
  algorithms: ['ES256'],
  prover: (keys, header) => new EcdsaProver(keys, header),
  head: der => ({ kid: thumbprint(createPublicKey(privateKey(der))) }),
  sign: (der, text) => sign(ES256.hash, Buffer.from(text), { key: privateKey(der), ...ES256.options }),
}

/** RFC 7638: what the keys of this project's own making are called. */
export function thumbprint(publicKey: KeyObject): string {
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' })
  return hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url')
}

const privateKey = (der: Buffer): KeyObject => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })

class EcdsaProver implements JwtProver {
  readonly #keys: readonly SigningKey[]
  readonly #header: string

  constructor(keys: readonly SigningKey[], header: string) {
    this.#keys = keys
    this.#header = header
    const nameless = keys.find(({ id }) => id === undefined)
    if (nameless)
      throw new Offline(
        `key "${nameless.name}": nothing says what tokens call it (kid)`,
        'Give it as the service does, a JWK with its kid, or write id beside it.',
      )
  }

  prove({ kid, compact }: Jws, nowMs: number): JwtProof | SignatureFault {
    const header = this.#header
    if (kid === undefined) return fault('signature.malformed', { header, why: 'it names no key: it has no kid' })
    const named = this.#keys.filter(({ id }) => id === kid)
    if (named.length === 0)
      return fault('signature.mismatch', {
        header,
        why: 'no key of the config has its kid: the service may have a new key',
        kid: kid.slice(0, 128),
        ...triedKeys(this.#keys, nowMs),
      })
    const dot = compact.lastIndexOf('.')
    const signature = decodeExactly(compact.slice(dot + 1), 'base64url', BYTES)
    if (signature === undefined)
      return fault('signature.malformed', { header, why: 'its signature is not one of ES256' })
    const text = Buffer.from(compact.slice(0, dot))
    for (const { name, publicKey, expires } of named)
      if (publicKey && (expires === undefined || expires >= nowMs) && isSignature(ES256, publicKey, text, signature))
        return { key: name, nonce: hash('sha256', text, 'hex') }
    return fault('signature.mismatch', { header, ...triedKeys(named, nowMs) })
  }
}
