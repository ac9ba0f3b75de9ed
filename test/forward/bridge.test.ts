import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Breaker } from '../../src/forward/breaker.ts'
import { Bridge, type BridgeParts } from '../../src/forward/bridge.ts'
import type { Outbound } from '../../src/forward/normalise.ts'
import { retryConfig } from '../../src/forward/pace-config.ts'
import { quietOf } from '../../src/forward/receiver-limits.ts'
import { Retry } from '../../src/forward/retry.ts'
import { systemTiming } from '../../src/forward/timing.ts'
import { Turnstile, type TurnstileSettings } from '../../src/forward/turnstile.ts'
import { Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'
import { LocalLedger } from '../../src/store/local-ledger.ts'
import { freePort } from '../support/ports.ts'
import { compressed, virtualTiming } from '../support/timing.ts'

/** Bridge requests against a receiver with a limit; 10000 take a minute. */
const PACED = Number(process.env.SALLYPORT_PACED_REQUESTS ?? 300)

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

type Answer = (req: IncomingMessage, res: ServerResponse, count: number) => void

async function serve(answer: Answer, port = 0): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = []
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      seen.push(req)
      answer(req, res, seen.length)
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const settings = (some: Partial<TurnstileSettings>): TurnstileSettings => ({
  rate: undefined,
  burst: some.rate?.count ?? 1,
  concurrency: Number.POSITIVE_INFINITY,
  maxWait: 10_000,
  maxQueue: 1_000,
  ...some,
})

function bridgeTo(url: string, some: Partial<BridgeParts> = {}): Bridge {
  const upstream = new Upstream(url, { connect: 500, response: 2_000 })
  open.push(() => upstream.destroy())
  return new Bridge({
    upstream,
    credentials: [],
    shaper: undefined,
    turnstile: undefined,
    breaker: undefined,
    retry: undefined,
    patience: 10_000,
    timing: systemTiming,
    counts: { retries: 0 },
    ...some,
  })
}

const post: Outbound = { id: 'ID1', method: 'POST', path: '/', headers: [], body: Buffer.from('{}') }
const get: Outbound = { id: 'ID2', method: 'GET', path: '/', headers: [], body: undefined }
const brief = (result: UpstreamResult) => (result.ok ? result.status : result.code)
const retryAfter = (result: UpstreamResult) => (result.ok ? undefined : Number(result.headers?.[0]?.[1]))

describe('a pace', () => {
  it(`of 60/min is never exceeded: of ${PACED} requests a receiver that counts strictly refuses none`, async () => {
    const factor = 1_000
    const timing = compressed(factor)
    const arrivals: number[] = []
    let refused = 0
    let together = 0
    const { url, seen } = await serve((_req, res) => {
      const now = timing.monotonic()
      // Any sixty seconds, not only those of the clock on the wall.
      if (arrivals.length >= 60 && now - (arrivals.at(-60) ?? 0) < 60_000) refused++
      together = Math.max(together, arrivals.filter(at => now - at < 500).length + 1)
      arrivals.push(now)
      // Some answers take long, so that what comes behind them overtakes.
      setTimeout(() => res.writeHead(refused > 0 ? 429 : 200).end(), Math.random() * 8)
    })
    const rate = { count: 60, periodMs: 60_000 }
    const turnstile = new Turnstile(
      settings({ rate, burst: 10, maxWait: 1e9, maxQueue: PACED }),
      new LocalLedger(),
      timing,
    )
    const bridge = bridgeTo(url, { turnstile, timing })
    const began = timing.monotonic()
    const results = await Promise.all(Array.from({ length: PACED }, () => bridge.send(post)))
    const minutes = (timing.monotonic() - began) / 60_000
    expect(refused).toBe(0)
    expect(results.every(result => result.ok && result.status === 200)).toBe(true)
    expect(seen.length).toBe(PACED)
    expect(minutes).toBeGreaterThan((PACED - 70) / 60)
  }, 120_000)

  it('is made full use of: a thousand requests take hardly longer than the limit demands', async () => {
    const virtual = virtualTiming()
    const rate = { count: 60, periodMs: 60_000 }
    const turnstile = new Turnstile(
      settings({ rate, burst: 10, maxWait: 1e9, maxQueue: 1_000 }),
      new LocalLedger(),
      virtual,
    )
    const sent: number[] = []
    const all = Array.from({ length: 1_000 }, async () => {
      const turn = await turnstile.enter()
      if (!turn.ok) throw new Error(turn.message)
      sent.push(virtual.monotonic())
      virtual.after(200, () => turn.end(true))
    })
    await virtual.run(Promise.all(all))
    expect(sent.length).toBe(1_000)
    for (let i = 60; i < sent.length; i++) expect((sent[i] ?? 0) - (sent[i - 60] ?? 0)).toBeGreaterThan(60_000)
    expect((sent.at(-1) ?? 0) / 60_000).toBeLessThan((1_000 / 60) * 1.01)
  })

  it('lets a burst go at once, the rest in their order, and says how long each waited', async () => {
    const order: string[] = []
    const { url } = await serve((req, res) => {
      order.push(String(req.url))
      res.end()
    })
    const rate = { count: 20, periodMs: 1_000 }
    const bridge = bridgeTo(url, {
      turnstile: new Turnstile(settings({ rate, burst: 5 }), new LocalLedger(), systemTiming),
    })
    const all = Array.from({ length: 12 }, (_, i) => bridge.send({ ...get, path: `/${i}` }))
    const results = await Promise.all(all)
    const waits = results.map(({ trail }) => trail?.queuedMs ?? -1)
    expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0])
    expect(waits[11]).toBeGreaterThan(300)
    expect(order.slice(5)).toEqual(['/5', '/6', '/7', '/8', '/9', '/10', '/11'])
  })

  it('refuses with Retry-After what waits too long, what can not come in time, and what finds the queue full', async () => {
    const { url, seen } = await serve((_req, res) => res.end())
    const rate = { count: 1, periodMs: 60_000 }
    const bridge = (some: Partial<TurnstileSettings>) =>
      bridgeTo(url, { turnstile: new Turnstile(settings({ rate, ...some }), new LocalLedger(), systemTiming) })
    const slow = bridge({ maxWait: 100 })
    expect(brief(await slow.send(post))).toBe(200)
    const late = await slow.send(post)
    expect([brief(late), !late.ok && late.message]).toEqual(['forward.paced', 'its turn did not come within 100 ms'])
    expect(retryAfter(late)).toBeGreaterThan(58)
    const full = bridge({ maxWait: 200, maxQueue: 0 })
    await full.send(post)
    expect(await full.send(post)).toMatchObject({
      code: 'forward.paced',
      message: '0 requests wait already',
      unsent: true,
    })
    const hopeless = bridge({ maxWait: 5_000, rate: { count: 60, periodMs: 60_000 }, burst: 1 })
    const began = performance.now()
    const many = await Promise.all(Array.from({ length: 200 }, () => hopeless.send(post)))
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(many.filter(result => result.ok).length).toBeLessThanOrEqual(6)
    expect(seen.length).toBeLessThanOrEqual(9)
  })

  it('is shared by routes that keep one ledger, and wakes all of them', async () => {
    const { url, seen } = await serve((_req, res) => res.end())
    const ledger = new LocalLedger()
    const rate = { count: 10, periodMs: 400 }
    const [a, b] = [1, 2].map(() =>
      bridgeTo(url, { turnstile: new Turnstile(settings({ rate, burst: 10 }), ledger, systemTiming) }),
    )
    const began = performance.now()
    await Promise.all(Array.from({ length: 15 }, () => [a?.send(post), b?.send(post)]).flat())
    expect(seen.length).toBe(30)
    expect(performance.now() - began).toBeGreaterThan(800)
  })

  it('counts nothing that was never sent', async () => {
    const ledger = new LocalLedger()
    const turnstile = new Turnstile(
      settings({ rate: { count: 2, periodMs: 60_000 }, maxWait: 50 }),
      ledger,
      systemTiming,
    )
    const port = await freePort()
    const nowhere = bridgeTo(`http://127.0.0.1:${port}`, { turnstile })
    for (let i = 0; i < 5; i++) expect(brief(await nowhere.send(post))).toBe('forward.unreachable')
    expect(ledger.counted(systemTiming.monotonic(), 60_000)).toBe(0)
  })

  it('caps what is under way at once', async () => {
    let now = 0
    let most = 0
    const { url } = await serve((_req, res) => {
      most = Math.max(most, ++now)
      setTimeout(() => {
        now--
        res.end(Buffer.alloc(400_000))
      }, 20)
    })
    const bridge = bridgeTo(url, {
      turnstile: new Turnstile(settings({ concurrency: 3 }), new LocalLedger(), systemTiming),
    })
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const result = await bridge.send(get)
        if (result.ok && !Buffer.isBuffer(result.body)) for await (const _chunk of result.body);
      }),
    )
    expect(most).toBe(3)
  })
})

describe('what a receiver says of its limit', () => {
  const NOW = Date.UTC(2026, 10, 24, 10)
  it.each<[number, string[], number]>([
    [429, ['retry-after', '7'], 7_000],
    [503, ['retry-after', 'Tue, 24 Nov 2026 10:00:30 GMT'], 30_000],
    [503, ['retry-after', 'Tue, 24 Nov 2026 09:00:30 GMT'], 0],
    [200, ['retry-after', '7'], 0],
    [429, ['retry-after', 'soon'], 0],
    [429, ['retry-after', '-1'], 0],
    [429, ['retry-after', '999999999'], 86_400_000],
    [200, ['ratelimit', '"default";r=0;t=12'], 12_000],
    [200, ['ratelimit', '"a";r=5;t=90, "b";r=0;t=12'], 12_000],
    [200, ['ratelimit', '"default";r=1;t=12'], 0],
    [200, ['ratelimit', '"default";r=0'], 0],
    [200, ['ratelimit', '"a";r=5;t=90', 'x', 'y', 'ratelimit', '"b";r=0;t=12'], 12_000],
    [200, ['ratelimit', 'limit=5, remaining=0, reset=9'], 9_000],
    [200, ['ratelimit', 'limit=5, remaining=1, reset=9'], 0],
    [200, ['ratelimit', 'limit=5,remaining=0'], 0],
    [200, ['ratelimit-remaining', '0', 'ratelimit-reset', '9'], 9_000],
    [200, ['x-ratelimit-remaining', '0', 'x-ratelimit-reset', String(NOW / 1000 + 20)], 20_000],
    [200, ['x-rate-limit-remaining', '0', 'x-rate-limit-reset', '1.5'], 1_500],
    [200, ['x-ratelimit-remaining', '4', 'x-ratelimit-reset', '9'], 0],
    [200, ['x-ratelimit-remaining', '0', 'x-ratelimit-reset', 'x'], 0],
    [429, ['retry-after', 'soon', 'ratelimit', '"default";r=0;t=5'], 5_000],
    [429, ['retry-after', '2', 'ratelimit', '"default";r=0;t=5'], 5_000],
  ])('%i %j is quiet for %i ms', (status, headers, ms) => {
    expect(quietOf(status, headers, NOW)).toBe(ms)
  })

  it('is kept to by all that comes after', async () => {
    const { url, seen } = await serve((_req, res, count) =>
      count === 1 ? res.writeHead(429, { 'retry-after': '1' }).end() : res.end(),
    )
    const bridge = bridgeTo(url, { turnstile: new Turnstile(settings({}), new LocalLedger(), systemTiming) })
    expect(brief(await bridge.send(post))).toBe(429)
    const began = performance.now()
    expect(brief(await bridge.send(post))).toBe(200)
    expect(performance.now() - began).toBeGreaterThan(990)
    expect(seen.length).toBe(2)
  })

  it('that is longer than anybody waits refuses at once', async () => {
    const { url } = await serve((_req, res) => res.writeHead(429, { 'retry-after': '600' }).end())
    const bridge = bridgeTo(url, { turnstile: new Turnstile(settings({}), new LocalLedger(), systemTiming) })
    await bridge.send(post)
    const refused = await bridge.send(post)
    expect(brief(refused)).toBe('forward.paced')
    expect(retryAfter(refused)).toBeGreaterThan(598)
  })
})

describe('a retry', () => {
  const retry = (some: object = {}) =>
    new Retry(retryConfig.parse({ attempts: 4, backoff: { first: '5ms', max: '20ms' }, ...some }))
  const failing =
    (status: number, times: number): Answer =>
    (_req, res, count) =>
      res.writeHead(count > times ? 200 : status).end()

  it.each<[string, Outbound, number, number]>([
    ['GET', get, 503, 3],
    ['PUT', { ...post, method: 'PUT' }, 502, 3],
    ['DELETE', { ...get, method: 'DELETE' }, 504, 3],
    ['POST after a 429', post, 429, 3],
    ['POST with an idempotency key of the sender', { ...post, headers: ['Idempotency-Key', 'k'] }, 503, 3],
    ['POST', post, 503, 1],
    ['PATCH', { ...post, method: 'PATCH' }, 502, 1],
    ['GET after a status that is not listed', get, 500, 1],
  ])('%s', async (_name, outbound, status, sent) => {
    const { url, seen } = await serve(failing(status, 2))
    const bridge = bridgeTo(url, { retry: retry() })
    const result = await bridge.send(outbound)
    expect([brief(result), seen.length, result.trail?.attempts]).toEqual([sent === 1 ? status : 200, sent, sent])
  })

  it('carries one idempotency key for all attempts', async () => {
    const { url, seen } = await serve(failing(503, 2))
    const bridge = bridgeTo(url, { retry: retry({ 'idempotency-key': 'X-Key' }) })
    expect(brief(await bridge.send(post))).toBe(200)
    expect(seen.map(({ headers }) => headers['x-key'])).toEqual(['ID1', 'ID1', 'ID1'])
    expect(brief(await bridge.send({ ...post, headers: ['x-key', 'own'] }))).toBe(200)
    expect(seen.at(-1)?.headers['x-key']).toBe('own')
  })

  it('ends after as many attempts as are allowed, with the last answer', async () => {
    const { url, seen } = await serve(failing(503, 100))
    const counts = { retries: 0 }
    expect(brief(await bridgeTo(url, { retry: retry(), counts }).send(get))).toBe(503)
    expect([seen.length, counts.retries]).toEqual([4, 3])
  })

  it('of a POST follows where no connection stood', async () => {
    const port = await freePort()
    const bridge = bridgeTo(`http://127.0.0.1:${port}`, {
      retry: retry({ attempts: 20, backoff: { first: '50ms', max: '100ms' } }),
    })
    const sent = bridge.send(post)
    await new Promise(resolve => setTimeout(resolve, 60))
    const { seen } = await serve((_req, res) => res.end(), port)
    const result = await sent
    expect([brief(result), seen.length]).toEqual([200, 1])
    expect(result.trail?.attempts).toBeGreaterThan(1)
  })

  it('ups-001 ups-009: of a request whose connection broke follows only where it is idempotent', async () => {
    const { url, seen } = await serve((_req, res, count) => (count % 2 === 1 ? res.destroy() : res.end()))
    const bridge = bridgeTo(url, { retry: retry() })
    expect(brief(await bridge.send(post))).toBe('forward.unreachable')
    expect(seen.length).toBe(1)
    expect(brief(await bridge.send(get))).toBe(200)
    expect(brief(await bridge.send({ ...post, headers: ['idempotency-key', 'k'] }))).toBe(200)
    expect(seen.length).toBe(4)
  })

  it('that is not configured does not happen', async () => {
    const { url, seen } = await serve(failing(503, 1))
    expect(brief(await bridgeTo(url).send(get))).toBe(503)
    expect(seen.length).toBe(1)
  })

  it('waits any time up to a limit that doubles', () => {
    const failed: UpstreamResult = { ok: true, status: 503, headers: [], body: Buffer.alloc(0) }
    const at = (random: number) => {
      const made = new Retry(retryConfig.parse({ attempts: 10, backoff: { first: '250ms', max: '2s' } }), () => random)
      return [1, 2, 3, 4, 5, 9, 10].map(attempt => made.delay(failed, get, attempt))
    }
    expect(at(0)).toEqual([0, 0, 0, 0, 0, 0, undefined])
    expect(at(0.5)).toEqual([125, 250, 500, 1000, 1000, 1000, undefined])
  })

  it('waits as long as the receiver asks, or gives its answer back where that is too long', async () => {
    const { url, seen } = await serve((_req, res, count) =>
      count === 1 ? res.writeHead(429, { 'retry-after': '1' }).end() : res.end(),
    )
    const began = performance.now()
    expect(brief(await bridgeTo(url, { retry: retry() }).send(post))).toBe(200)
    expect(performance.now() - began).toBeGreaterThan(990)
    expect(seen.length).toBe(2)
    const other = await serve((_req, res) => res.writeHead(429, { 'retry-after': '60' }).end())
    expect(brief(await bridgeTo(other.url, { retry: retry() }).send(post))).toBe(429)
    expect(other.seen.length).toBe(1)
  })
})

describe('a breaker', () => {
  const make = () => new Breaker({ failures: 3, within: 1_000, rest: 200 }, systemTiming)
  const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

  it('opens after so many failures, lets one probe through, and closes when that passes', async () => {
    let healthy = false
    let hold: (() => void) | undefined
    const { url, seen } = await serve((_req, res) => {
      if (hold) hold = () => res.end()
      else res.writeHead(healthy ? 200 : 503).end()
    })
    const breaker = make()
    const bridge = bridgeTo(url, { breaker })
    for (let i = 0; i < 3; i++) expect(brief(await bridge.send(post))).toBe(503)
    const refused = await bridge.send(post)
    expect([brief(refused), retryAfter(refused), breaker.state, seen.length]).toEqual([
      'forward.breaker-open',
      1,
      'open',
      3,
    ])
    await pause(220)
    expect(breaker.state).toBe('half-open')
    // The probe fails: it rests again.
    expect(brief(await bridge.send(post))).toBe(503)
    expect(brief(await bridge.send(post))).toBe('forward.breaker-open')
    await pause(220)
    healthy = true
    hold = () => undefined
    const probe = bridge.send(post)
    await expect.poll(() => seen.length).toBe(5)
    const meanwhile = await Promise.all(Array.from({ length: 5 }, () => bridge.send(post)))
    expect(new Set(meanwhile.map(brief))).toEqual(new Set(['forward.breaker-open']))
    const release = hold
    hold = undefined
    release()
    expect(brief(await probe)).toBe(200)
    expect(breaker.state).toBe('closed')
    expect(brief(await bridge.send(post))).toBe(200)
    expect(seen.length).toBe(6)
  })

  it('counts failures of connections too, but neither refusals nor failures long ago', async () => {
    const { url, seen } = await serve((_req, res, count) => res.writeHead([400, 429, 500, 503][count % 4] ?? 200).end())
    const mixed = bridgeTo(url, { breaker: new Breaker({ failures: 3, within: 60_000, rest: 200 }, systemTiming) })
    for (let i = 0; i < 11; i++) await mixed.send(get)
    expect(brief(await mixed.send(get))).toBe('forward.breaker-open')
    expect(seen.length).toBe(11)
    const port = await freePort()
    const dead = bridgeTo(`http://127.0.0.1:${port}`, { breaker: make() })
    for (let i = 0; i < 3; i++) expect(brief(await dead.send(post))).toBe('forward.unreachable')
    expect(brief(await dead.send(post))).toBe('forward.breaker-open')
    const slow = bridgeTo(`http://127.0.0.1:${port}`, {
      breaker: new Breaker({ failures: 2, within: 50, rest: 200 }, systemTiming),
    })
    for (let i = 0; i < 4; i++) {
      expect(brief(await slow.send(post))).toBe('forward.unreachable')
      await pause(80)
    }
  })

  it('that opens while requests wait for their turn sends none of them, and counts none', async () => {
    const { url, seen } = await serve((_req, res) => res.writeHead(503).end())
    const rate = { count: 30, periodMs: 1_000 }
    const ledger = new LocalLedger()
    const turnstile = new Turnstile(settings({ rate, burst: 1 }), ledger, systemTiming)
    const bridge = bridgeTo(url, { turnstile, breaker: make() })
    const results = await Promise.all(Array.from({ length: 20 }, () => bridge.send(post)))
    expect(results.filter(result => brief(result) === 503).length).toBe(3)
    expect(results.filter(result => brief(result) === 'forward.breaker-open').length).toBe(17)
    expect([seen.length, ledger.counted(systemTiming.monotonic(), 60_000)]).toEqual([3, 3])
  })
})
