import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AsymmetricDescription, asymmetricScheme } from '../../src/signing/asymmetric.ts'
import { fakeRequest } from '../checks/fakes.ts'

const SUITE = join(import.meta.dirname, '../../../shared/data/wycheproof/testvectors_v1')

interface Suite {
  readonly testGroups: readonly {
    readonly publicKeyDer: string
    readonly tests: readonly {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: string
    }[]
  }[]
}

const FORM = { header: 'X-Signature', encoding: 'hex', payload: '{body}' } as const
const SUITES: readonly (readonly [file: string, description: AsymmetricDescription, least: number])[] = [
  ['ed25519_test', { ...FORM, algorithm: 'ed25519' }, 88],
  ['ecdsa_secp256r1_sha256_test', { ...FORM, algorithm: 'ecdsa-p256' }, 174],
  ['rsa_signature_2048_sha256_test', { ...FORM, algorithm: 'rsa-sha256' }, 9],
]

/** `acceptable` ones, which BoringSSL takes and RFC 8017 does not: DigestInfo without its NULL. */
const ACCEPTABLE_AND_REFUSED = new Map([['rsa_signature_2048_sha256_test', [8]]])

/** Run where the public suite lies beside the checkout, through the verifier that routes use. */
describe.skipIf(!existsSync(SUITE))('Wycheproof', () => {
  it.each(SUITES)('%s: every valid signature, and no invalid one', (file, description, least) => {
    const suite: Suite = JSON.parse(readFileSync(join(SUITE, `${file}.json`), 'utf8'))
    const scheme = asymmetricScheme(description)
    let valid = 0
    for (const { publicKeyDer, tests } of suite.testGroups) {
      const bytes = Buffer.from(publicKeyDer, 'hex')
      const publicKey = createPublicKey({ key: bytes, format: 'der', type: 'spki' })
      const verifier = scheme.verifier([{ name: 'k', bytes, publicKey, expires: undefined }], undefined)
      for (const { tcId, msg, sig, result } of tests) {
        const request = fakeRequest({ body: Buffer.from(msg, 'hex'), headers: { 'X-Signature': sig } })
        const wanted =
          result === 'valid' || (result === 'acceptable' && ACCEPTABLE_AND_REFUSED.get(file)?.includes(tcId) === false)
        expect(verifier.verify(request, 0).ok, `test ${tcId}`).toBe(wanted)
        if (wanted) valid++
      }
    }
    expect(valid).toBeGreaterThanOrEqual(least)
  })
})
