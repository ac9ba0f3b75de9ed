import { constants, type KeyObject, verify } from 'node:crypto'
import type { KeyKind } from './public-key.ts'

export const ASYMMETRIC = ['ed25519', 'ecdsa-p256', 'rsa-sha256', 'rsa-pss'] as const
export type AsymmetricAlgorithm = (typeof ASYMMETRIC)[number]

export interface AlgorithmChoice {
  /** RFC 8032; ECDSA on P-256 with SHA-256; RSA PKCS #1 v1.5 with SHA-256; RSASSA-PSS (RFC 8017). */
  readonly algorithm: AsymmetricAlgorithm
  /** Of rsa-pss, its hash, and as many bytes of salt; default sha256. */
  readonly hash?: 'sha256' | 'sha512' | undefined
  /** How ecdsa-p256 writes its two numbers: ASN.1, or 32 bytes each (as JOSE does); default der. */
  readonly ecdsaForm?: 'der' | 'ieee-p1363' | undefined
}

/** What `node:crypto` signs and verifies with. */
export interface Operation {
  readonly hash: string | null
  readonly options: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'der' | 'ieee-p1363'
  }
  /** Of one signature; `undefined` where they differ. */
  readonly bytes: number | undefined
}

/** The kind of key that an algorithm takes. */
export function keyKindOf(algorithm: AsymmetricAlgorithm): KeyKind {
  return algorithm === 'rsa-sha256' ? 'rsa' : algorithm
}

export function operationOf({ algorithm, hash = 'sha256', ecdsaForm = 'der' }: AlgorithmChoice): Operation {
  switch (algorithm) {
    case 'ed25519':
      return { hash: null, options: {}, bytes: 64 }
    case 'ecdsa-p256':
      return { hash: 'sha256', options: { dsaEncoding: ecdsaForm }, bytes: ecdsaForm === 'der' ? undefined : 64 }
    case 'rsa-sha256':
      return { hash: 'sha256', options: { padding: constants.RSA_PKCS1_PADDING }, bytes: undefined }
    case 'rsa-pss':
      return {
        hash,
        options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
        bytes: undefined,
      }
  }
}

/** Whether it is a signature over `data`. Any bytes may be given as the signature. */
export function isSignature(
  { hash, options }: Operation,
  key: KeyObject,
  data: Buffer,
  signature: Uint8Array,
): boolean {
  return verify(hash, data, { key, ...options }, signature)
}
