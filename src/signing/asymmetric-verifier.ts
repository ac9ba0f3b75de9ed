import { hash, type KeyObject } from 'node:crypto'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import type { AsymmetricDescription } from './asymmetric.ts'
import { isSignature, type Operation, operationOf } from './operation.ts'
import { type SignatureFault, type SignatureVerdict, type SigningKey, type SyncVerifier, triedKeys } from './scheme.ts'
import { SignedParts } from './signed-parts.ts'
import type { Template } from './template.ts'

/** One route's verifier of signatures that a private key made. */
export class AsymmetricVerifier implements SyncVerifier {
  readonly #operation: Operation
  readonly #parts: SignedParts
  readonly #keys: readonly (SigningKey & { readonly publicKey: KeyObject })[]
  readonly #wholeBody: boolean

  constructor(
    description: AsymmetricDescription,
    template: Template,
    keys: readonly SigningKey[],
    toleranceMs: number | undefined,
  ) {
    this.#operation = operationOf(description)
    this.#parts = new SignedParts(description, template, toleranceMs, this.#operation.bytes)
    this.#keys = keys.map(key => {
      if (key.publicKey === undefined)
        throw new Error(`"${key.name}" is a secret, and ${description.algorithm} takes public keys`)
      return { ...key, publicKey: key.publicKey }
    })
    this.#wholeBody = template.wholeBody
  }

  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined {
    return this.#parts.foresee(request.headers, nowMs)
  }

  verify(request: BodyRequest, nowMs: number): SignatureVerdict {
    const refused = this.#parts.read(request, nowMs)
    if (refused) return refused
    const data = this.#signed(request.raw)
    const { signatures, count } = this.#parts.list
    for (const { name, publicKey, expires } of this.#keys) {
      if (expires !== undefined && expires < nowMs) continue
      for (let i = 0; i < count; i++) {
        const signature = signatures[i]
        if (signature && isSignature(this.#operation, publicKey, data, signature))
          return this.#parts.match(name, hash('sha256', data, 'hex'))
      }
    }
    return this.#parts.mismatch(triedKeys(this.#keys, nowMs), request.raw.length, nowMs)
  }

  #signed(raw: Buffer): Buffer {
    const { before, after } = this.#parts
    if (before === '' && after === '') return raw
    const body = this.#wholeBody ? raw.length : 0
    const data = Buffer.allocUnsafe(before.length + body + after.length)
    data.write(before, 0, 'latin1')
    if (body > 0) raw.copy(data, before.length)
    data.write(after, before.length + body, 'latin1')
    return data
  }
}
