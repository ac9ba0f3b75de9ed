import { timingSafeEqual } from 'node:crypto'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import { bytesOfHex } from './encoding.ts'
import type { HmacDescription } from './hmac.ts'
import { MAC_BYTES, MacKey } from './mac.ts'
import { type SignatureFault, type SignatureVerdict, type SigningKey, type SyncVerifier, triedKeys } from './scheme.ts'
import type { SignatureList } from './signature-list.ts'
import { SignedParts } from './signed-parts.ts'
import type { Template } from './template.ts'

type PreparedKey = SigningKey & { readonly mac: MacKey }

const NOTHING = Buffer.alloc(0)

/** One route's HMAC verifier. */
export class HmacVerifier implements SyncVerifier {
  readonly #parts: SignedParts
  readonly #keys: readonly PreparedKey[]
  readonly #wholeBody: boolean
  /** The MAC of this side. */
  readonly #computed: Uint8Array

  constructor(
    description: HmacDescription,
    template: Template,
    keys: readonly SigningKey[],
    toleranceMs: number | undefined,
  ) {
    const bytes = MAC_BYTES[description.algorithm]
    this.#parts = new SignedParts(description, template, toleranceMs, bytes)
    this.#keys = keys.map(key => ({ ...key, mac: new MacKey(description.algorithm, key.bytes) }))
    this.#wholeBody = template.wholeBody
    this.#computed = new Uint8Array(bytes)
  }

  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined {
    return this.#parts.foresee(request.headers, nowMs)
  }

  verify(request: BodyRequest, nowMs: number): SignatureVerdict {
    const parts = this.#parts
    const refused = parts.read(request, nowMs)
    if (refused) return refused
    const body = this.#wholeBody ? request.raw : NOTHING
    for (const { name, mac, expires } of this.#keys) {
      if (expires !== undefined && expires < nowMs) continue
      const nonce = mac.hex(parts.before, body, parts.after)
      bytesOfHex(nonce, this.#computed)
      if (this.#isReceived(parts.list)) return parts.match(name, nonce)
    }
    return parts.mismatch(triedKeys(this.#keys, nowMs), request.raw.length, nowMs)
  }

  #isReceived({ signatures, count }: SignatureList): boolean {
    for (let i = 0; i < count; i++) {
      const signature = signatures[i]
      if (signature && timingSafeEqual(this.#computed, signature)) return true
    }
    return false
  }
}
