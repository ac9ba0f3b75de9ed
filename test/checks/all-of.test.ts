import { beforeEach, describe, expect, it } from 'vitest'
import { denialsOf } from '../../src/core/check.ts'
import { all, any, seen } from './combined.ts'
import { compile, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const resources = { secrets: { TOKEN: 'kb-token' } }
const bearer = { bearer: { tokens: [{ name: 'kb-sync', env: 'TOKEN' }] } }
const office = { 'source-ip': { allow: ['198.51.100.0/24'] } }
const early = (as: string) => ({ early: { as } })
const late = (as: string, foresees = 'nothing') => ({ late: { as, foresees } })
const token = { headers: { Authorization: 'Bearer kb-token' } }

beforeEach(() => {
  seen.length = 0
})

testCheck(all, {
  allows: [
    {
      name: 'what each admits',
      config: [office, bearer],
      resources,
      request: { ...token, source: '198.51.100.7' },
      adds: { principal: 'kb-sync', principalBy: 'bearer' },
    },
    {
      name: 'with the principal of the last that names one',
      config: [early('allow'), late('allow')],
      adds: { principal: 'late' },
    },
    {
      name: 'with the headers of each',
      config: [early('allow'), late('allow')],
      headers: { 'X-early': '1', 'X-late': '1' },
    },
  ],
  denies: [
    {
      name: 'what the first refuses, under its code',
      config: [office, bearer],
      resources,
      code: 'source-ip.outside',
      evidence: { source: '192.0.2.1' },
    },
    {
      name: 'what the second refuses',
      config: [office, bearer],
      resources,
      request: { source: '198.51.100.7' },
      code: 'bearer.missing',
    },
    {
      name: 'too many, with Retry-After',
      config: [early('allow'), late('busy')],
      code: 'late.busy',
      headers: { 'Retry-After': '7' },
    },
  ],
})

describe('all-of', () => {
  const of = (...config: readonly unknown[]) => compile(all, config, fakeResources(resources))

  it('can answer every code of its checks', () => {
    const config = all.config.parse([bearer, { 'any-of': [office] }])
    expect(Object.keys(denialsOf(all, config)).sort()).toEqual(
      [
        'any-of.forbidden',
        'any-of.none',
        'bearer.expired',
        'bearer.malformed',
        'bearer.missing',
        'bearer.scope',
        'bearer.unknown',
        'source-ip.outside',
        'source-ip.unready',
      ].sort(),
    )
  })

  it('asks each check once, and refuses before the body where the head tells', async () => {
    const request = fakeRequest()
    const check = of(late('allow'), early('allow'))
    expect(await check.foresee?.(request, {})).toBeUndefined()
    expect(await check.decide(request, {})).toMatchObject({ ok: true })
    expect(seen).toEqual(['early allow', 'late allow'])
    expect(await of(late('allow'), early('deny')).foresee?.(fakeRequest(), {})).toMatchObject({ code: 'early.deny' })
    expect(await of(late('allow', 'deny'), early('allow')).foresee?.(fakeRequest(), {})).toMatchObject({
      code: 'late.deny',
    })
  })

  it.each([
    ['refuses', 'deny', { ok: false, code: 'late.deny' }],
    ['answers itself', 'reply', { ok: 'reply' }],
  ])('lets go of what was claimed where a later check %s', async (_name, as, expected) => {
    expect(await of(late('claim'), late(as)).decide(fakeRequest(), {})).toMatchObject(expected)
    expect(seen).toEqual(['late claim', `late ${as}`, 'late not-delivered'])
  })

  it('lets go of what was claimed where a later check throws, and throws on', async () => {
    await expect(async () => of(late('claim'), late('throw')).decide(fakeRequest(), {})).rejects.toThrow('broken')
    expect(seen).toEqual(['late claim', 'late throw', 'late not-delivered'])
  })

  it('lets go of what was claimed in a list that any-of has tried in vain', async () => {
    const check = compile(any, [{ 'all-of': [late('claim'), late('deny')] }, late('allow')], fakeResources())
    expect(await check.decide(fakeRequest(), {})).toMatchObject({ ok: true })
    expect(seen).toEqual(['late claim', 'late deny', 'late not-delivered', 'late allow'])
  })

  it('settles every claim as the request ended', async () => {
    const decision = await of(late('claim'), early('claim'), late('claim')).decide(fakeRequest(), {})
    if (decision.ok !== true) throw new Error('refused')
    seen.length = 0
    await decision.settle?.('delivered')
    expect(seen.sort()).toEqual(['early delivered', 'late delivered', 'late delivered'])
  })
})
