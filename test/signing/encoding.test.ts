import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeExactly, decodeInto, ENCODINGS, type Encoding, encode } from '../../src/signing/encoding.ts'

const SIZES = [20, 32, 48, 64]

/** What a strict reader may take: the text that the same bytes are written as, and nothing else. */
function slow(text: string, encoding: Encoding, bytes: number): Buffer | undefined {
  const decoded = Buffer.from(text, encoding === 'hex-upper' ? 'hex' : encoding)
  return decoded.length === bytes && encode(decoded, encoding) === text ? decoded : undefined
}

describe.each(ENCODINGS)('%s', encoding => {
  it('reads what it writes, anywhere in a text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), fc.infiniteStream(fc.nat(255)), fc.string(), (size, stream, around) => {
        const bytes = Buffer.from([...stream.take(size)])
        const text = encode(bytes, encoding)
        expect(decodeExactly(text, encoding, size)).toEqual(bytes)
        const out = new Uint8Array(size)
        expect(decodeInto(encoding, around + text + around, around.length, around.length + text.length, out)).toBe(true)
        expect(Buffer.from(out)).toEqual(bytes)
      }),
    )
  })

  it('refuses every other spelling of the same length', () => {
    const size = 32
    const text = encode(Buffer.alloc(size, 0x5a), encoding)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 0x2ff }), (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
        expect(decodeExactly(changed, encoding, size)).toEqual(slow(changed, encoding, size))
      }),
      { numRuns: 1000 },
    )
  })

  it.each(SIZES)('refuses another length than %i bytes', size => {
    const text = encode(Buffer.alloc(size, 0xa5), encoding)
    for (const other of [
      '',
      '=',
      '==',
      text.slice(1),
      text.slice(0, -1),
      `${text}A`,
      `${text}=`,
      `${text}==`,
      `${text} `,
    ])
      expect(decodeExactly(other, encoding, size), other).toBeUndefined()
    expect(decodeExactly(text, encoding, size - 1)).toBeUndefined()
    expect(decodeExactly(text, encoding, size + 1)).toBeUndefined()
  })
})

it('refuses upper-case hex, and base64 with spare bits or the other alphabet', () => {
  expect(decodeExactly('AB'.repeat(20), 'hex', 20)).toBeUndefined()
  const base64 = Buffer.alloc(20, 0xff).toString('base64')
  expect(base64.endsWith('8=')).toBe(true)
  expect(decodeExactly(base64.replace('8=', '9='), 'base64', 20)).toBeUndefined()
  expect(decodeExactly(base64.replaceAll('/', '_'), 'base64', 20)).toBeUndefined()
  expect(decodeExactly(base64, 'base64url', 20)).toBeUndefined()
})
