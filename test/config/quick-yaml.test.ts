import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readYaml } from '../../src/config/full-yaml.ts'
import type { Place } from '../../src/config/place.ts'
import { readQuickly } from '../../src/config/quick-yaml.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 300)
const ROOT = join(import.meta.dirname, '../..')
const files = ['test/golden', 'test/contract', 'config'].flatMap(folder =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.yaml'))
    .map(file => join(folder, file)),
)
const texts = files.map(file => readFileSync(join(ROOT, file), 'utf8'))

/** What of a place can ever be shown: of a collection that spans lines, where it begins. */
function shown({ value, key, lead, range, children }: Place): unknown {
  const [start, end] = range
  if (children === undefined) return { value, key, lead, range }
  return {
    value,
    key,
    start,
    empty: children.size === 0 && end,
    inside: [...children].map(([at, each]) => [at, shown(each)]),
  }
}

/** @returns whether it was read without the library. */
function agrees(text: string): boolean {
  const quick = readQuickly(text)
  if (quick === undefined) return false
  const { root, spots } = readYaml(text)
  expect(spots).toEqual([])
  expect(shown(quick)).toEqual(root && shown(root))
  return true
}

describe('a text that is read quickly', () => {
  it('means the same to the library that tells what is wrong, in every config that is here', () => {
    const quick = texts.filter(agrees)
    expect(quick.length).toBeGreaterThan(texts.length / 3)
  })

  it.each([
    'a: b',
    'a:   b   # c\n\n# d\nb: 1\n',
    'a:\n- b\n- c: d\n  e: f\ng: h\n',
    'a:\n    -   b: c\n        d: { e: [f, "g h", 12], i: true }\n',
    'a: { b: [], c: {} }\nd: []\n',
    'a: \'#b\'\nc: ""\nd: x#y z:w /b?c=d:e\n',
    'a: 12\nb: 0\nc: 600/min\nd: 10.0.0.0/8\ne: [127.0.0.1:80, 5m]\nf: false\n',
    'constructor: { toString: a }\n',
    'a: [b: c]',
    'a: [b, ]',
    "a: 'b''c'",
    'a: "\\n"',
    '  a: b',
  ])('is %j', text => expect(agrees(text)).toBe(true))

  it.each([
    '',
    '# nothing\n',
    'a: b\nc',
    'a: b: c',
    'a: b\na: c',
    'a: { b: c, b: d }',
    'a: b\n  c',
    'a:\n  b: c\n d: e',
    'a: &b c',
    'a: *b',
    'a: !!str b',
    'a: |\n  b',
    'a: "b" c',
    'a: [b',
    'a: {b}',
    'a: null',
    'a: 1.5',
    'a: 007',
    'a: 0x1F',
    'a: 1234567890123456',
    'a:',
    'a: b\n---\nc: d',
    '--- a: b',
    '...\na: b',
    'a: b\n...',
    '%YAML 1.2',
    'a:\tb',
    'a: b\r\n',
    'a: é',
    '__proto__: a',
    'true: a',
    'a: - b',
    '- a',
    `a: ${'['.repeat(120)}${']'.repeat(120)}`,
  ])('is not %j', text => expect(readQuickly(text)).toBeUndefined())

  it('means the same to the library that tells what is wrong, whatever is cut out, put in or written in its place', () => {
    const piece = fc.constantFrom(
      ...[
        '',
        '\n',
        ' ',
        '  ',
        ': ',
        ':',
        '- ',
        '-',
        '{',
        '}',
        '[',
        ']',
        ',',
        '"',
        "'",
        '#',
        ' #',
        '*a',
        '&a ',
        '!x ',
        '~',
      ],
      ...['?', '|', '>', '%', '@', '`', '\\', '.', '0', '1e9', 'null', 'true', '---\n', '...\n', 'a: b', '\n  ', '<<'],
    )
    const text = fc.constantFrom(...texts)
    const change = fc.tuple(fc.nat(100_000), fc.nat(12), piece)
    fc.assert(
      fc.property(text, fc.array(change, { minLength: 1, maxLength: 3 }), (good, changes) => {
        let changed = good.slice(0, 2000)
        for (const [where, length, put] of changes) {
          const at = where % (changed.length + 1)
          changed = changed.slice(0, at) + put + changed.slice(at + length)
        }
        agrees(changed)
      }),
      { numRuns: RUNS },
    )
  })

  it('means the same to the library that tells what is wrong, of characters that mean something to YAML', () => {
    const line = fc.array(
      fc.constantFrom(
        ...[
          'a',
          'b',
          '1',
          'a: ',
          'b:',
          ' ',
          '  ',
          '- ',
          ':',
          '-',
          '[',
          ']',
          '{',
          '}',
          ', ',
          ',',
          '#',
          ' #',
          '"',
          "'",
          '.',
          '/',
        ],
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 5 }),
        lines => void agrees(lines.map(parts => parts.join('')).join('\n')),
      ),
      { numRuns: RUNS * 10 },
    )
  })
})
