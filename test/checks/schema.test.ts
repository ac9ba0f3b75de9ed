import { describe, expect, it } from 'vitest'
import { schema } from '../../src/checks/schema.ts'
import { compile, type DenyCase, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const ticket = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['type', 'time', 'data'],
  properties: {
    type: { type: 'string' },
    time: { type: ['string', 'integer'] },
    at: { type: 'string', format: 'date-time' },
    email: { type: 'string', format: 'email' },
    data: { type: 'object', required: ['id'] },
    tags: { type: 'array', items: { enum: ['vip', 'new'] } },
    'x-extra': true,
  },
  'x-owner': 'support',
}
const good = { type: 'created', time: 1, data: { id: 7 } }
type Code = keyof typeof schema.denials
const refused = (
  name: string,
  json: unknown,
  evidence: DenyCase<Code>['evidence'],
  given: object = ticket,
): DenyCase<Code> => ({
  name,
  config: { inline: given },
  request: { json },
  code: 'schema.invalid',
  ...(evidence && { evidence }),
})
const file = (text: string) => ({ files: { 's.json': text } })

testCheck(schema, {
  allows: [
    { name: 'what is described', config: { inline: ticket }, request: { json: good } },
    {
      name: 'formats',
      config: { inline: ticket },
      request: { json: { ...good, at: '2026-11-24T10:00:00Z', email: 'a@b.example' } },
    },
    { name: 'a file', config: { file: 's.json' }, resources: file(JSON.stringify(ticket)), request: { json: good } },
    {
      name: 'draft-07',
      config: {
        inline: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', items: [{ type: 'string' }] },
      },
      request: { json: ['a', 1] },
    },
    {
      name: 'references inside the schema',
      config: { inline: { $ref: '#/$defs/a', $defs: { a: { type: 'object' } } } },
      request: { json: {} },
    },
    {
      name: 'a pattern that could be drawn out, and is not',
      config: { inline: { type: 'string', pattern: '^(a+)+$' } },
      request: { json: 'aaaa' },
    },
  ],
  denies: [
    refused(
      'a missing property',
      { type: 'x', time: 1 },
      { path: 'data', keyword: 'required', message: 'data is missing' },
    ),
    refused(
      'one under nearly the same name',
      { ...good, data: { ID: 7 } },
      { path: 'data.id', keyword: 'required', message: 'data.id is missing; data.ID is there', near: 'data.ID' },
    ),
    refused('a letter too many', { typee: 'x', time: 1, data: {} }, { near: 'typee' }),
    refused('swapped letters', { tyep: 'x', time: 1, data: {} }, { near: 'tyep' }),
    refused('another style', { userId: 1 }, { near: 'userId' }, { type: 'object', required: ['user_id'] }),
    refused('another type', { ...good, data: [] }, { path: 'data', keyword: 'type', message: 'must be object' }),
    refused('a place in a list', { ...good, tags: ['vip', 'x'] }, { path: 'tags[1]', keyword: 'enum' }),
    refused('a scalar', 1, { path: '$', keyword: 'type', message: 'must be object' }),
    refused('a bad format', { ...good, at: 'yesterday' }, { path: 'at', keyword: 'format' }),
    refused(
      'an unwanted property',
      { b: 1 },
      { path: 'b', keyword: 'additionalProperties' },
      { type: 'object', additionalProperties: false },
    ),
    refused('none of several', 1, { path: '$', keyword: 'anyOf' }, { anyOf: [{ type: 'string' }, { type: 'array' }] }),
    refused(
      'a condition',
      { kind: 'a' },
      { path: 'x', keyword: 'required' },
      JSON.parse('{"type":"object","if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["x"]}}'),
    ),
    refused('what only the prototype has', {}, { path: 'constructor' }, { type: 'object', required: ['constructor'] }),
    {
      name: 'a text that its pattern would not end with',
      config: { inline: { type: 'string', pattern: '^(a+)+$' } },
      request: { json: `${'a'.repeat(50)}!` },
      code: 'schema.too-slow',
      evidence: { 'limit-ms': 100 },
    },
  ],
})

describe('schema under attack', () => {
  const time = async (check: ReturnType<typeof compiled>, json: unknown) => {
    const request = fakeRequest({ json })
    // The processor's time and not the wall's: a busy machine must not look like an attack that works.
    const started = process.cpuUsage()
    const decision = await check.decide(request, {})
    const { user, system } = process.cpuUsage(started)
    return { ok: decision.ok, ms: (user + system) / 1000 }
  }
  const compiled = (inline: object) => compile(schema, { inline })
  const EVERY = [
    'date-time',
    'time',
    'uuid',
    'ipv4',
    'relative-json-pointer',
    'json-pointer-uri-fragment',
    'email',
    'uri',
    'uri-reference',
    'uri-template',
    'url',
    'hostname',
    'ipv6',
    'regex',
    'json-pointer',
    'byte',
    'duration',
  ]

  const HOSTILE = [
    'a',
    'a.',
    'a@',
    '1:',
    '/~',
    '%',
    '((',
    'http://a',
    'http://1.',
    'http://a-',
    '{a,',
    'P1',
    'a-',
    '::',
    '1',
    '2026-11-24T',
    'a%41',
  ]
  it.each(EVERY)('answers within 200 ms on the format %s', async format => {
    const check = compiled({ format, items: { format } })
    for (const text of HOSTILE) {
      const long = `${text.repeat(50_000)}!`
      // The short one is small enough to run without the time limit.
      for (const json of [long, `${long.slice(0, 4000)}!`, Array(200).fill(long.slice(0, 1000))])
        expect((await time(check, json)).ms, text).toBeLessThan(200)
    }
  })

  it.each([
    [{ type: 'string', pattern: '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@)$' }, `${'a'.repeat(50_000)}!`],
    [{ type: 'string', pattern: '\\s+$' }, `${' '.repeat(200_000)}!`],
    [{ type: 'string', pattern: '^.*a.*b.*c$' }, 'ab'.repeat(20_000)],
    [
      { type: 'object', patternProperties: { '^(x+x+)+y$': true }, additionalProperties: false },
      { [`${'x'.repeat(40)}`]: 1 },
    ],
    [{ type: 'array', uniqueItems: true }, Array.from({ length: 50_000 }, (_, i) => ({ i }))],
  ])('answers within 200 ms on %j', async (given, json) => {
    const { ok, ms } = await time(compiled(given), json)
    expect(ok).toBe(false)
    expect(ms).toBeLessThan(200)
  })

  it('tells no value of the body', async () => {
    const secret = 'card-4111111111111111'
    const check = compile(schema, {
      inline: { type: 'object', properties: { a: { enum: ['x'] }, b: { type: 'integer' }, c: { pattern: '^x$' } } },
    })
    for (const json of [{ a: secret }, { b: secret }, { c: secret }])
      expect(JSON.stringify(await check.decide(fakeRequest({ json }), {}))).not.toContain(secret)
  })
})

describe('schema configuration', () => {
  it.each([
    [{}, 'takes one of file, inline'],
    [{ file: 's.json', inline: {} }, 'takes one of file, inline'],
    [{ inline: { type: 'objekt' } }, 'is no usable JSON Schema'],
    [{ inline: { requried: ['a'] } }, 'requried'],
    [{ inline: { type: 'string', format: 'e-mail' } }, 'e-mail'],
    [{ inline: { type: 'string', pattern: '(' } }, 'is no usable JSON Schema'],
    [{ inline: { $ref: 'https://schemas.example/a.json' } }, 'https://schemas.example/a.json'],
    [{ inline: { $ref: '#/$defs/none' } }, '#/$defs/none'],
    [{ inline: { $async: true, type: 'object' } }, 'async'],
  ])('refuses %j', (given, message) => {
    const result = schema.config.safeParse(given)
    expect(result.error?.message).toContain(message)
  })

  it.each(['', '[]', '{', '{"type":"objekt"}', '{"$ref":"other.json"}'])(
    'takes the route offline for a file of %j',
    text => {
      expect(() => compile(schema, { file: 's.json' }, fakeResources(file(text)))).toThrowError(
        expect.objectContaining({
          name: 'Offline',
          message: expect.stringContaining('s.json is no usable JSON Schema'),
        }),
      )
      expect(() => compile(schema, { file: 'none.json' }, fakeResources(file(text)))).toThrowError(
        expect.objectContaining({ name: 'Offline' }),
      )
    },
  )
})
