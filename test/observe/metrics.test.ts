import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { OTHER_KEYS } from '../../src/observe/route-counters.ts'
import { auditRecord } from './audit-record.ts'

function gate() {
  const metrics = createMetrics({ version: '1.2.3', clock: frozenClock(1_700_000_000_000) })
  metrics.setRoutes([
    { name: 'github', online: true },
    { name: 'stripe', online: false },
  ])
  return metrics
}

/** The value of one series; `undefined` where it is not there. */
async function series(metrics: ReturnType<typeof gate>, name: string): Promise<number | undefined> {
  const line = (await metrics.render()).split('\n').find(each => each.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

describe('metrics', () => {
  it('counts requests by route, outcome and code', async () => {
    const metrics = gate()
    for (let i = 0; i < 3; i++) metrics.record(auditRecord())
    metrics.record(auditRecord({ outcome: 'duplicate' }))
    metrics.record(auditRecord({ outcome: 'failed', code: 'forward.timeout' }))
    metrics.record(auditRecord({ route: undefined, outcome: 'refused', code: 'route.none' }))
    const of = (labels: string) => series(metrics, `sallyport_requests_total{${labels}}`)
    expect(await of('route="github",outcome="forwarded",code=""')).toBe(3)
    expect(await of('route="github",outcome="duplicate",code=""')).toBe(1)
    expect(await of('route="github",outcome="failed",code="forward.timeout"')).toBe(1)
    expect(await of('route="",outcome="refused",code="route.none"')).toBe(1)
    expect(await of('route="stripe",outcome="forwarded",code=""')).toBe(0)
    // A second scrape says the same: reading does not count.
    expect(await of('route="github",outcome="forwarded",code=""')).toBe(3)
  })

  it('counts what upstreams answered by status, also of other workers, and nothing where the sender had gone', async () => {
    const metrics = gate()
    const of = (status: number) =>
      series(metrics, `sallyport_upstream_answers_total{route="github",status="${status}"}`)
    for (const status of [200, 200, 401, 503, 0]) metrics.record(auditRecord({ status }))
    metrics.record(auditRecord({ status: 401, outcome: 'refused', code: 'signature.mismatch' }))
    expect([await of(200), await of(401), await of(503), await of(0)]).toEqual([2, 1, 1, undefined])
    const worker = gate()
    worker.record(auditRecord({ status: 401 }))
    for (const [route, counters] of worker.routes()) {
      const tally = counters.drain()
      if (tally) metrics.merge(route, tally)
    }
    expect(await of(401)).toBe(2)
  })

  it('shows times as cumulative buckets', async () => {
    const metrics = gate()
    for (const totalMs of [0.2, 3, 3, 60_000]) metrics.record(auditRecord({ totalMs, upstreamMs: 0 }))
    const of = (rest: string) => series(metrics, `sallyport_request_seconds${rest}`)
    expect(await of('_bucket{route="github",le="0.0005"}')).toBe(1)
    expect(await of('_bucket{route="github",le="0.005"}')).toBe(3)
    expect(await of('_bucket{route="github",le="30"}')).toBe(3)
    expect(await of('_bucket{route="github",le="+Inf"}')).toBe(4)
    expect(await of('_count{route="github"}')).toBe(4)
    expect(await of('_sum{route="github"}')).toBeCloseTo(60.0062)
    expect(await series(metrics, 'sallyport_upstream_seconds_count{route="github"}')).toBeUndefined()
  })

  it('tells which key verified, and shares one series once there are too many', async () => {
    const metrics = gate()
    metrics.record(auditRecord({ keyName: 'previous' }))
    for (let i = 0; i < 1500; i++) metrics.record(auditRecord({ keyName: `token-${i}` }))
    expect(await series(metrics, 'sallyport_verified_total{route="github",key="previous"}')).toBe(1)
    expect(await series(metrics, `sallyport_verified_total{route="github",key="${OTHER_KEYS}"}`)).toBe(501)
    expect((await metrics.render()).match(/^sallyport_verified_total/gm)).toHaveLength(1001)
  })

  it('adds up bytes', async () => {
    const metrics = gate()
    metrics.record(auditRecord())
    metrics.record(auditRecord())
    expect(await series(metrics, 'sallyport_received_bytes_total{route="github"}')).toBe(2048)
    expect(await series(metrics, 'sallyport_sent_bytes_total{route="github"}')).toBe(34)
  })

  it('never makes a series of a name that no config gave', async () => {
    const metrics = gate()
    for (let i = 0; i < 100; i++) metrics.record(auditRecord({ route: `made-up-${i}` }))
    expect(await metrics.render()).not.toContain('made-up')
  })

  it('keeps a removed route for one reload, so that its last requests count', async () => {
    const metrics = gate()
    metrics.record(auditRecord())
    metrics.setRoutes([{ name: 'stripe', online: true }])
    metrics.record(auditRecord())
    expect(await series(metrics, 'sallyport_requests_total{route="github",outcome="forwarded",code=""}')).toBe(2)
    expect(await series(metrics, 'sallyport_route_online{route="github"}')).toBeUndefined()
    expect(await series(metrics, 'sallyport_route_online{route="stripe"}')).toBe(1)
    metrics.setRoutes([{ name: 'stripe', online: true }])
    expect(await metrics.render()).not.toContain('route="github"')
  })

  it('shows connections, routes, reloads, expiries and the build', async () => {
    const metrics = gate()
    const listener = metrics.listener('public')
    listener.connections += 2
    listener.inFlight++
    expect(metrics.listener('public')).toBe(listener)
    metrics.reloaded(true)
    metrics.reloaded(false)
    metrics.watchExpiries(() => [
      { kind: 'certificate', name: 'certs/server.crt', seconds: 86_400, lifetime: 518_400 },
      { kind: 'token', name: 'kb/bearer/kb-sync', seconds: 60 },
    ])
    metrics.watchLog(() => 7)
    expect(await series(metrics, 'sallyport_open_connections{listener="public"}')).toBe(2)
    expect(await series(metrics, 'sallyport_requests_in_flight{listener="public"}')).toBe(1)
    expect(await series(metrics, 'sallyport_route_online{route="github"}')).toBe(1)
    expect(await series(metrics, 'sallyport_route_online{route="stripe"}')).toBe(0)
    expect(await series(metrics, 'sallyport_config_reloads_total{result="ok"}')).toBe(1)
    expect(await series(metrics, 'sallyport_config_reloads_total{result="failed"}')).toBe(1)
    expect(await series(metrics, 'sallyport_config_last_reload_successful')).toBe(0)
    expect(await series(metrics, 'sallyport_config_last_reload_success_timestamp_seconds')).toBe(1_700_000_000)
    expect(await series(metrics, 'sallyport_expires_seconds{kind="certificate",name="certs/server.crt"}')).toBe(86_400)
    expect(await series(metrics, 'sallyport_lifetime_seconds{kind="certificate",name="certs/server.crt"}')).toBe(
      518_400,
    )
    // Of what has no begin there is none, and a rule goes by the end alone.
    expect(await metrics.render()).not.toContain('sallyport_lifetime_seconds{kind="token"')
    expect(await series(metrics, 'sallyport_log_lines_dropped_total')).toBe(7)
    expect(await metrics.render()).toContain(`sallyport_build_info{version="1.2.3",node="${process.versions.node}"} 1`)
    metrics.setListeners([])
    expect(await series(metrics, 'sallyport_open_connections{listener="public"}')).toBeUndefined()
  })

  it('shows the process without sampling it', async () => {
    const metrics = gate()
    expect(await series(metrics, 'process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(await series(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
    const started = (await series(metrics, 'process_start_time_seconds')) ?? 0
    expect(Math.abs(Date.now() / 1000 - started)).toBeLessThan(3600)
  })

  it('says help and type once for each name, and every name follows the conventions', async () => {
    const metrics = gate()
    metrics.record(auditRecord())
    const text = await metrics.render()
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(match => [match[1] ?? '', match[2] ?? ''] as const)
    expect(new Set(types.map(([name]) => name)).size).toBe(types.length)
    for (const [name, type] of types) {
      expect(name).toMatch(/^(sallyport|process|nodejs)_[a-z_]+$/)
      expect(name.endsWith('_total'), `${name} is a ${type}`).toBe(type === 'counter')
      expect(text).toContain(`# HELP ${name} `)
    }
  })

  it('escapes what a name holds', async () => {
    const metrics = gate()
    metrics.watchExpiries(() => [{ kind: 'secret', name: 'a"b\\c\nd', seconds: 1 }])
    expect(await metrics.render()).toContain('sallyport_expires_seconds{kind="secret",name="a\\"b\\\\c\\nd"} 1')
  })
})
