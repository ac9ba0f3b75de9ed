import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAC_BYTES, type MacAlgorithm, MacKey } from '../../src/signing/mac.ts'

const ALGORITHMS = Object.keys(MAC_BYTES) as MacAlgorithm[]
const SUITE = join(import.meta.dirname, '../../../shared/data/wycheproof/testvectors_v1')

interface Suite {
  readonly testGroups: readonly {
    readonly tagSize: number
    readonly tests: readonly { tcId: number; key: string; msg: string; tag: string; result: string }[]
  }[]
}

/** Run where the public suite lies beside the checkout. */
describe.skipIf(!existsSync(SUITE))('Wycheproof', () => {
  it.each(ALGORITHMS)('hmac_%s', algorithm => {
    const suite: Suite = JSON.parse(readFileSync(join(SUITE, `hmac_${algorithm}_test.json`), 'utf8'))
    // Groups of cut tags are left out: a signature here is the whole MAC, and a shorter one is malformed.
    const whole = suite.testGroups.filter(({ tagSize }) => tagSize === MAC_BYTES[algorithm] * 8)
    let count = 0
    for (const { tests } of whole)
      for (const { tcId, key, msg, tag, result } of tests) {
        if (key === '') continue // no secret is empty: the config refuses it
        const mac = new MacKey(algorithm, Buffer.from(key, 'hex')).mac('', Buffer.from(msg, 'hex'), '')
        expect(mac.toString('hex') === tag, `test ${tcId}`).toBe(result === 'valid')
        count++
      }
    expect(count).toBeGreaterThan(50)
  })
})
