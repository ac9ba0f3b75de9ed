import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../../src/core/clock.ts'
import type { AlertRule } from '../../../src/observe/alerts/config.ts'
import { Deltas } from '../../../src/observe/alerts/deltas.ts'
import type { AlertMessage } from '../../../src/observe/alerts/message.ts'
import { AlertWatch } from '../../../src/observe/alerts/watch.ts'
import type { BridgeReading } from '../../../src/observe/bridge-metrics.ts'
import type { ExpiryReading } from '../../../src/observe/expiry.ts'
import { RouteCounters } from '../../../src/observe/route-counters.ts'
import { auditRecord } from '../audit-record.ts'

const START = Date.parse('2026-11-24T10:00:00Z') // a Tuesday
const SECOND = 1000
const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000

/** A gate of two routes whose clock and counters the test moves. */
function gate(...rules: AlertRule[]) {
  const clock = frozenClock(START)
  const routes = new Map([
    ['github', new RouteCounters()],
    ['stripe', new RouteCounters()],
  ])
  const watch = new AlertWatch()
  const deltas = new Deltas()
  let breakers: Pick<BridgeReading, 'route' | 'breaker'>[] = []
  let expiries: ExpiryReading[] = []
  const told: AlertMessage[] = []
  const names = () => new Set(routes.keys())
  watch.update(rules, names(), clock.now())
  deltas.take(routes)

  function look(): AlertMessage[] {
    const messages = watch.look({
      now: clock.now(),
      monotonic: clock.monotonic(),
      moved: deltas.take(routes),
      expiries: () => expiries,
      breakers: () => breakers,
    })
    told.push(...messages)
    return messages
  }
  const add = (route: string, times: number, record: Parameters<typeof auditRecord>[0]): void => {
    for (let i = 0; i < times; i++) routes.get(route)?.add(auditRecord({ route, ...record }), clock.now())
  }
  return {
    told,
    clock,
    watch,
    routes,
    look,
    update: (next: AlertRule[]) => watch.update(next, names(), clock.now()),
    accept: (route: string, times = 1) => add(route, times, {}),
    refuse: (route: string, times = 1, code = 'signature.mismatch') =>
      add(route, times, { outcome: 'refused', code, status: 401 }),
    fail: (route: string, times = 1, code = 'forward.unreachable') =>
      add(route, times, { outcome: 'failed', code, status: 502 }),
    answer: (route: string, status: number) => add(route, 1, { status }),
    breakers: (state: 'closed' | 'half-open' | 'open') => {
      breakers = [{ route: 'stripe', breaker: state }]
    },
    expires: (...next: ExpiryReading[]) => {
      expiries = next
    },
    /** Goes on, looking at every step; what happens at each step may be given. */
    pass(ms: number, step = 10 * SECOND, each: () => void = () => undefined): AlertMessage[] {
      const from = told.length
      for (let gone = 0; gone < ms; gone += step) {
        clock.advance(step)
        each()
        look()
      }
      return told.slice(from)
    },
  }
}

const said = (messages: readonly AlertMessage[]) => messages.map(({ phase, what }) => `${phase}: ${what}`)

describe('refused', () => {
  const rule: AlertRule = { refused: { over: 0.2, 'of-at-least': 10, within: 5 * MINUTE } }

  it('starts above the share and not at it, with the codes', () => {
    const { accept, refuse, look } = gate(rule)
    accept('github', 8)
    refuse('github', 2)
    expect(look()).toEqual([])
    refuse('github', 1, 'schema.invalid')
    const [message, ...others] = look()
    expect(others).toEqual([])
    expect(message).toMatchObject({
      phase: 'started',
      rule: 'refused',
      route: 'github',
      what: 'route github refuses 27.3 % of its requests',
      evidence: '3 of 11 in the last 5 m: 2 signature.mismatch, 1 schema.invalid',
      startedAt: START,
    })
    expect(look()).toEqual([])
  })

  it('tells nothing of fewer requests than it needs', () => {
    const { refuse, look } = gate(rule)
    refuse('github', 9)
    expect(look()).toEqual([])
    refuse('github', 1)
    expect(look()).toHaveLength(1)
  })

  it('ends a minute after it was last so', () => {
    const { refuse, look, pass, clock } = gate(rule)
    refuse('github', 10)
    look()
    expect(pass(5 * MINUTE + 40 * SECOND)).toEqual([])
    const [message] = pass(10 * SECOND)
    expect(message).toMatchObject({
      phase: 'ended',
      what: 'route github no longer refuses more than 20 % of its requests',
      startedAt: START,
      endedAt: clock.now(),
    })
    expect(message?.evidence).toBeUndefined()
  })

  it('looks back over its window only', () => {
    const { accept, refuse, look, pass } = gate(rule)
    accept('github', 100)
    look()
    pass(4 * MINUTE)
    refuse('github', 12)
    expect(look()).toEqual([])
    // The 100 are out of the window a minute later, and the 12 are all that is left.
    expect(said(pass(MINUTE))).toEqual(['started: route github refuses 100 % of its requests'])
  })

  it('tells each route apart, and is limited to those it names', () => {
    const { refuse, look } = gate({ refused: { over: 0.2, 'of-at-least': 1, within: MINUTE, routes: ['stripe'] } })
    refuse('github', 5)
    refuse('stripe', 5)
    expect(look().map(({ route }) => route)).toEqual(['stripe'])
  })

  it('tells less and less of what comes and goes', () => {
    const { refuse, accept, pass, told } = gate({ refused: { over: 0.5, 'of-at-least': 1, within: MINUTE } })
    let round = 0
    // Three minutes refused, three minutes well, for twelve hours: 120 rounds.
    pass(12 * HOUR, 30 * SECOND, () => {
      if (Math.floor(round++ / 6) % 2 === 0) refuse('github', 5)
      else accept('github', 5)
    })
    expect(told.length).toBeGreaterThan(2)
    expect(told.length).toBeLessThanOrEqual(8)
    expect(told.filter(({ phase }) => phase === 'started').length).toBe(
      told.filter(({ phase }) => phase === 'ended').length + 1,
    )
  })
})

describe('upstream-refusing', () => {
  const rule: AlertRule = { 'upstream-refusing': { over: 0.2, 'of-at-least': 10, within: 5 * MINUTE } }

  it('tells what share of what it was sent an upstream answered with a 4xx, and when that is over', () => {
    const { look, accept, answer, clock, pass } = gate(rule)
    accept('github', 7)
    answer('github', 401)
    answer('github', 401)
    answer('github', 422)
    clock.advance(SECOND)
    const [started] = look()
    expect(started).toMatchObject({
      phase: 'started',
      route: 'github',
      what: 'the upstream of route github refuses 30 % of what it is sent',
      evidence: '3 of 10 in the last 5 m: 2 401, 1 422',
    })
    expect(said(pass(10 * MINUTE, 10 * SECOND, () => accept('github')))).toEqual([
      'ended: the upstream of route github no longer refuses more than 20 % of what it is sent',
    ])
  })

  it('leaves out what the gate itself refused, what failed, and answers of 5xx', () => {
    const { look, accept, answer, refuse, fail, clock } = gate(rule)
    accept('github', 9)
    answer('github', 404)
    refuse('github', 20)
    fail('github', 20)
    for (let i = 0; i < 20; i++) answer('github', 503)
    clock.advance(SECOND)
    expect(look()).toEqual([])
  })

  it('keeps counting over a route that went and came again', () => {
    const { look, routes, answer, accept, clock } = gate(rule)
    accept('github', 100)
    clock.advance(SECOND)
    look()
    routes.set('github', new RouteCounters())
    for (let i = 0; i < 12; i++) answer('github', 403)
    clock.advance(SECOND)
    expect(look()).toEqual([])
    for (let i = 0; i < 20; i++) answer('github', 403)
    clock.advance(SECOND)
    expect(said(look())).toEqual(['started: the upstream of route github refuses 24.2 % of what it is sent'])
  })
})

describe('upstream-failing', () => {
  const rule: AlertRule = { 'upstream-failing': { for: MINUTE } }

  it('starts once nothing has got through for the time, and ends once something does', () => {
    const { fail, pass, accept, clock } = gate(rule)
    fail('github', 2)
    expect(pass(10 * SECOND)).toEqual([])
    const failedAt = clock.now()
    expect(pass(50 * SECOND, 10 * SECOND, () => fail('github'))).toEqual([])
    const [message] = pass(10 * SECOND)
    expect(message).toMatchObject({
      what: 'the upstream of route github has taken nothing for 60 s',
      evidence: `since ${new Date(failedAt).toISOString().slice(0, 19)}Z failed: 7 forward.unreachable`,
    })
    accept('github')
    expect(pass(50 * SECOND)).toEqual([])
    expect(said(pass(10 * SECOND))).toEqual(['ended: the upstream of route github takes requests again'])
  })

  it('does not start where anything gets through between', () => {
    const { fail, accept, pass } = gate(rule)
    let round = 0
    expect(pass(10 * MINUTE, 10 * SECOND, () => (round++ % 4 === 0 ? accept('github') : fail('github')))).toEqual([])
  })

  it('takes answers of 500 and above for failures, and no others', () => {
    const { answer, pass } = gate(rule)
    expect(pass(3 * MINUTE, 10 * SECOND, () => answer('stripe', 422))).toEqual([])
    const [message] = pass(3 * MINUTE, 10 * SECOND, () => answer('github', 503))
    expect(message?.evidence).toMatch(/7 5xx$/)
  })

  it("leaves out the gate's own pace and refusals", () => {
    const { fail, refuse, pass } = gate(rule)
    const each = () => {
      fail('github', 1, 'forward.paced')
      fail('github', 1, 'gateway.fault')
      refuse('github')
    }
    expect(pass(5 * MINUTE, 10 * SECOND, each)).toEqual([])
  })
})

describe('silent', () => {
  const rule: AlertRule = { silent: { for: 30 * MINUTE } }

  it('starts once a route of a steady rhythm has been silent, and ends with the first request', () => {
    const { accept, pass, look } = gate(rule)
    expect(pass(2 * HOUR + MINUTE, MINUTE, () => accept('github'))).toEqual([])
    expect(pass(29 * MINUTE, MINUTE)).toEqual([])
    const [message] = pass(MINUTE, MINUTE)
    expect(message).toMatchObject({ what: 'route github has let in nothing for 30 m', route: 'github' })
    expect(message?.evidence).toMatch(/^in each 30 m before, it heard (2\d|3\d) or more$/)
    expect(pass(5 * HOUR, MINUTE)).toEqual([])
    accept('github')
    expect(said(look())).toEqual(['ended: route github hears something again'])
  })

  it('tells nothing of a route that has no rhythm yet, or a slow one', () => {
    const young = gate(rule)
    young.pass(80 * MINUTE, MINUTE, () => young.accept('github'))
    expect(young.pass(3 * HOUR, MINUTE)).toEqual([])
    const slow = gate(rule)
    slow.pass(5 * HOUR, 15 * MINUTE, () => slow.accept('github'))
    expect(slow.pass(3 * HOUR, MINUTE)).toEqual([])
  })

  it('does not take what it refuses for something heard', () => {
    const { accept, refuse, pass } = gate(rule)
    pass(3 * HOUR, MINUTE, () => accept('github'))
    expect(pass(30 * MINUTE, MINUTE, () => refuse('github'))).toHaveLength(1)
  })

  /** Requests every minute from 8 to 18 UTC on weekdays. */
  const office = (at: number): boolean => {
    const day = new Date(at).getUTCDay()
    const hour = new Date(at).getUTCHours()
    return day > 0 && day < 6 && hour >= 8 && hour < 18
  }

  it('knows nights after a day, and weekends after a week', () => {
    const { accept, pass, clock, told } = gate(rule)
    const each = () => office(clock.now()) && accept('github')
    // The first evening and the first Saturday are new to it.
    pass(7 * DAY + HOUR, MINUTE, each)
    expect(
      told.filter(({ phase }) => phase === 'started').map(({ startedAt }) => new Date(startedAt).toISOString()),
    ).toEqual(['2026-11-24T18:29:00.000Z', expect.stringMatching(/^2026-11-28T08:/)])
    const before = told.length
    pass(14 * DAY, 5 * MINUTE, each)
    expect(told.slice(before)).toEqual([])
  }, 60_000)

  it('tells of a Monday morning that stays silent', () => {
    const { accept, pass, clock, told } = gate(rule)
    const each = () => office(clock.now()) && accept('github')
    // Until Monday, December 7, 00:00.
    pass(12 * DAY + 14 * HOUR, MINUTE, each)
    const before = told.length
    pass(10 * HOUR, MINUTE)
    expect(told.slice(before)).toMatchObject([
      { phase: 'started', evidence: expect.stringMatching(/^in the same 30 m a week ago it heard \d+ or more$/) },
    ])
  }, 60_000)
})

describe('expires', () => {
  const rule: AlertRule = { expires: { within: 7 * DAY } }
  const token = (seconds: number): ExpiryReading => ({ kind: 'token', name: 'github/bearer/kb-sync', seconds })

  it('starts within the time, once', () => {
    const { expires, look } = gate(rule)
    expires(token(7 * 86_400 + 1))
    expect(look()).toEqual([])
    expires(token(3 * 86_400))
    expect(look()).toMatchObject([
      { what: 'the token github/bearer/kb-sync ends in 3 d', evidence: 'its end is 2026-11-27T10:00:00Z' },
    ])
    expires(token(-5))
    expect(look()).toEqual([])
  })

  it('ends once it is replaced', () => {
    const { expires, look } = gate(rule)
    expires(token(60))
    look()
    expires(token(90 * 86_400))
    expect(said(look())).toEqual(['ended: the token github/bearer/kb-sync has been replaced or taken out'])
  })

  it('tells of a CRL only once it has ended', () => {
    const { expires, look } = gate(rule)
    expires({ kind: 'crl', name: 'ca.crl', seconds: 60 })
    expect(look()).toEqual([])
    expires({ kind: 'crl', name: 'ca.crl', seconds: -1 })
    expect(said(look())).toEqual(['started: the crl ca.crl has ended'])
  })

  it('tells of what the gate renews by itself once that is overdue, and where it says why', () => {
    const { expires, look } = gate(rule)
    const certificate = (days: number, renewedBefore: number): ExpiryReading => ({
      kind: 'certificate',
      name: 'acme/hooks.example.com.pem',
      seconds: days * 86_400,
      renewedBefore: renewedBefore * 86_400,
    })
    // One that lives for six days ends within seven, always.
    expires(certificate(6, 2))
    expect(look()).toEqual([])
    expires(certificate(1.1, 2))
    expect(look()).toEqual([])
    expires(certificate(1, 2))
    const [message] = look()
    expect(message).toMatchObject({ what: 'the certificate acme/hooks.example.com.pem ends in 24 h' })
    expect(message?.mend).toBe('"certificate not obtained" in the log says why it was not renewed.')
    expires(certificate(90, 30))
    expect(look()).toMatchObject([{ phase: 'ended' }])
    expires(certificate(7.1, 30))
    expect(look()).toEqual([])
    expires(certificate(7, 30))
    expect(look()).toMatchObject([{ phase: 'started' }])
  })

  it('tells of what others renew once that is overdue, where it always ends within the time asked for', () => {
    const { expires, look } = gate(rule)
    const certificate = (days: number, lifetime: number): ExpiryReading => ({
      kind: 'certificate',
      name: 'server.crt',
      seconds: days * 86_400,
      lifetime: lifetime * 86_400,
    })
    for (const [days, lifetime] of [
      [1, 1],
      [0.2, 1],
      [6, 6],
      [1.1, 6],
      [7.1, 90],
      [7.1, 30],
      [3.6, 21],
    ] as const) {
      expires(certificate(days, lifetime))
      expect(look(), `${days} of ${lifetime} days`).toEqual([])
    }
    for (const [days, lifetime] of [
      [0.16, 1],
      [0.99, 6],
      [7, 90],
      [7, 22],
      [3.5, 21],
    ] as const) {
      expires(certificate(days, lifetime))
      expect(look(), `${days} of ${lifetime} days`).toMatchObject([{ phase: 'started' }])
      expires(certificate(400, 500))
      expect(look()).toMatchObject([{ phase: 'ended' }])
    }
  })

  it('leaves out what belongs to no route that it names', () => {
    const { expires, look } = gate({ expires: { within: 7 * DAY, routes: ['github'] } })
    expires(
      token(60),
      { kind: 'token', name: 'github-old/bearer/x', seconds: 60 },
      { kind: 'certificate', name: 'server.crt', seconds: 60 },
    )
    expect(look()).toMatchObject([{ subject: 'token github/bearer/kb-sync', route: 'github' }])
  })
})

describe('breaker', () => {
  it('starts when it opens, and ends a minute after it has closed', () => {
    const { breakers, pass } = gate({ breaker: {} })
    breakers('closed')
    expect(pass(MINUTE)).toEqual([])
    breakers('open')
    expect(said(pass(10 * SECOND))).toEqual(['started: the breaker of route stripe has opened'])
    breakers('half-open')
    expect(pass(5 * MINUTE)).toEqual([])
    breakers('closed')
    expect(pass(50 * SECOND)).toEqual([])
    expect(said(pass(10 * SECOND))).toEqual(['ended: the breaker of route stripe is closed again'])
  })
})

describe('a reload', () => {
  const rule = (over: number): AlertRule => ({ refused: { over, 'of-at-least': 1, within: MINUTE } })

  it('keeps what the same rule has told', () => {
    const { refuse, look, update, pass } = gate(rule(0.2))
    refuse('github', 5)
    expect(look()).toHaveLength(1)
    expect(update([{ breaker: {} }, rule(0.2)])).toEqual([])
    expect(look()).toEqual([])
    expect(said(pass(2 * MINUTE))).toEqual(['ended: route github no longer refuses more than 20 % of its requests'])
  })

  it('ends what a rule or a route that is gone has told', () => {
    const { refuse, look, update, routes } = gate(rule(0.2))
    refuse('github', 5)
    refuse('stripe', 5)
    look()
    routes.delete('github')
    expect(said(update([rule(0.2)]))).toEqual([
      'ended: the route is no longer in the config (route github refuses 100 % of its requests)',
    ])
    expect(said(update([rule(0.3)]))).toEqual([
      'ended: the rule is no longer in the config (route stripe refuses 100 % of its requests)',
    ])
  })

  it('counts a route that comes again from nothing', () => {
    const { refuse, look, routes, update } = gate(rule(0.2))
    refuse('github', 50)
    look()
    routes.set('github', new RouteCounters())
    update([rule(0.2)])
    expect(look()).toEqual([])
  })
})
