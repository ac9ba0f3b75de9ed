import { expect, it } from 'vitest'
import { readCoding } from '../../src/core/content-coding.ts'
import { Headers } from '../../src/core/headers.ts'

it.each([
  [[], undefined],
  [['identity'], undefined],
  [['Identity '], undefined],
  [['gzip'], 'gzip'],
  [['X-GZIP'], 'gzip'],
  [['BR'], 'br'],
  [['unheard-of'], 'unheard-of'],
  [[''], null],
  [['gzip, br'], null],
  [['gzip', 'gzip'], null],
  [['identity', 'gzip'], null],
])('reads Content-Encoding %j as %s', (values, coding) => {
  expect(readCoding(new Headers(values.flatMap(value => ['Content-Encoding', value])))).toBe(coding)
})
