import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  parseDictionary,
  parseItem,
  parseList,
  type Structured,
  serialiseDictionary,
  serialiseItem,
  serialiseList,
} from '../../src/signing/structured-fields.ts'

/** The canonical text, or why there is none. */
function canonical<Value>(parsed: Structured<Value>, serialise: (value: Value) => string): string {
  return parsed.ok ? serialise(parsed.value) : `fault: ${parsed.why}`
}
const item = (text: string): string => canonical(parseItem(text), serialiseItem)
const list = (text: string): string => canonical(parseList(text), serialiseList)
const dictionary = (text: string): string => canonical(parseDictionary(text), serialiseDictionary)

describe('an item', () => {
  it.each([
    ['42', '42'],
    ['-0', '0'],
    ['0042', '42'],
    ['999999999999999', '999999999999999'],
    ['4.50', '4.5'],
    ['1.0', '1.0'],
    ['-0.0', '0.0'],
    ['999999999999.999', '999999999999.999'],
    ['"a \\"b\\" \\\\"', '"a \\"b\\" \\\\"'],
    ['""', '""'],
    ['*foo123/456', '*foo123/456'],
    ['a:b', 'a:b'],
    [':cHJldGVuZA==:', ':cHJldGVuZA==:'],
    ['::', '::'],
    ['?1', '?1'],
    ['?0', '?0'],
    ['@1659578233', '@1659578233'],
    ['@-0', '@0'],
    ['%"f%c3%bc%61"', '%"f%c3%bca"'],
    ['  a;  b=?1;c=?0;d ', 'a;b;c=?0;d'],
    ['1;a=1;*b="x"', '1;a=1;*b="x"'],
  ])('%j is written %j', (text, expected) => {
    expect(item(text)).toBe(expected)
    expect(item(expected)).toBe(expected)
  })

  it.each([
    '',
    '-',
    '--1',
    '1.',
    '.1',
    '1.1234',
    '1.2.3',
    '1e3',
    '1234567890123456',
    '1234567890123.1',
    '"a',
    '"a\\',
    '"\\a"',
    '"\u00e9"',
    '"\t"',
    "'a'",
    ':YQ:',
    ':YR==:',
    ':YQ==',
    ':Y Q==:',
    ':YQ-_:',
    '?2',
    '?',
    '@1.5',
    '@',
    '%"%C3%BC"',
    '%"%ff"',
    '%"a',
    '%a',
    'a b',
    'a,b',
    'a;',
    'a;A=1',
    'a;b=',
    'a;b=1;b=2',
    'a ;b',
    '\ta',
    '(a)',
    '{}',
  ])('%j is none', text => {
    expect(item(text)).toMatch(/^fault: .{10,}/)
  })
})

describe('a list', () => {
  it.each([
    ['', ''],
    ['1,2 ,\t3', '1, 2, 3'],
    ['(1  2 ),()', '(1 2), ()'],
    ['("a";x "b");y;z=1', '("a";x "b");y;z=1'],
  ])('%j is written %j', (text, expected) => {
    expect(list(text)).toBe(expected)
  })

  it.each(['1,', ',1', '1,,2', '(1', '(1,2)', '("a""b")', '(1 (2))', '1 2', '(1)2'])('%j is none', text => {
    expect(list(text)).toMatch(/^fault: /)
  })
})

describe('a dictionary', () => {
  it.each([
    ['', ''],
    ['a=1,b;x , c=?1, d=(1 2);y', 'a=1, b;x, c, d=(1 2);y'],
    ['*a.-_9="x"', '*a.-_9="x"'],
    ['a=?0', 'a=?0'],
  ])('%j is written %j', (text, expected) => {
    expect(dictionary(text)).toBe(expected)
  })

  it.each(['A=1', '1=1', 'a=', 'a=1,', 'a=1 b=2', 'a=1, a=2', 'a = 1', '=1', 'a=1;', 'a,,b'])('%j is none', text => {
    expect(dictionary(text)).toMatch(/^fault: /)
  })

  it('says where', () => {
    expect(dictionary('a=1, B=2')).toBe('fault: a key in lower case is expected at character 6')
    expect(dictionary('sig1=("a" "b";created=1')).toBe('fault: a blank or ")" is expected at character 24')
    expect(dictionary('a=1, a=2')).toBe('fault: the key "a" comes twice')
    expect(dictionary('a=1 2')).toBe('fault: a comma is missing at character 5')
  })
})

const hostile = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(...'ab=,;:"()\\?@%*01.- \t'), maxLength: 300 }),
)

it('throws on no text, and writes what it has read so that it reads the same', () => {
  fc.assert(
    fc.property(hostile, text => {
      for (const write of [item, list, dictionary]) {
        const once = write(text)
        if (!once.startsWith('fault: ')) expect(write(once)).toBe(once)
      }
    }),
    { numRuns: 3000 },
  )
})

// A parser that looks at a character twice needs minutes for these.
it.each([
  ['"', 'a'],
  ['"', '\\"'],
  ['(', ' '],
  ['(', '1 '],
  ['a', ';b'],
  ['', '1, '],
  [':', 'A'],
  ['%"', '%61'],
  ['', ' '],
  ['', '('],
])('reads %j and a million times %j', { timeout: 60_000 }, (begin, again) => {
  // Reading that went back over what it has read would take days.
  const text = begin + again.repeat(1_000_000 / again.length)
  for (const read of [item, list, dictionary]) expect(() => read(text)).not.toThrow()
})
