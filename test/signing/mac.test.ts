import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeExactly } from '../../src/signing/encoding.ts'
import { MAC_BYTES, type MacAlgorithm, MacKey } from '../../src/signing/mac.ts'

const algorithms = Object.keys(MAC_BYTES) as MacAlgorithm[]

describe('MacKey', () => {
  // RFC 4231, test cases 2 and 6; RFC 2202, test case 2.
  it.each([
    ['sha1', 'Jefe', 'what do ya want for nothing?', 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
    [
      'sha256',
      'Jefe',
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      'sha256',
      '\xaa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      'sha384',
      'Jefe',
      'what do ya want for nothing?',
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    ],
  ] as const)('%s under %j', (algorithm, key, text, expected) => {
    const mac = new MacKey(algorithm, Buffer.from(key, 'latin1'))
    expect(mac.mac('', Buffer.from(text), '').toString('hex')).toBe(expected)
  })

  it.each(algorithms)('%s agrees with createHmac for keys and messages of every size', algorithm => {
    for (const keySize of [1, 32, 63, 64, 65, 127, 128, 129, 500]) {
      const key = Buffer.alloc(keySize, keySize)
      const mac = new MacKey(algorithm, key)
      for (const size of [0, 1, 55, 64, 1_000, 16_384, 32_750, 32_760, 32_767, 32_768, 32_769, 70_000]) {
        const body = Buffer.alloc(size, size & 0xff)
        const expected = createHmac(algorithm, key).update('v0:é', 'latin1').update(body).update('.end').digest('hex')
        expect(mac.mac('v0:é', body, '.end').toString('hex')).toBe(expected)
      }
    }
  })

  it('keeps nothing of one message for the next', () => {
    const one = new MacKey('sha256', Buffer.from('one'))
    const two = new MacKey('sha256', Buffer.from('two'))
    const first = one.mac('', Buffer.from('a longer message than the next'), '')
    const text = first.toString('hex')
    two.mac('', Buffer.from('short'), '')
    expect(first.toString('hex')).toBe(text)
    expect(one.mac('', Buffer.from('short'), '').toString('hex')).toBe(
      createHmac('sha256', 'one').update('short').digest('hex'),
    )
  })
})

describe('decodeExactly', () => {
  const bytes = Buffer.from('00ff10fbefbe3f7e5d4c3b2a190807060504030201f0e0d0c0b0a09080706050', 'hex')
  it.each(['hex', 'base64', 'base64url'] as const)('reads %s, and one spelling of it alone', encoding => {
    const text = bytes.toString(encoding)
    expect(decodeExactly(text, encoding, 32)).toEqual(bytes)
    const spellings = [
      text.slice(0, -1),
      `${text}=`,
      ` ${text.slice(1)}`,
      `${text.slice(0, -1)} `,
      `${text.slice(0, 4)}\n${text.slice(5)}`,
      `${text.slice(0, 4)}\u0130${text.slice(5)}`,
      text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1),
      encoding === 'hex' ? text.toUpperCase() : text.replace(/[+-]/g, sign => (sign === '+' ? '-' : '+')),
      bytes.toString(encoding === 'base64' ? 'base64url' : 'base64'),
    ]
    for (const other of spellings.filter(each => each !== text)) {
      const decoded = decodeExactly(other, encoding, 32)
      expect(decoded === undefined || !decoded.equals(bytes), JSON.stringify(other)).toBe(true)
    }
    expect(decodeExactly(text, encoding, 31)).toBeUndefined()
    expect(decodeExactly('', encoding, 32)).toBeUndefined()
  })
})
