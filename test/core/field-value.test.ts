import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isFieldValue } from '../../src/core/field-value.ts'

it('lets through what RFC 9110 section 5.5 does, in short values and long ones', () => {
  const byte = fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0, max: 0x101 }))
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), bytes => {
      const fits = bytes.every(code => code === 0x09 || (code >= 0x20 && code !== 0x7f && code <= 0xff))
      expect(isFieldValue(String.fromCharCode(...bytes))).toBe(fits)
    }),
  )
})
