import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/checks/api-key.ts'
import { compile, type DenyCase, fakeRequest, fakeResources, type RequestDescription, testCheck } from './testCheck.ts'

const KEY = 'gl-1f0b7c52d9'
const resources = { secrets: { NEW: KEY, OLD: 'gl-previous', LATE: 'gl-late' } }
const keys = [
  { name: 'gitlab', env: 'NEW', expires: '2027-03-01' },
  { name: 'gitlab', env: 'OLD' },
  { name: 'late', env: 'LATE', expires: '2026-11-23' },
]
const config = { header: 'X-Gitlab-Token', keys }
const of = (...values: string[]) => ({ headers: { 'X-Gitlab-Token': values } })
const refused = (
  name: string,
  code: keyof typeof apiKey.denials,
  request: RequestDescription,
  more: Partial<DenyCase<typeof code>> = {},
): DenyCase<typeof code> => ({ name, code, config, resources, request, ...more })

testCheck(apiKey, {
  allows: [
    {
      name: 'a known key',
      config,
      resources,
      request: of(KEY),
      adds: { principal: 'gitlab', principalBy: 'api-key', keyName: 'gitlab' },
    },
    { name: 'the old key beside the new one', config, resources, request: of('gl-previous') },
    { name: 'the header of its default name', config: { keys }, resources, request: { headers: { 'x-api-key': KEY } } },
    { name: 'a key after "Bearer"', config, resources, request: of(`Bearer ${KEY}`) },
    {
      name: 'a key alone in Authorization only after "Bearer"',
      config: { header: 'Authorization', keys },
      resources,
      request: { headers: { Authorization: `bearer ${KEY}` } },
    },
    {
      name: 'a key in the query where that is asked for',
      config: { ...config, query: 'api_key' },
      resources,
      request: { target: `/hooks/x?a=1&api_key=${KEY}` },
    },
  ],
  denies: [
    refused('no header', 'api-key.missing', {}, { evidence: { header: 'X-Gitlab-Token' } }),
    refused('a key in the query that nobody asked for', 'api-key.missing', { target: `/hooks/x?api_key=${KEY}` }),
    refused(
      'another parameter',
      'api-key.missing',
      { target: '/hooks/x?key=1' },
      { config: { ...config, query: 'k' } },
    ),
    refused('the header twice', 'api-key.malformed', of(KEY, KEY)),
    refused('an empty key', 'api-key.malformed', of('')),
    refused('a blank inside', 'api-key.malformed', of('gl 1')),
    refused(
      'the parameter twice',
      'api-key.malformed',
      { target: `/hooks/x?k=${KEY}&k=${KEY}` },
      { config: { ...config, query: 'k' } },
    ),
    refused(
      'a wrong key in the header, whatever the query has',
      'api-key.unknown',
      { ...of('gl-wrong'), target: `/hooks/x?k=${KEY}` },
      { config: { ...config, query: 'k' } },
    ),
    refused('another key', 'api-key.unknown', of(`${KEY}0`), { evidence: { 'key-length': KEY.length + 1 } }),
    refused('a key in another case', 'api-key.unknown', of(KEY.toUpperCase())),
    refused('a key past its end', 'api-key.expired', of('gl-late'), { evidence: { key: 'late' } }),
  ],
})

describe('api-key', () => {
  it('tells when each key ends, and shows none', async () => {
    const world = fakeResources(resources)
    const check = compile(apiKey, config, world)
    expect(world.expiries.map(({ kind, name }) => [kind, name])).toEqual([
      ['token', 'test-route/api-key/gitlab'],
      ['token', 'test-route/api-key/late'],
    ])
    for (const request of [of(KEY), of('gl-late'), of(`x${KEY}`)])
      expect(inspect(await check.decide(fakeRequest(request), {}))).not.toContain(KEY)
  })

  it('is offline with the same key for two holders, and without its key', () => {
    const two = { keys: [keys[0], { name: 'other', env: 'NEW' }] }
    expect(() => compile(apiKey, two, fakeResources(resources))).toThrow('gitlab and other are the same')
    expect(() => compile(apiKey, config, fakeResources({}))).toThrow('NEW is missing')
  })
})
