import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { type KeyKind, readPrivateKey, readPublicKey } from './public-key.ts'

/** Of a new pair, as texts on one line each, except PEM. */
export interface KeyPair {
  readonly publicKey: string
  /** What `send` and tests sign with. */
  readonly privateKey: string
}

export interface KeyFacts {
  /** What requests call it. */
  readonly id?: string | undefined
  /** Epoch milliseconds after which it verifies nothing. */
  readonly expires?: number | undefined
}

/** The public key that the operator copies from the service. */
export interface PublicKeyForm {
  readonly kind: KeyKind
  /** What it looks like. */
  readonly looks: string
  /** Where in the service's interface it is found. */
  readonly where: string
  /** Who makes it: the operator, who tells the service the private one; or the service, which shows the public one. */
  readonly madeBy: 'operator' | 'service'
  /** @throws SecretFault where it can't be this service's public key. */
  parse(value: Secret): KeyObject
  /** What the value itself says of its key, beside the config. @throws SecretFault */
  about?(value: Secret): KeyFacts
  /** Where a provider has secrets as well: whether this is a private key, and no secret. */
  isPrivate?(value: Secret): boolean
  /** The DER (PKCS#8) of the private one, as `Scheme.sign` takes it. @throws SecretFault */
  parsePrivate(value: Secret): Buffer
  /** A new pair, the public key written as the service shows it. */
  create(): KeyPair
}

/** How a service shows its public key: `raw-hex` and `raw-base64` are the 32 bytes of Ed25519, `spki` is DER in base64. */
export type KeyWriting = 'raw-hex' | 'raw-base64' | 'spki' | 'pem'

/** A public key that `readPublicKey` reads in whatever form it is given. */
export function publicKey(
  kind: KeyKind,
  writing: KeyWriting,
  looks: string,
  where: string,
  madeBy: PublicKeyForm['madeBy'] = 'service',
): PublicKeyForm {
  return {
    kind,
    looks,
    where,
    madeBy,
    parse: value => readPublicKey(kind, value),
    parsePrivate: value => derOf(readPrivateKey(kind, value)),
    create() {
      const { publicKey: open, privateKey } = newKeyPair(kind)
      return { publicKey: write(open, writing), privateKey: derOf(privateKey).toString('base64') }
    },
  }
}

export function newKeyPair(kind: KeyKind): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (kind === 'ed25519') return generateKeyPairSync('ed25519')
  if (kind === 'rsa' || kind === 'rsa-pss') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: kind === 'ecdsa-p256' ? 'P-256' : 'P-384' })
}

export const derOf = (privateKey: KeyObject): Buffer => privateKey.export({ format: 'der', type: 'pkcs8' })

function write(key: KeyObject, writing: KeyWriting): string {
  if (writing === 'pem') return key.export({ format: 'pem', type: 'spki' }).toString()
  const der = key.export({ format: 'der', type: 'spki' })
  // RFC 8410: the key is the end of its DER.
  if (writing === 'spki') return der.toString('base64')
  return der.subarray(-32).toString(writing === 'raw-hex' ? 'hex' : 'base64')
}
