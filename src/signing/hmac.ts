import { HmacVerifier } from './hmac-verifier.ts'
import { type MacAlgorithm, MacKey } from './mac.ts'
import type { DescribedScheme } from './scheme.ts'
import { beginSigning, headersOf, type SignedForm, templateOf, toleranceOf } from './signed-form.ts'

/** How a service signs with an HMAC, as data. */
export interface HmacDescription extends SignedForm {
  readonly algorithm: MacAlgorithm
}

/** @throws TemplateFault where the payload can't be compiled. */
export function hmacScheme(description: HmacDescription): DescribedScheme {
  const template = templateOf(description)
  const { algorithm } = description
  return {
    kind: `hmac-${algorithm}`,
    described: [description],
    headers: headersOf(description),
    tolerance: toleranceOf(description),
    verifier: (keys, toleranceMs) => new HmacVerifier(description, template, keys, toleranceMs),
    sign(key, message) {
      const { before, body, after, carry } = beginSigning(description, template, message)
      return carry(new MacKey(algorithm, key).mac(before, body, after))
    },
  }
}
