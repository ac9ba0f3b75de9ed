import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MAC_BYTES, type MacAlgorithm, MacKey } from '../../src/signing/mac.ts'

const ALGORITHMS = Object.keys(MAC_BYTES) as MacAlgorithm[]
const reference = (algorithm: string, key: Buffer, ...parts: Buffer[]) => {
  const mac = createHmac(algorithm, key)
  for (const part of parts) mac.update(part)
  return mac.digest('hex')
}

describe.each(ALGORITHMS)('HMAC-%s', algorithm => {
  it('agrees with createHmac for keys of 1 to 300 bytes, which are hashed above a block', () => {
    const body = randomBytes(100)
    for (let length = 1; length <= 300; length++) {
      const key = randomBytes(length)
      expect(new MacKey(algorithm, key).mac('', body, '').toString('hex'), String(length)).toBe(
        reference(algorithm, key, body),
      )
    }
  })

  it('agrees on bodies on both sides of the one-shot border, with and without texts around them', () => {
    const key = randomBytes(32)
    const mac = new MacKey(algorithm, key)
    const before = 'v0:1531420618:\u00ff\u0080'
    const border = 16 * 1024
    for (const size of [0, 1, 63, 64, 1024, border - 40, border - 1, border, border + 1, 100_000]) {
      const body = randomBytes(size)
      expect(mac.mac('', body, '').toString('hex'), String(size)).toBe(reference(algorithm, key, body))
      for (const after of ['', '.tail'])
        expect(mac.mac(before, body, after).toString('hex'), `${size}${after}`).toBe(
          reference(algorithm, key, Buffer.from(before, 'latin1'), body, Buffer.from(after)),
        )
    }
  })

  it('gives every caller bytes of its own', () => {
    const mac = new MacKey(algorithm, randomBytes(16))
    const first = mac.mac('', Buffer.from('a'), '')
    const text = first.toString('hex')
    mac.mac('', Buffer.from('b'), '')
    new MacKey(algorithm, randomBytes(16)).mac('x', Buffer.from('c'), 'y')
    expect(first.toString('hex')).toBe(text)
  })
})

it('agrees with published values (stripe-node test/crypto/helpers.ts)', () => {
  const key = new MacKey('sha256', Buffer.from('test_secret'))
  const of = (text: string) => key.mac('', Buffer.from(text), '').toString('hex')
  expect(of('')).toBe('f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd')
  expect(of('{"obj1":"hello","obj2":"world"}')).toBe('bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363')
  expect(of('\u{1f600}')).toBe('837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43')
})

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
