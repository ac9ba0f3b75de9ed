import { beforeEach, describe, expect, it } from 'vitest'
import { stageOf } from '../../src/core/check.ts'
import type { Decision } from '../../src/core/decision.ts'
import { any, seen } from './combined.ts'
import { compile, type DenyCase, fakeCertificate, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const resources = { secrets: { TOKEN: 'kb-token', PASSWORD: 'kb-password', SECRET: 'hook-secret' } }
const bearer = { bearer: { tokens: [{ name: 'kb-sync', env: 'TOKEN' }], scopes: ['write'] } }
const reader = { bearer: { tokens: [{ name: 'reader', env: 'TOKEN' }] } }
const basic = { basic: { users: [{ name: 'kb', password: { env: 'PASSWORD' } }] } }
const certificate = { 'client-cert': { allow: [{ dns: 'kb.example.com' }] } }
const office = { 'source-ip': { allow: ['198.51.100.0/24'] } }
const signed = { signature: { provider: 'github', secrets: [{ env: 'SECRET' }] } }
const few = { 'rate-limit': { rate: '1/min', by: 'route' } }
const early = (as: string) => ({ early: { as } })
const late = (as: string, foresees = 'nothing') => ({ late: { as, foresees } })

const password = { headers: { Authorization: `Basic ${Buffer.from('kb:kb-password').toString('base64')}` } }
const token = { headers: { Authorization: 'Bearer kb-token' } }
const refused = (
  name: string,
  code: string,
  config: readonly unknown[],
  more: Partial<DenyCase<string>> = {},
): DenyCase<string> => ({ name, code, config, resources, ...more })

beforeEach(() => {
  seen.length = 0
})

testCheck(any, {
  allows: [
    {
      name: 'what the second admits',
      config: [reader, basic, certificate],
      resources,
      request: password,
      adds: { principal: 'kb', principalBy: 'basic', keyName: 'kb' },
    },
    {
      name: 'what the last admits',
      config: [reader, basic, certificate],
      resources,
      request: { clientCertificate: fakeCertificate({ dns: ['kb.example.com'] }) },
      adds: { principal: 'kb.example.com', principalBy: 'client-cert' },
    },
    {
      name: 'by the first where two admit',
      config: [office, reader],
      resources,
      request: { ...token, source: '198.51.100.7' },
    },
    {
      name: 'with what the one that admits adds to the reply, and that one alone',
      config: [early('deny'), early('allow'), early('allow')],
      headers: { 'X-early': '1' },
    },
    { name: 'by a list in the list', config: [basic, { 'any-of': [office, reader] }], resources, request: token },
    {
      name: 'by all of a list in the list',
      config: [basic, { 'all-of': [office, reader] }],
      resources,
      request: { ...token, source: '198.51.100.7' },
      adds: { principal: 'reader' },
    },
  ],
  denies: [
    refused('a stranger, with every challenge once', 'any-of.none', [reader, basic, basic, certificate, office], {
      headers: {},
      evidence: {
        tried: ['bearer.missing', 'basic.missing', 'basic.missing', 'client-cert.missing', 'source-ip.outside'],
        'client-cert.missing/tls': true,
        'source-ip.outside/source': '192.0.2.1',
      },
    }),
    refused('a wrong password', 'any-of.none', [office, basic], {
      request: { headers: { Authorization: `Basic ${Buffer.from('kb:x').toString('base64')}` } },
      evidence: { 'basic.wrong/user': 'kb' },
      headers: { 'WWW-Authenticate': 'Basic realm="webhooks", charset="UTF-8"' },
    }),
    refused('the same refusal twice, told apart', 'any-of.forbidden', [early('deny'), late('deny')], {
      evidence: { tried: ['early.deny', 'late.deny'], 'early.deny/why': 'as told', 'late.deny/why': 'as told' },
    }),
    refused('one whose address alone counts', 'any-of.forbidden', [office], {
      evidence: { 'source-ip.outside/because': 'not in allow' },
    }),
    refused('a known sender without the scope, under its own code', 'bearer.scope', [bearer, basic], {
      request: token,
      evidence: { tried: ['bearer.scope', 'basic.missing'], 'bearer.scope/lacks': 'write' },
    }),
    refused('too many, with Retry-After', 'rate-limit.exceeded', [basic, few], {
      before: [{}],
      headers: { 'Retry-After': '60' },
      evidence: { tried: ['basic.missing', 'rate-limit.exceeded'] },
    }),
    refused('an unsigned body', 'any-of.none', [signed, basic], {
      evidence: { tried: ['basic.missing', 'signature.missing'] },
    }),
    refused('where one of a list in the list refuses', 'any-of.none', [basic, { 'all-of': [office, reader] }], {
      request: token,
      evidence: { tried: ['basic.missing', 'source-ip.outside'] },
    }),
  ],
  replies: [{ name: 'a challenge', config: [early('deny'), late('reply')], status: 200, reason: 'challenge' }],
})

describe('any-of', () => {
  const of = (...config: readonly unknown[]) => compile(any, config, fakeResources(resources))
  const walk = async (config: readonly unknown[], request = fakeRequest()): Promise<Decision | undefined> => {
    const check = of(...config)
    const foreseen = await check.foresee?.(request, {})
    if (foreseen?.ok === false) return foreseen
    const decision = await check.decide(request, {})
    return foreseen ?? decision
  }

  it('is of the stage of its latest check', () => {
    const stage = (...config: readonly unknown[]) => stageOf(any, any.config.parse(config))
    expect(stage(basic, certificate)).toBe('head')
    expect(stage(basic, signed)).toBe('body')
    expect(stage(basic, { 'all-of': [office, { 'any-of': [signed] }] })).toBe('body')
  })

  it('asks the checks of the head first, and none after one that admits', async () => {
    expect(await walk([late('deny'), early('deny'), early('allow'), early('throw')])).toMatchObject({
      ok: true,
      facts: { principal: 'early' },
    })
    expect(seen).toEqual(['early deny', 'early allow'])
  })

  it('asks each check once, though the head and the body are told apart', async () => {
    expect(await walk([early('deny'), late('allow')])).toMatchObject({ ok: true, facts: { principal: 'late' } })
    expect(seen).toEqual(['early deny', 'late allow'])
  })

  it('refuses before the body where the head tells that none will admit', async () => {
    expect(await walk([late('throw', 'deny'), early('deny')])).toMatchObject({ ok: false, code: 'any-of.forbidden' })
    expect(seen).toEqual(['early deny', 'late foresees deny'])
    const check = of(basic, signed)
    expect(await check.foresee?.(fakeRequest(), {})).toMatchObject({
      code: 'any-of.none',
      headers: [
        ['WWW-Authenticate', 'Basic realm="webhooks", charset="UTF-8"'],
        ['WWW-Authenticate', 'Signature'],
      ],
    })
  })

  it.each([
    ['throws', [early('throw'), early('allow')]],
    ['rejects', [early('reject'), early('allow')]],
    ['throws with the body', [early('deny'), late('throw'), late('allow')]],
    ['throws ahead of the body', [late('allow', 'throw'), late('allow')]],
    ['answers a code that nobody declared', [early('undeclared'), early('allow')]],
    ['claims before the body is read', [early('claim'), late('allow')]],
  ])('does not try the next where a check %s', async (_name, config) => {
    await expect(walk(config)).rejects.toThrow(/broken|undeclared|before the body/)
    expect(seen).not.toContain('early allow')
    expect(seen).not.toContain('late allow')
  })

  it('hands on the claim of the one that admits', async () => {
    const decision = await walk([early('deny'), late('claim')])
    if (decision?.ok !== true) throw new Error('refused')
    await decision.settle?.('delivered')
    expect(seen).toEqual(['early deny', 'late claim', 'late delivered'])
  })

  it('keeps what one request has shown from another', async () => {
    const check = of(basic, late('deny'))
    const known = fakeRequest(password)
    const stranger = fakeRequest()
    expect(await check.foresee?.(known, {})).toMatchObject({ ok: true })
    expect(await check.foresee?.(stranger, {})).toBeUndefined()
    expect(await check.decide(stranger, {})).toMatchObject({ ok: false, code: 'any-of.none' })
    expect(await check.decide(known, {})).toMatchObject({ ok: true })
  })

  it('is offline where one of its checks lacks something', () => {
    expect(() => compile(any, [reader, basic], fakeResources({ secrets: { TOKEN: 'x' } }))).toThrow(
      'PASSWORD is missing',
    )
  })
})
