import { describe, expect, it } from 'vitest'
import { rateLimit } from '../../src/checks/rate-limit.ts'
import { compile, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const config = { rate: '60/min', burst: 2 }
const twice = [{}, {}]

testCheck(rateLimit, {
  allows: [
    {
      name: 'the first',
      config,
      headers: { RateLimit: '"default";r=1;t=1', 'RateLimit-Policy': '"default";q=60;w=60' },
    },
    { name: 'the burst', config, before: [{}], headers: { RateLimit: '"default";r=0;t=2' } },
    { name: 'one more an interval later', config, before: [{}, { wait: 1000 }] },
    { name: 'another source', config, request: { source: '192.0.2.2' }, before: [{ request: {} }, { request: {} }] },
    {
      name: 'the count of the rate at once, by default',
      config: { rate: '3/h' },
      before: twice,
      headers: { RateLimit: '"default";r=0;t=3600' },
    },
    {
      name: 'another principal',
      config: { ...config, by: 'principal' },
      facts: { principal: 'b' },
      before: [{ facts: { principal: 'a' } }, { facts: { principal: 'a' } }],
    },
    {
      name: 'a principal named like an address that is used up',
      config: { ...config, by: 'principal' },
      facts: { principal: '192.0.2.1' },
      before: [{ facts: {} }, { facts: {} }],
    },
    {
      name: 'another header value',
      config: { ...config, by: { header: 'X-Account' } },
      request: { headers: { 'x-account': 'b' } },
      before: [{ request: { headers: { 'X-Account': 'a' } } }, { request: { headers: { 'X-Account': 'a' } } }],
    },
    {
      name: 'another /64',
      config,
      request: { source: '2001:db8:0:1::1' },
      before: [{ request: { source: '2001:db8::1' } }, { request: { source: '2001:db8::1' } }],
    },
  ],
  denies: [
    {
      name: 'one over the burst',
      config,
      before: twice,
      code: 'rate-limit.exceeded',
      evidence: { by: 'source-ip', source: '192.0.2.1', rate: 60, burst: 2, 'retry-after-s': 1 },
      headers: { 'Retry-After': '1', RateLimit: '"default";r=0;t=2', 'RateLimit-Policy': '"default";q=60;w=60' },
    },
    {
      name: 'with whole seconds, rounded up',
      config: { rate: '1/min' },
      before: [{ wait: 500 }],
      code: 'rate-limit.exceeded',
      headers: { 'Retry-After': '60' },
    },
    {
      name: 'every source, by route',
      config: { ...config, by: 'route' },
      request: { source: '198.51.100.1' },
      before: [{ request: {} }, { request: {} }],
      code: 'rate-limit.exceeded',
    },
    {
      name: 'a neighbour in the same /64',
      config,
      request: { source: '2001:db8::ffff:1' },
      before: [{ request: { source: '2001:db8::1' } }, { request: { source: '2001:db8::2' } }],
      code: 'rate-limit.exceeded',
    },
    {
      name: 'a source without the principal',
      config: { ...config, by: 'principal' },
      before: twice,
      code: 'rate-limit.exceeded',
    },
    {
      name: 'a source without the header, or with two of them',
      config: { ...config, by: { header: 'X-Account' } },
      request: { headers: { 'X-Account': ['a', 'b'] } },
      before: [{ request: {} }, { request: { headers: { 'X-Account': ['c', 'd'] } } }],
      code: 'rate-limit.exceeded',
    },
  ],
})

describe('rate-limit', () => {
  it('keeps routes apart, and two limits of one route', async () => {
    const one = fakeResources({ route: 'one' })
    const take = async (given: object, resources: typeof one) =>
      (await compile(rateLimit, given, resources).decide(fakeRequest(), {})).ok
    expect(await take({ rate: '1/h' }, one)).toBe(true)
    expect(await take({ rate: '1/h' }, one)).toBe(false)
    expect(await take({ rate: '1/h' }, { ...one, route: 'two' })).toBe(true)
    expect(await take({ rate: '10/d', burst: 1 }, one)).toBe(true)
    expect(await take({ rate: '1/h', by: 'route' }, one)).toBe(true)
  })

  it('tells each what counts for him, whoever was refused before', async () => {
    const resources = fakeResources()
    const check = compile(rateLimit, { rate: '1/min' }, resources)
    const refused = async (source: string) => {
      const decision = await check.decide(fakeRequest({ source }), {})
      return decision.ok === false ? decision.evidence : undefined
    }
    for (const source of ['192.0.2.1', '192.0.2.2']) expect(await refused(source)).toBeUndefined()
    for (const source of ['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.1'])
      expect(await refused(source)).toMatchObject({ source, 'retry-after-s': 60 })
    resources.clock.advance(20_000)
    expect(await refused('192.0.2.1')).toMatchObject({ source: '192.0.2.1', 'retry-after-s': 40 })
  })

  it('names the principal that was refused', async () => {
    const check = compile(rateLimit, { rate: '1/min', by: 'principal' })
    const refused = async (principal: string) => {
      const decision = await check.decide(fakeRequest(), { principal })
      return decision.ok === false ? decision.evidence : undefined
    }
    for (const principal of ['a', 'b']) expect(await refused(principal)).toBeUndefined()
    for (const principal of ['a', 'b', 'a']) expect(await refused(principal)).toMatchObject({ principal })
  })

  it('works on a store that answers later', async () => {
    const resources = fakeResources()
    const { rates } = resources
    const later = { take: async (key: string, burst: number, ms: number) => rates.take(key, burst, ms) }
    const check = compile(rateLimit, { rate: '1/h' }, { ...resources, rates: later })
    expect(await check.decide(fakeRequest(), {})).toMatchObject({ ok: true })
    expect(await check.decide(fakeRequest(), {})).toMatchObject({ ok: false, code: 'rate-limit.exceeded' })
  })

  it.each([
    {},
    { rate: '0/min' },
    { rate: '60' },
    { rate: '1/min', burst: 0 },
    { rate: '1/min', burst: 1.5 },
    { rate: '1/min', by: 'host' },
    { rate: '1/min', by: { header: 'a b' } },
  ])('refuses %j', given => {
    expect(rateLimit.config.safeParse(given).success).toBe(false)
  })
})
