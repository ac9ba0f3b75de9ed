import { describe, expect, it } from 'vitest'
import { FieldLines } from '../../src/core/field-lines.ts'

describe('the lines of heads', () => {
  const lines = new FieldLines()

  it.each([
    ['a new one', 'X-A', '1'],
    ['the same again', 'X-A', '1'],
    ['and again', 'X-A', '1'],
    ['another value', 'X-A', '2'],
    ['another name', 'X-B', '2'],
    ['the first again', 'X-A', '1'],
    ['no value', 'X-A', ''],
    ['bytes beyond ASCII', 'X-A', '\xe4\xff'],
    ['a long value', 'X-A', 'x'.repeat(5000)],
    ['a short one behind it', 'X-A', '1'],
  ])('%s', (_what, name, value) => {
    expect(lines.line(0, name, value)).toBe(`${name}: ${value}\r\n`)
    expect(lines.line(1, name, 'other')).toBe(`${name}: other\r\n`)
    expect(lines.line(1000, name, value)).toBe(`${name}: ${value}\r\n`)
  })

  it('the same many times, and then another', () => {
    for (let i = 0; i < 40; i++) expect(lines.line(2, 'X-Often', 'yes')).toBe('X-Often: yes\r\n')
    expect(lines.line(2, 'X-Often', 'no')).toBe('X-Often: no\r\n')
    expect(lines.line(2, 'X-Often', 'yes')).toBe('X-Often: yes\r\n')
  })

  it('another each time, and then the same again', () => {
    for (let i = 0; i < 3000; i++) {
      const value = String(i < 1500 ? i : 7)
      expect(lines.line(3, 'X-Varies', value)).toBe(`X-Varies: ${value}\r\n`)
      expect(lines.line(4, i % 2 === 0 ? 'X-One' : 'X-Two', value)).toBe(
        `X-${i % 2 === 0 ? 'One' : 'Two'}: ${value}\r\n`,
      )
    }
    expect(lines.line(3, 'X-Varies', '7\r\n')).toBeUndefined()
  })

  it.each([
    ['a line break in the value', 'X-A', '1\r\nX-B: 2'],
    ['a character that is no byte', 'X-A', '\u0142'],
    ['a blank in the name', 'X A', '1'],
    ['a line break in the name', 'X-A\r\n', '1'],
    ['no name', '', '1'],
  ])('none of %s, not even when it comes twice', (_what, name, value) => {
    for (let i = 0; i < 3; i++) expect(lines.line(0, name, value)).toBeUndefined()
    expect(lines.line(0, 'X-A', '1')).toBe('X-A: 1\r\n')
  })
})
