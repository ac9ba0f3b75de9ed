import { createPrivateKey, sign } from 'node:crypto'
import { AsymmetricVerifier } from './asymmetric-verifier.ts'
import { type AlgorithmChoice, operationOf } from './operation.ts'
import type { DescribedScheme } from './scheme.ts'
import { beginSigning, headersOf, type SignedForm, templateOf, toleranceOf } from './signed-form.ts'

/** How a service signs with a private key, as data. */
export interface AsymmetricDescription extends SignedForm, AlgorithmChoice {}

/** @throws TemplateFault where the payload can't be compiled. */
export function asymmetricScheme(description: AsymmetricDescription): DescribedScheme {
  const template = templateOf(description)
  const operation = operationOf(description)
  return {
    kind: description.algorithm,
    described: [description],
    headers: headersOf(description),
    tolerance: toleranceOf(description),
    verifier: (keys, toleranceMs) => new AsymmetricVerifier(description, template, keys, toleranceMs),
    sign(der, message) {
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      const { before, body, after, carry } = beginSigning(description, template, message)
      const data = Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(after, 'latin1')])
      return carry(sign(operation.hash, data, { key, ...operation.options }))
    },
  }
}
