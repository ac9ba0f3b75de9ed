import { HmacVerifier } from './hmac-verifier.ts'
import { type MacAlgorithm, MacKey } from './mac.ts'
import type { DescribedScheme } from './scheme.ts'
import { beginSigning, headersOf, type SignedForm, templateOf, toleranceOf } from './signed-form.ts'
import type { Template } from './template.ts'

/** How a service signs with an HMAC, as data. */
export interface HmacDescription extends SignedForm {
  readonly algorithm: MacAlgorithm
}

/** What a template takes out of the body's text. */
const READS_TEXT = /\{(?:json|form|low-bytes):/

/** A payload that can't be compiled throws a TemplateFault when a verifier is made, or something is to be signed. */
export function hmacScheme(description: HmacDescription): DescribedScheme {
  let compiled: Template | undefined
  // Most gates use few of the services that are described.
  const template = (): Template => (compiled ??= templateOf(description))
  const { algorithm } = description
  return {
    kind: `hmac-${algorithm}`,
    described: [description],
    headers: headersOf(description),
    tolerance: toleranceOf(description),
    ...(READS_TEXT.test(description.payload) && { textBody: true as const }),
    verifier: (keys, toleranceMs) => new HmacVerifier(description, template(), keys, toleranceMs),
    sign(key, message) {
      const { before, body, after, carry } = beginSigning(description, template(), message)
      return carry(new MacKey(algorithm, key).mac(before, body, after))
    },
  }
}
