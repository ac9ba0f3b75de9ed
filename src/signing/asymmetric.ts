import { createPrivateKey, sign } from 'node:crypto'
import { AsymmetricVerifier } from './asymmetric-verifier.ts'
import { type AlgorithmChoice, operationOf } from './operation.ts'
import type { DescribedScheme } from './scheme.ts'
import { beginSigning, headersOf, type SignedForm, templateOf, toleranceOf } from './signed-form.ts'
import type { Template } from './template.ts'

/** How a service signs with a private key, as data. */
export interface AsymmetricDescription extends SignedForm, AlgorithmChoice {}

/** A payload that can't be compiled throws a TemplateFault when a verifier is made, or something is to be signed. */
export function asymmetricScheme(description: AsymmetricDescription): DescribedScheme {
  let compiled: Template | undefined
  // Most gates use few of the services that are described.
  const template = (): Template => (compiled ??= templateOf(description))
  const operation = operationOf(description)
  return {
    kind: description.algorithm,
    described: [description],
    headers: headersOf(description),
    tolerance: toleranceOf(description),
    verifier: (keys, toleranceMs) => new AsymmetricVerifier(description, template(), keys, toleranceMs),
    sign(der, message) {
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      const { before, body, after, carry } = beginSigning(description, template(), message)
      const data = Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(after, 'latin1')])
      return carry(sign(operation.hash, data, { key, ...operation.options }))
    },
  }
}
