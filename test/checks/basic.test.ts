import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { basic } from '../../src/checks/basic.ts'
import { compile, type DenyCase, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const PASSWORD = 'pass:wörd-7f'
const resources = { secrets: { NEW: PASSWORD, OLD: 'previous', LATE: 'late' } }
const config = {
  users: [
    { name: 'kb', password: { env: 'NEW' }, expires: '2027-03-01' },
    { name: 'kb', password: { env: 'OLD' } },
    { name: 'späť', password: { env: 'LATE' }, expires: '2026-11-23' },
  ],
}
const encode = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`
const of = (...values: string[]) => ({ headers: { Authorization: values } })
const refused = (
  name: string,
  code: keyof typeof basic.denials,
  values: readonly string[],
  evidence: object = {},
): DenyCase<typeof code> => ({ name, code, config, resources, request: of(...values), evidence: { ...evidence } })

testCheck(basic, {
  allows: [
    {
      name: 'a user with a password that holds ":" and an umlaut',
      config,
      resources,
      request: of(encode(`kb:${PASSWORD}`)),
      adds: { principal: 'kb', principalBy: 'basic', keyName: 'kb' },
    },
    { name: 'the same in decomposed form', config, resources, request: of(encode(`kb:${PASSWORD.normalize('NFD')}`)) },
    { name: 'the old password beside the new one', config, resources, request: of(encode('kb:previous')) },
    { name: 'the scheme in any case', config, resources, request: of(encode('kb:previous').replace('Basic', 'bAsIC')) },
  ],
  denies: [
    refused('no header', 'basic.missing', []),
    refused('another scheme', 'basic.missing', ['Bearer abc'], { because: 'another scheme than Basic' }),
    refused('the header twice', 'basic.malformed', [encode('kb:previous'), encode('kb:previous')]),
    refused('nothing after "Basic"', 'basic.malformed', ['Basic']),
    refused('no base64', 'basic.malformed', ['Basic kb:previous']),
    refused('base64 without its padding', 'basic.malformed', [encode('kb:previou').replace(/=+$/, '')]),
    refused('base64 with more after it', 'basic.malformed', [`${encode('kb:previous')} x`]),
    refused('no colon', 'basic.malformed', [encode('kb')], { because: 'it holds no ":"' }),
    refused('Latin-1', 'basic.malformed', [encode(Buffer.from(`kb:${PASSWORD}`, 'latin1'))], {
      because: 'it is not UTF-8',
    }),
    refused('a NUL', 'basic.malformed', [encode('kb:previous\0')]),
    refused('a wrong password', 'basic.wrong', [encode('kb:wrong')], { user: 'kb' }),
    refused('an unknown user', 'basic.wrong', [encode('hunter22:previous')], { 'user-known': false }),
    refused('the password of another user', 'basic.wrong', [encode('kb:late')], { user: 'kb' }),
    refused('name and password split elsewhere', 'basic.wrong', [encode(`kb:pass${PASSWORD.slice(4)}x`)]),
    refused('an empty password', 'basic.wrong', [encode('kb:')]),
    refused('a password past its end', 'basic.expired', [encode('späť:late')], { user: 'späť' }),
  ],
})

describe('basic', () => {
  it('tells the sender the same of an unknown user as of a wrong password', async () => {
    const check = compile(basic, config, fakeResources(resources))
    const [unknown, wrong] = await Promise.all(
      ['nobody:previous', 'kb:wrong'].map(text => check.decide(fakeRequest(of(encode(text))), {})),
    )
    expect({ ...unknown, evidence: undefined }).toEqual({ ...wrong, evidence: undefined })
    expect(inspect([unknown, wrong])).not.toMatch(/nobody|previous|wrong-/)
  })

  it('tells when a password ends', () => {
    const world = fakeResources(resources)
    compile(basic, config, world)
    expect(world.expiries.map(({ kind, name }) => [kind, name])).toEqual([
      ['secret', 'test-route/basic/kb'],
      ['secret', 'test-route/basic/späť'],
    ])
  })
})
