import { afterAll, describe, expect, it } from 'vitest'
import type { Check, Stage } from '../../src/core/check.ts'
import { ALLOW, type Decision, type DenialSpec, deny, type Facts, type Outcome } from '../../src/core/decision.ts'
import { forwardConfig } from '../../src/forward/config.ts'
import { planForward } from '../../src/forward/normalise.ts'
import { Upstream } from '../../src/forward/upstream.ts'
import type { PlacedCheck, Route } from '../../src/pipeline/route.ts'
import { Walk } from '../../src/pipeline/walk.ts'
import { fakeRequest } from '../checks/fakes.ts'

const SPEC: DenialSpec = { status: 401, title: 'No', meaning: 'It is a test.', remedy: 'None.' }
const upstream = new Upstream('http://127.0.0.1:9', { connect: 100, response: 100 })
afterAll(() => upstream.destroy())

type Decide = (facts: Facts) => Decision | Promise<Decision>

function placed<S extends Stage>(name: string, decide: Decide, foresee?: Check['foresee']): PlacedCheck<S> {
  const check: Check<S> = { decide: (_request, facts) => decide(facts), ...(foresee === undefined ? {} : { foresee }) }
  return { name, check, denials: { [`${name}.no`]: SPEC } }
}

function route(checks: Partial<Pick<Route, 'head' | 'body' | 'content'>>): Route {
  return {
    name: 'r',
    methods: new Set(['POST']),
    publicUrl: undefined,
    offline: undefined,
    head: [],
    body: [],
    content: [],
    ...checks,
    limits: { body: 1000, decoded: 1000 },
    stream: false,
    websocket: false,
    plan: planForward('r', undefined, forwardConfig.parse({ to: 'http://127.0.0.1:9/' })),
    upstream,
  }
}

/** All stages, as the pipeline goes through them. */
async function through(walk: Walk): Promise<string> {
  const request = fakeRequest({ json: {} })
  const head = await walk.head(request)
  if (head) return head.kind === 'reply' ? 'reply' : head.code
  const body = await walk.body(request)
  if (body) return body.kind === 'reply' ? 'reply' : body.code
  const last = await walk.content(request)
  if (!('kind' in last)) return 'verified'
  return last.kind === 'reply' ? 'reply' : last.code
}

/** What no type allows, and a check that was loosely written could answer all the same. */
const untyped = (json: string): Decision => JSON.parse(json)

const FAULTY: readonly (readonly [what: string, decide: Decide])[] = [
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  [
    'throws what is no error',
    () => {
      throw 'text'
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken later'))],
  ['rejects with nothing', () => Promise.reject()],
  ['answers a code that it does not declare', () => deny('faulty.other')],
  ['answers a code that every object has', () => deny('toString')],
  ['answers a code that it does not declare, later', () => Promise.resolve(deny('faulty.other'))],
  ['answers null', () => untyped('null')],
  ['answers null later', () => Promise.resolve(untyped('null'))],
  ['answers a number', () => untyped('1')],
  ['answers an empty object', () => untyped('{}')],
  ['answers "ok" as text', () => untyped('{"ok":"true"}')],
]

describe('a faulty check refuses its request', () => {
  for (const [what, decide] of FAULTY) {
    it.each(['head', 'body', 'content'] as const)(`that ${what}, in the %s`, async stage => {
      const walk = new Walk(route({ [stage]: [placed('first', () => ALLOW), placed('faulty', decide)] }))
      expect(await through(walk)).toBe('gateway.fault')
    })
  }

  it('that throws while it foresees', async () => {
    const foresee = () => {
      throw new Error('broken')
    }
    expect(await through(new Walk(route({ body: [placed('faulty', () => ALLOW, foresee)] })))).toBe('gateway.fault')
  })

  it('that rejects while it foresees', async () => {
    const foresee = () => Promise.reject(new Error('broken later'))
    expect(await through(new Walk(route({ body: [placed('faulty', () => ALLOW, foresee)] })))).toBe('gateway.fault')
  })

  it('and no other: the next request of the same route goes its way', async () => {
    let first = true
    const shared = route({
      head: [
        placed('faulty', () => {
          if (!first) return ALLOW
          first = false
          throw new Error('once')
        }),
      ],
    })
    expect(await through(new Walk(shared))).toBe('gateway.fault')
    expect(await through(new Walk(shared))).toBe('verified')
  })
})

describe('the walk', () => {
  it('ends at the first refusal, and asks nobody after it', async () => {
    const asked: string[] = []
    const step = (name: string, decision: Decision): Decide => {
      return () => {
        asked.push(name)
        return decision
      }
    }
    const walk = new Walk(
      route({
        head: [placed('a', step('a', ALLOW)), placed('b', step('b', deny('b.no'))), placed('c', step('c', ALLOW))],
        body: [placed('d', step('d', ALLOW))],
      }),
    )
    expect(await through(walk)).toBe('b.no')
    expect(asked).toEqual(['a', 'b'])
  })

  it('asks in order, whether a check answers at once or later', async () => {
    const asked: string[] = []
    const now = (name: string) =>
      placed<'head'>(name, () => {
        asked.push(name)
        return ALLOW
      })
    const later = (name: string) =>
      placed<'head'>(name, async () => {
        await new Promise(resolve => setTimeout(resolve, 1))
        asked.push(name)
        return ALLOW
      })
    expect(await through(new Walk(route({ head: [later('a'), now('b'), later('c'), now('d')] })))).toBe('verified')
    expect(asked).toEqual(['a', 'b', 'c', 'd'])
  })

  it('gathers facts by copy: what a check was handed does not change under it', async () => {
    const handed: Facts[] = []
    const keep =
      (facts: Facts): Decide =>
      before => {
        handed.push(before)
        return { ok: true, facts: Object.freeze(facts) }
      }
    const walk = new Walk(
      route({
        head: [placed('a', keep({ principal: 'one', keyName: 'k' })), placed('b', keep({ principal: 'two' }))],
        body: [placed('c', keep({ eventId: 'e' }))],
      }),
    )
    expect(await through(walk)).toBe('verified')
    expect(handed).toEqual([{}, { principal: 'one', keyName: 'k' }, { principal: 'two', keyName: 'k' }])
    expect(walk.facts).toEqual({ principal: 'two', keyName: 'k', eventId: 'e' })
  })

  it('takes what a check of the body foresees, at once or later: its facts count before the body is read', async () => {
    const handed: Facts[] = []
    const known = placed<'body'>(
      'known',
      facts => {
        handed.push(facts)
        return ALLOW
      },
      async () => ({ ok: true, facts: { principal: 'one' } }),
    )
    const next = placed<'body'>(
      'next',
      () => deny('next.no'),
      (_request, facts) => {
        handed.push(facts)
        return deny('next.no')
      },
    )
    const walk = new Walk(route({ body: [known, next] }))
    expect(await walk.head(fakeRequest())).toMatchObject({ kind: 'refusal', code: 'next.no' })
    expect(walk.facts).toEqual({ principal: 'one' })
    expect(handed).toEqual([{ principal: 'one' }])
    expect(await through(new Walk(route({ body: [known] })))).toBe('verified')
  })

  it('lets a check answer in the place of the upstream', async () => {
    const reply: Decision = { ok: 'reply', status: 200, headers: [], body: 'x', reason: 'challenge' }
    expect(await through(new Walk(route({ body: [placed('a', () => reply)] })))).toBe('reply')
  })
})

describe('claims', () => {
  const claiming = (settle: (outcome: Outcome) => void | Promise<void>) =>
    placed<'head'>('claim', () => ({ ok: true, settle }))

  it('are settled with the outcome, also where a later check faults', async () => {
    const outcomes: Outcome[] = []
    const faulty = placed<'head'>('faulty', () => Promise.reject(new Error('broken')))
    const walk = new Walk(route({ head: [claiming(outcome => void outcomes.push(outcome)), faulty] }))
    expect(await through(walk)).toBe('gateway.fault')
    expect(walk.hasSettles).toBe(true)
    await walk.settle('not-delivered')
    expect(outcomes).toEqual(['not-delivered'])
  })

  it('are all settled, though settling one of them fails', async () => {
    const outcomes: string[] = []
    const walk = new Walk(
      route({
        head: [
          claiming(() => {
            throw new Error('at once')
          }),
          claiming(() => Promise.reject(new Error('later'))),
          claiming(outcome => void outcomes.push(outcome)),
        ],
      }),
    )
    expect(await through(walk)).toBe('verified')
    await walk.settle('delivered').catch(() => outcomes.push('told'))
    expect(outcomes).toEqual(['delivered', 'told'])
  })
})
