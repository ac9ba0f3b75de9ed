import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldText } from '../../src/forward/normalise.ts'

describe('text of a sender as a header value', () => {
  it('is short visible ASCII as it stands, and percent-encoded otherwise', () => {
    expect(fieldText('evt_1')).toBe('evt_1')
    expect(fieldText('Zoë\r\nX: 1')).toBe('Zo%C3%AB%0D%0AX%3A%201')
    expect(fieldText(' x')).toBe('%20x')
  })

  it('may be cut within a character of two units', () => {
    expect(fieldText(`${'x'.repeat(255)}\u{1f511}`)).toMatch(/^x{255}%EF%BF%BD$/)
  })

  it('is one line of visible ASCII, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
        expect(fieldText(text)).toMatch(/^[\x20-\x7e]*$/)
      }),
      { numRuns: 300 },
    )
  })
})
