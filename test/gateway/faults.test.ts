import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Allow, Outcome } from '../../src/core/decision.ts'
import { forwardConfig } from '../../src/forward/config.ts'
import { planForward } from '../../src/forward/normalise.ts'
import { Upstream } from '../../src/forward/upstream.ts'
import { Capturing } from '../../src/gateway/capturing.ts'
import { Listener } from '../../src/gateway/listener.ts'
import type { AuditRecord } from '../../src/observe/audit.ts'
import { Captures } from '../../src/observe/captures.ts'
import { RouteTable } from '../../src/pipeline/match.ts'
import type { PlacedCheck, Route } from '../../src/pipeline/route.ts'
import { ask } from '../support/client.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

let behind: TestUpstream
let upstream: Upstream
beforeAll(async () => {
  behind = await startUpstream()
  upstream = new Upstream(behind.url, { connect: 1_000, response: 1_000 })
})
afterAll(async () => {
  await upstream.destroy()
  await behind.close()
})

const LIMITS = {
  connections: 10,
  requests: 100,
  head: 5_000,
  request: 5_000,
  idle: 5_000,
  headBytes: 16_384,
  headers: 100,
}

/** A listener with one route, whose one check answers what it is given, request by request. */
async function listen(answers: readonly Allow[]) {
  const left = [...answers]
  const check: PlacedCheck<'head'> = {
    name: 'scripted',
    check: { decide: () => left.shift() ?? { ok: true } },
    denials: {},
  }
  const route: Route = {
    name: 'r',
    methods: new Set(['POST']),
    publicUrl: undefined,
    offline: undefined,
    head: [check],
    body: [],
    content: [],
    limits: { body: 1000, decoded: 1000 },
    stream: false,
    websocket: false,
    plan: planForward('r', undefined, forwardConfig.parse({ to: `${behind.url}/in` })),
    upstream,
  }
  const table = new RouteTable([{ route, host: undefined, path: '/x', prefix: false }])
  const records: AuditRecord[] = []
  const faults: string[] = []
  const listener = new Listener(
    { name: 'l', bind: { host: '127.0.0.1', port: 0 }, trustedProxies: [], limits: LIMITS },
    { table, trusted: undefined, proxies: undefined, maxHeaders: 100, websockets: false },
    undefined,
    {
      clock: systemClock,
      record: record => records.push(record),
      capturing: new Capturing(new Captures(), systemClock),
      fault: where => faults.push(where),
      turnedAway: () => undefined,
    },
  )
  const address = await listener.listen()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ports = new Set<number | undefined>()
  agent.on('free', socket => ports.add(socket.localPort))
  return {
    records,
    faults,
    ports,
    send: () =>
      ask({
        port: typeof address === 'string' ? 0 : address.port,
        path: '/x',
        agent,
        headers: { 'content-type': 'application/json' },
        body: '{}',
      }),
    async close() {
      agent.destroy()
      await listener.drain(0)
    },
  }
}

it('a claim that can not be settled is told, and ends no connection', async () => {
  const settle = () => Promise.reject(new Error('the store is gone'))
  const gate = await listen([{ ok: true, settle }])
  expect((await gate.send()).status).toBe(200)
  await new Promise(resolve => setTimeout(resolve, 20))
  expect((await gate.send()).status).toBe(200)
  expect(gate.ports.size).toBe(1)
  expect(gate.faults).toHaveLength(1)
  await gate.close()
})

it('what can not be forwarded is refused and recorded, and its claim released', async () => {
  const outcomes: Outcome[] = []
  const gate = await listen([
    { ok: true, settle: outcome => void outcomes.push(outcome), facts: JSON.parse('{"eventId":[]}') },
  ])
  const reply = await gate.send()
  expect([reply.status, reply.code]).toEqual([500, 'gateway.fault'])
  expect(outcomes).toEqual(['not-delivered'])
  expect(gate.records).toMatchObject([{ code: 'gateway.fault', status: 500, route: 'r' }])
  expect((await gate.send()).status).toBe(200)
  await gate.close()
})
