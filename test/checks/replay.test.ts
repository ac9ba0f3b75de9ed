import { describe, expect, it } from 'vitest'
import { replay } from '../../src/checks/replay.ts'
import { compile, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const MINUTE = 60_000

testCheck(replay, {
  allows: [
    { name: 'a first event' },
    { name: 'another id', facts: { eventId: 'b' }, before: [{ facts: { eventId: 'a' } }] },
    { name: 'another body', request: { body: 'b' }, before: [{ request: { body: 'a' } }] },
    { name: 'an event that failed before', facts: { eventId: 'a' }, before: [{ outcome: 'not-delivered' }] },
    { name: 'an event after its window', facts: { eventId: 'a' }, before: [{ wait: 10 * MINUTE }] },
    {
      name: "an id that is another partner's too",
      facts: { eventId: 'a', principal: 'acme' },
      before: [{ facts: { eventId: 'a', principal: 'globex' } }],
    },
    { name: 'an id that is like a nonce', facts: { eventId: 'a' }, before: [{ facts: { nonce: 'a' } }] },
  ],
  denies: [
    {
      name: 'an event in flight',
      facts: { eventId: 'a' },
      before: [{ outcome: 'open' }],
      code: 'replay.in-flight',
      evidence: { 'known-by': 'event id' },
    },
    {
      name: 'an event that there is no room for',
      facts: { eventId: 'b' },
      resources: { claims: 1 },
      before: [{ facts: { eventId: 'a' } }],
      code: 'replay.full',
    },
  ],
  replies: [
    { name: 'an id delivered', facts: { eventId: 'a' }, before: [{}], status: 200, reason: 'duplicate' },
    { name: 'a nonce delivered', facts: { nonce: 'a' }, before: [{}], status: 200, reason: 'duplicate' },
    { name: 'a body delivered', request: { body: 'a' }, before: [{}], status: 200, reason: 'duplicate' },
    {
      name: 'the same id with another body',
      facts: { eventId: 'a' },
      request: { body: 'b' },
      before: [{ request: { body: 'a' } }],
      status: 200,
      reason: 'duplicate',
    },
    {
      name: 'an event just inside its window',
      config: { window: '2m' },
      before: [{ wait: 2 * MINUTE - 1 }],
      status: 200,
      reason: 'duplicate',
    },
    {
      name: 'an event past its window, whose signature still verifies',
      config: { window: '1m' },
      facts: { nonce: 'a', verifiesForMs: 5 * MINUTE },
      before: [{ wait: 5 * MINUTE - 1 }],
      status: 200,
      reason: 'duplicate',
    },
  ],
})

describe('replay', () => {
  it('lets exactly one of a hundred copies through', async () => {
    const check = compile(replay)
    const decisions = await Promise.all(
      Array.from({ length: 100 }, async () => check.decide(fakeRequest({ body: 'a' }), {})),
    )
    expect(decisions.filter(decision => decision.ok === true)).toHaveLength(1)
  })

  it('keeps routes apart', async () => {
    const one = fakeResources({ route: 'one' })
    const facts = { eventId: 'a' }
    const first = await compile(replay, {}, one).decide(fakeRequest(), facts)
    expect(first.ok).toBe(true)
    expect((await compile(replay, {}, { ...one, route: 'two' }).decide(fakeRequest(), facts)).ok).toBe(true)
    expect((await compile(replay, {}, one).decide(fakeRequest(), facts)).ok).toBe(false)
  })

  it('works on a store that answers later', async () => {
    const resources = fakeResources()
    const { claims } = resources
    const later = {
      claim: async (key: string, ttlMs: number) => claims.claim(key, ttlMs),
      keep: async (key: string, ttlMs: number) => claims.keep(key, ttlMs),
      release: async (key: string) => claims.release(key),
    }
    const check = compile(replay, {}, { ...resources, claims: later })
    const first = await check.decide(fakeRequest(), {})
    if (first.ok === true) await first.settle?.('delivered')
    expect(await check.decide(fakeRequest(), {})).toMatchObject({
      ok: 'reply',
      headers: [['Sallyport-Duplicate', 'true']],
    })
  })

  it('refuses a window of nothing', () => {
    expect(replay.config.safeParse({ window: '0s' }).success).toBe(false)
  })
})
