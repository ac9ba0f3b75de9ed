import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { bearer } from '../../src/checks/bearer.ts'
import { compile, type DenyCase, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const TOKEN = 'kb-9f2c7e1d5a8b4036'
const resources = { secrets: { KB: TOKEN, OLD: 'kb-previous', OTHER: 'other-token' } }
const tokens = [
  { name: 'kb-sync', env: 'KB', expires: '2027-03-01', scopes: ['articles:write', 'articles:read'] },
  { name: 'kb-sync', env: 'OLD', expires: '2026-11-23' },
  { name: 'reader', env: 'OTHER', scopes: ['articles:read'] },
]
const config = { tokens }
const of = (...values: string[]) => ({ headers: { Authorization: values } })
type Code = keyof typeof bearer.denials
const refused = (name: string, code: Code, values: readonly string[], more: object = {}): DenyCase<Code> => ({
  name,
  config,
  resources,
  request: of(...values),
  code,
  ...more,
})

testCheck(bearer, {
  allows: [
    {
      name: 'a known token',
      config,
      resources,
      request: of(`Bearer ${TOKEN}`),
      adds: { principal: 'kb-sync', principalBy: 'bearer', keyName: 'kb-sync' },
    },
    { name: 'the scheme in any case', config, resources, request: of(`BEARER ${TOKEN}`) },
    {
      name: 'the last day',
      config: { tokens: [{ name: 'a', env: 'KB', expires: '2026-11-24' }] },
      resources,
      request: of(`Bearer ${TOKEN}`),
    },
    {
      name: 'the needed scopes',
      config: { tokens, scopes: ['articles:read', 'articles:write'] },
      resources,
      request: of(`Bearer ${TOKEN}`),
    },
  ],
  denies: [
    refused('no header', 'bearer.missing', []),
    refused('another scheme', 'bearer.missing', ['Basic a2I6cGFzcw==']),
    refused('the bare token', 'bearer.missing', [TOKEN]),
    refused('two headers', 'bearer.malformed', [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]),
    refused('no token', 'bearer.malformed', ['Bearer']),
    refused('Bearer twice', 'bearer.malformed', [`Bearer Bearer ${TOKEN}`], {
      evidence: { because: '"Bearer" is written twice' },
    }),
    refused('two blanks', 'bearer.malformed', [`Bearer  ${TOKEN}`]),
    refused('non-ASCII', 'bearer.malformed', [`Bearer ${TOKEN}\u00e9`]),
    refused('one character less', 'bearer.unknown', [`Bearer ${TOKEN.slice(0, -1)}`], {
      evidence: { 'token-length': 18 },
    }),
    refused('one character more', 'bearer.unknown', [`Bearer ${TOKEN}0`]),
    refused('another case', 'bearer.unknown', [`Bearer ${TOKEN.toUpperCase()}`]),
    refused('an expired token', 'bearer.expired', ['Bearer kb-previous'], {
      evidence: { token: 'kb-sync', expired: '2026-11-23T23:59:59.999Z' },
    }),
    refused('a missing scope', 'bearer.scope', ['Bearer other-token'], {
      config: { tokens, scopes: ['articles:write'] },
      evidence: { token: 'reader', lacks: 'articles:write', has: ['articles:read'] },
    }),
  ],
})

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('bearer tokens-file', () => {
  const file = (text: string) => fakeResources({ files: { 'tokens.txt': text } })
  const given = { 'tokens-file': 'tokens.txt', scopes: ['w'] }

  it('knows a token of each line', async () => {
    const check = compile(
      bearer,
      given,
      file(
        `# name digest expires scopes\n\na ${digest('one')} 2027-01-01 r,w\r\nb\t${digest('two').toUpperCase()} - w\nc ${digest('three')}`,
      ),
    )
    const ask = (token: string) => check.decide(fakeRequest(of(`Bearer ${token}`)), {})
    expect(await ask('one')).toMatchObject({ ok: true, facts: { principal: 'a' } })
    expect(await ask('two')).toMatchObject({ ok: true, facts: { principal: 'b' } })
    expect(await ask('three')).toMatchObject({ ok: false, code: 'bearer.scope' })
    expect(await ask(digest('one'))).toMatchObject({ ok: false, code: 'bearer.unknown' })
  })

  it.each([
    ['', 'holds no token'],
    ['# nothing', 'holds no token'],
    ['a', 'line 1: the digest of a is not 64 hex digits'],
    [`\na ${digest('one')} soon`, 'line 2: the expiry of a is neither'],
    [`a ${digest('one')} - r w`, 'line 1: more than'],
    [`a ${digest('one')} - r,,w`, 'line 1: the scopes of a'],
    [`a/b ${digest('one')}`, 'line 1: the name is not'],
    [`a ${digest('one')}\nb ${digest('one')}`, 'the tokens a and b are the same'],
    [`a ${digest('one')}\na ${digest('one')}`, 'the token a is listed twice'],
  ])('takes the route offline for %j', (text, message) => {
    expect(() => compile(bearer, given, file(text))).toThrowError(
      expect.objectContaining({ name: 'Offline', message: expect.stringContaining(message) }),
    )
  })

  it('tells when the next of the file ends', () => {
    const held = file(`a ${digest('one')} 2020-01-01\nb ${digest('two')} 2028-01-01\nc ${digest('3')} 2027-01-01`)
    compile(bearer, given, held)
    expect(held.expiries).toEqual([
      { kind: 'token', name: 'test-route/bearer/tokens.txt', at: Date.UTC(2027, 0, 2) - 1 },
    ])
  })

  it('takes 100,000 tokens', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `t${i} ${digest(`token-${i}`)} - w`)
    const check = compile(bearer, given, file(lines.join('\n')))
    for (const i of [0, 31_337, 99_999])
      expect(await check.decide(fakeRequest(of(`Bearer token-${i}`)), {})).toMatchObject({
        facts: { principal: `t${i}` },
      })
    expect(await check.decide(fakeRequest(of('Bearer token-100000')), {})).toMatchObject({ code: 'bearer.unknown' })
  })
})

describe('bearer', () => {
  it('tells when each token ends', () => {
    const held = fakeResources(resources)
    compile(bearer, config, held)
    expect(held.expiries).toEqual([
      { kind: 'token', name: 'test-route/bearer/kb-sync', at: Date.UTC(2027, 2, 2) - 1 },
      { kind: 'token', name: 'test-route/bearer/kb-sync', at: Date.UTC(2026, 10, 24) - 1 },
    ])
  })

  it('takes the route offline where a token is missing, broken or given twice', () => {
    const offline = (given: object, secrets: Record<string, string>) =>
      expect(() =>
        compile(bearer, { tokens: [given, { name: 'b', env: 'B' }] }, fakeResources({ secrets })),
      ).toThrowError(expect.objectContaining({ name: 'Offline' }))
    offline({ name: 'a', env: 'A' }, { B: 'b' })
    offline({ name: 'a', env: 'A' }, { A: 'two words', B: 'b' })
    offline({ name: 'a', env: 'A' }, { A: '', B: 'b' })
    offline({ name: 'a', env: 'A' }, { A: 'b', B: 'b' })
  })

  it('shows no token in any decision', async () => {
    const check = compile(bearer, config, fakeResources(resources))
    for (const presented of [TOKEN, `${TOKEN}x`, `Bearer ${TOKEN}`, 'kb-previous', 'secret-of-a-stranger']) {
      const shown = inspect(await check.decide(fakeRequest(of(`Bearer ${presented}`)), {}), { depth: 9 })
      expect(shown).not.toContain(presented)
      expect(shown).not.toContain(TOKEN)
    }
  })

  it.each([
    {},
    { tokens: [] },
    { tokens: [{ name: 'a' }] },
    { tokens: [{ name: 'a', env: 'A', file: 'b' }] },
    { tokens: [{ env: 'A' }] },
  ])('refuses %j', given => {
    expect(bearer.config.safeParse(given).success).toBe(false)
  })
})
