import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bounded, quote } from '../../src/observe/text.ts'
import { timestamp } from '../../src/observe/timestamp.ts'

const hostile = [
  '\u0000',
  '\n',
  '\r',
  '\u001b[2J',
  '\u0085',
  '\u009b31m',
  '\u2028',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
]

describe('text', () => {
  it.each(hostile)('quotes %j so that nothing of it reaches a terminal', text => {
    const quoted = quote(`a${text}b`)
    expect(quoted).toMatch(/^[ -~]*$/)
    expect(JSON.parse(quoted)).toBe(`a${text}b`)
  })

  it('quotes any text as JSON that means the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const quoted = quote(text)
        expect(JSON.parse(quoted)).toBe(text)
        expect(quoted.split('').every(char => char >= ' ' && char !== '\u007f')).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps letters of every script', () => {
    expect(quote('Zahlung Köln 支付')).toBe('"Zahlung Köln 支付"')
  })

  it('cuts long text and says how much', () => {
    expect(bounded('abcdef', 6)).toBe('abcdef')
    expect(bounded('abcdefg', 6)).toBe('abcdef...(+1)')
  })

  it('writes times as Date does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), ms => {
        expect(timestamp(ms)).toBe(new Date(ms).toISOString())
        expect(timestamp(ms + 1)).toBe(new Date(ms + 1).toISOString())
      }),
      { numRuns: 200 },
    )
  })
})
