import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { weaknessOf } from '../../src/signing/weak-rsa.ts'

/** The modulus of a key that the faulty chip made, from Wycheproof (Apache-2.0). */
const ROCA =
  'AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE'

const numberOf = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)

describe('RSA keys that are not to be trusted', () => {
  it('are those of the chip with the ROCA fault', () => {
    expect(weaknessOf(numberOf(ROCA), 65537n)).toContain('ROCA')
    expect(weaknessOf(numberOf(ROCA) + 2n, 65537n)).toBeUndefined()
  })

  it('are short ones, endless ones, and those with an exponent that signs nothing', () => {
    expect(weaknessOf(2n ** 2046n + 1n, 65537n)).toBe('RSA of 2047 bits, fewer than 2048')
    expect(weaknessOf(2n ** 8192n + 1n, 65537n)).toBe('RSA of 8193 bits, more than 8192')
    for (const exponent of [0n, 1n, 2n, 65536n]) expect(weaknessOf(2n ** 2047n + 9n, exponent)).toContain('exponent')
  })

  it('are none that are made here', () => {
    for (let i = 0; i < 3; i++) {
      const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      expect(weaknessOf(numberOf(publicKey.export({ format: 'jwk' }).n ?? ''), 65537n)).toBeUndefined()
    }
  })
})
