import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkJson } from '../../src/core/json.ts'
import { jsonScalar } from '../../src/core/json-scalar.ts'

const read = (json: string, path: string) => jsonScalar(Buffer.from(json), path === '' ? [] : path.split('.'))

describe('jsonScalar', () => {
  it.each([
    ['{"a":1}', 'a', '1'],
    ['{"a":1.0}', 'a', '1.0'],
    ['{"a":-0}', 'a', '-0'],
    ['{"a":1e+05,"b":2}', 'a', '1e+05'],
    ['{"a":12345678901234567890.10}', 'a', '12345678901234567890.10'],
    ['{"a":true,"b":false}', 'b', 'false'],
    ['{"a":"x\\u00e9\\n\\"}"}', 'a', 'x\u00e9\n"}'],
    ['{"a":""}', 'a', ''],
    [' {\t"b" : {"a":2} ,\r\n "a" : [ 3 , [4], "5" ] } ', 'a.2', '5'],
    [' {\t"b" : {"a":2} ,\r\n "a" : [ 3 , [4], "5" ] } ', 'a.1.0', '4'],
    ['{"b":"}{][,:","c":{"d":[{"e":"]"}],"a":9},"a":7}', 'a', '7'],
    ['{"b":"}{][,:","c":{"d":[{"e":"]"}],"a":9},"a":7}', 'c.d.0.e', ']'],
    ['{"\\u0061":1}', 'a', '1'],
    ['{"__proto__":1}', '__proto__', '1'],
    ['[1,2]', '1', '2'],
  ])('%s at %s is %j', (json, path, text) => {
    expect(checkJson(Buffer.from(json))).toBeUndefined()
    expect(read(json, path)).toBe(text)
  })

  it.each([
    ['{"a":1}', 'b'],
    ['{"a":1}', 'a.b'],
    ['{"a":1}', 'toString'],
    ['{}', 'a'],
    ['{"a":null}', 'a'],
    ['{"a":{}}', 'a'],
    ['{"a":[]}', 'a'],
    ['{"a":[]}', 'a.0'],
    ['{"a":[1]}', 'a.1'],
    ['{"a":[1]}', 'a.01'],
    ['{"a":[1]}', 'a.-1'],
    ['{"a":[1]}', 'a.length'],
    ['{"a":"bc"}', 'a.0'],
    ['{"a":"\\ud800"}', 'a'],
  ])('%s has no scalar at %s', (json, path) => {
    expect(read(json, path)).toBeUndefined()
  })

  it('finds what JSON.parse finds, wherever it stands', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.nat(3), (text, indent) => {
        const value: unknown = JSON.parse(text)
        const json = Buffer.from(JSON.stringify(value, null, indent))
        for (const [path, leaf] of leaves(value, [])) {
          const wanted = typeof leaf === 'string' ? leaf : JSON.stringify(leaf)
          expect(jsonScalar(json, path)).toBe(leaf === null || !wanted.isWellFormed() ? undefined : wanted)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

function* leaves(value: unknown, path: readonly string[]): Generator<[path: readonly string[], leaf: unknown]> {
  if (typeof value !== 'object' || value === null) yield [path, value]
  else for (const [name, child] of Object.entries(value)) yield* leaves(child, [...path, name])
}
