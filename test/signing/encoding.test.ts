import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeExactly, type Encoding } from '../../src/signing/encoding.ts'
import { MAC_BYTES } from '../../src/signing/mac.ts'

const ENCODINGS: readonly Encoding[] = ['hex', 'base64', 'base64url']
const LENGTHS = Object.values(MAC_BYTES)

describe.each(ENCODINGS)('%s', encoding => {
  it('reads what Node writes, and nothing of another length', () => {
    for (const bytes of LENGTHS)
      fc.assert(
        fc.property(fc.uint8Array({ minLength: bytes, maxLength: bytes }), array => {
          const text = Buffer.from(array).toString(encoding)
          expect(decodeExactly(text, encoding, bytes)).toEqual(Buffer.from(array))
          for (const other of [`${text}A`, `A${text}`, text.slice(1), `${text}=`, ` ${text}`, '', `${text}\n`])
            expect(decodeExactly(other, encoding, bytes)).toBeUndefined()
        }),
        { numRuns: 30 },
      )
  })

  it('takes one spelling only: whatever it reads, Node writes the same way', () => {
    const digits = fc.constantFrom(...'ABYZabfgz0189+/-_= .\u00e9')
    fc.assert(
      fc.property(fc.constantFrom(...LENGTHS), fc.integer({ min: 0, max: 127 }), digits, (bytes, at, digit) => {
        const text = Buffer.alloc(bytes, 0xfb).toString(encoding)
        const changed = text.slice(0, at % text.length) + digit + text.slice((at % text.length) + 1)
        const read = decodeExactly(changed, encoding, bytes)?.toString(encoding)
        if (read !== undefined) expect(read).toBe(changed)
      }),
      { numRuns: 500 },
    )
  })
})

describe('spellings that lenient readers take', () => {
  const mac = Buffer.alloc(32, 0xff)
  const text = mac.toString('base64')
  it.each([
    ['spare bits', `${text.slice(0, 42)}9=`],
    ['no padding', text.slice(0, 43)],
    ['padding and a blank', `${text.slice(0, 20)} ${text.slice(20, 43)}`],
    ['the other alphabet', text.replaceAll('/', '_')],
    ['padding in the middle', `${text.slice(0, 20)}=${text.slice(20, 43)}`],
  ])('base64 with %s', (_name, spelt) => {
    expect(decodeExactly(spelt, 'base64', 32)).toBeUndefined()
  })
  it('base64url with padding, or of the other alphabet', () => {
    expect(decodeExactly(text, 'base64url', 32)).toBeUndefined()
    expect(decodeExactly(text.slice(0, 43), 'base64url', 32)).toBeUndefined()
    expect(decodeExactly(mac.toString('base64url'), 'base64url', 32)).toEqual(mac)
  })
  it('hexadecimal digits are lower case', () => {
    expect(decodeExactly(mac.toString('hex').toUpperCase(), 'hex', 32)).toBeUndefined()
  })
  it('two signs of padding behind 64 bytes', () => {
    const long = Buffer.alloc(64, 7).toString('base64')
    expect(decodeExactly(long, 'base64', 64)).toEqual(Buffer.alloc(64, 7))
    expect(decodeExactly(long.replace('==', 'A='), 'base64', 64)).toBeUndefined()
    expect(decodeExactly(long.replace(/.==$/, 'B=='), 'base64', 64)).toBeUndefined()
  })
})
