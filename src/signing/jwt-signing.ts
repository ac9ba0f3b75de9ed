import type { Jws } from './jws.ts'
import type { SignatureFault, SigningKey } from './scheme.ts'

/** How the tokens of a service are signed: both directions. */
export interface JwtSigning {
  /** The values of `alg` that are taken; the first signs. */
  readonly algorithms: readonly [string, ...string[]]
  /** One route's keys, made ready at load. @param header that carries the token, for the evidence */
  prover(keys: readonly SigningKey[], header: string): JwtProver
  /** What the token's header says beside `alg` and `typ`. @param key as `Scheme.sign` takes it */
  head(key: Buffer): Readonly<Record<string, string>>
  /** The signature over the first two parts of a token. */
  sign(key: Buffer, text: string): Buffer
}

/** Finds the key that a token was signed with. */
export interface JwtProver {
  /** The caller has checked that the token's `alg` is one of the algorithms. */
  prove(jws: Jws, nowMs: number): JwtProof | SignatureFault
}

export interface JwtProof {
  /** The key's name. */
  readonly key: string
  /** See `SignatureMatch`. */
  readonly nonce: string
}
