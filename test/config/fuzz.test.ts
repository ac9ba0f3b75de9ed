import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { kinds } from './kinds.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 150)
const GOOD = readFileSync(join(import.meta.dirname, '../golden/good/everything.yaml'), 'utf8')

/** Whatever the text: a config or at least one error, every problem placed in the text and with a mend. */
function survives(text: string): void {
  const { config, problems, text: masked } = parseConfig(text, '/nowhere/gate.yaml', {}, { kinds })
  expect(config !== undefined || problems.some(({ severity }) => severity === 'error')).toBe(true)
  const lines = text.split('\n')
  for (const { line, column, message, mend } of problems) {
    expect(line).toBeLessThanOrEqual(lines.length)
    if (line > 0) expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    expect(mend, message).not.toBe('')
  }
  expect(masked.length === text.length || masked === '').toBe(true)
  formatProblems(problems, masked)
}

describe('no text crashes the loader', () => {
  it('of characters that mean something to YAML', () => {
    const yamlish = fc.array(fc.constantFrom(...'ab1 \n\t:-[]{},#&*!|>%@`"\'?<\\~\u0000\u200b\ud800é😀=./'), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(yamlish, parts => survives(parts.join(''))),
      { numRuns: RUNS },
    )
  })

  it('of any characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), survives), { numRuns: RUNS })
  })

  it('of a good config with one piece cut out or put in', () => {
    const at = fc.nat(GOOD.length)
    const piece = fc.constantFrom(
      '',
      '\n',
      ' ',
      ': ',
      '- ',
      '{',
      ']',
      '"',
      '*a',
      '&a ',
      '!x ',
      '~',
      '1e999',
      '\t',
      '0',
      'é',
      '\u00a0',
    )
    fc.assert(
      fc.property(at, fc.nat(20), piece, (from, length, put) =>
        survives(GOOD.slice(0, from) + put + GOOD.slice(from + length)),
      ),
      { numRuns: RUNS },
    )
  })

  it('of well-formed YAML of the wrong shape', () => {
    const key = fc.constantFrom(
      'listeners',
      'routes',
      'admin',
      'name',
      'bind',
      'match',
      'path',
      'checks',
      'signature',
      'secrets',
      'env',
      'forward',
      'to',
      'tls',
      'limits',
      'head',
      '__proto__',
      'constructor',
      'x',
    )
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { maxDepth: 5, depthSize: 'large' },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 6, noNullPrototype: true }),
      ),
      leaf: fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom('10s', '1KiB', '/a/', 'http://a/', '127.0.0.1:80'),
      ),
    }))
    const file = fc.record({ listeners: tree, routes: tree, admin: tree })
    fc.assert(
      fc.property(file, value => survives(stringify(value, { aliasDuplicateObjects: false }))),
      { numRuns: RUNS },
    )
  })
})
