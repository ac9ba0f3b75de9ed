import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkJson, MAX_DEPTH, MAX_NAME_BYTES } from '../../src/core/json.ts'
import { FormFault, urlencodedToJson } from '../../src/forward/forms.ts'
import { code, table } from './markdown.ts'

const FORMS = [
  'name=Ada&age=36',
  'tag=a&tag=b&tag=c',
  'user[name]=Ada&user[tags][]=x',
  'note=two+words%2C+and+a+comma',
  'flag&empty=',
  '__proto__=x&constructor=y',
  'broken=%zz',
]

export function formExamples(): string {
  const rows = FORMS.map(form => {
    const json = urlencodedToJson(Buffer.from(form))
    return [code(form), json instanceof FormFault ? `refused: ${json.message}` : code(json)]
  })
  return table(['form', 'JSON'], rows)
}

const JSONS: readonly (readonly [says: string, body: Buffer])[] = [
  ['`{"id":12345678901234567890}`', Buffer.from('{"id":12345678901234567890}')],
  ['`{"price":1.10}`', Buffer.from('{"price":1.10}')],
  ['`{"a":1,"a":2}`', Buffer.from('{"a":1,"a":2}')],
  ['`{"a":1,"\\u0061":2}`', Buffer.from('{"a":1,"\\u0061":2}')],
  ['`{"a":1,"A":2}`', Buffer.from('{"a":1,"A":2}')],
  [`arrays nested ${MAX_DEPTH} deep`, Buffer.from('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH))],
  [`arrays nested ${MAX_DEPTH + 1} deep`, Buffer.from('['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1))],
  [`a member name of ${MAX_NAME_BYTES} bytes`, Buffer.from(`{"${'a'.repeat(MAX_NAME_BYTES)}":1}`)],
  [`a member name of ${MAX_NAME_BYTES + 1} bytes`, Buffer.from(`{"${'a'.repeat(MAX_NAME_BYTES + 1)}":1}`)],
  ['`"text"`', Buffer.from('"text"')],
  ['`42`', Buffer.from('42')],
  ['an empty body', Buffer.alloc(0)],
  ['a byte order mark, then `{}`', Buffer.from('\ufeff{}')],
  ['`{"a":"` and the byte `ff`', Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')])],
  ['`{"a":1} {"b":2}`', Buffer.from('{"a":1} {"b":2}')],
  ['`{"a":1,}`', Buffer.from('{"a":1,}')],
  ['`{"a":"\\ud800"}`', Buffer.from('{"a":"\\ud800"}')],
]

export function jsonExamples(): string {
  const rows = JSONS.map(([says, body]) => {
    const fault = checkJson(body)
    return [says, fault ? `refused: ${fault.message}` : 'goes on as it is']
  })
  return table(['body', 'what happens'], rows)
}

/** Where https://github.com/nst/JSONTestSuite was put; absent from the project, which only keeps what it showed. */
const SUITE =
  process.env.JSON_TEST_SUITE ?? join(import.meta.dirname, '../../../shared/data/jsontestsuite/test_parsing')

/** What becomes of the cases that the suite leaves to each parser; `undefined` where the suite is not here. */
export function jsonSuite(): string | undefined {
  if (!existsSync(SUITE)) return undefined
  const rows = readdirSync(SUITE)
    .filter(name => name.startsWith('i_') && name.endsWith('.json'))
    .sort()
    .map(name => {
      const fault = checkJson(readFileSync(join(SUITE, name)), true)
      return [code(name.replace(/\.json$/, '')), fault ? `refused: ${fault.message}` : 'accepted']
    })
  return table(['case', 'what happens'], rows)
}
