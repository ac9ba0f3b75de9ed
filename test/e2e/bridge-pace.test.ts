import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

describe('a bridge that keeps the pace', () => {
  let receiver: TestUpstream
  let gate: RunningGate
  let yaml = ''
  let status = 200
  const send = (path: string, more: Partial<Ask> = {}) =>
    ask({ port: gate.port('crm-side'), path, method: 'GET', ...more })

  beforeAll(async () => {
    receiver = await startUpstream((req, res) => {
      const first = receiver.received.filter(({ url }) => url === req.url).length === 1
      if (req.url?.startsWith('/flaky/') && first) res.writeHead(503).end()
      else res.writeHead(status).end('{}')
    })
    const route = (name: string, forward: string) => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, POST] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${receiver.url}/${name}/", ${forward} }`
    yaml = `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0" }
routes:${route('paced', 'pace: { rate: 20/min, burst: 3, max-wait: 500ms, max-queue: 2 }')}${route(
      'flaky',
      'retry: { attempts: 3, backoff: { first: 5ms, max: 20ms }, on: [503] }',
    )}${route('small', 'body: { max: 1KiB }')}${route('broken', 'breaker: { failures: 2, within: 10s, rest: 10s }')}
`
    gate = await startGate(yaml, {}, undefined, 2)
  }, 30_000)
  afterAll(async () => {
    await receiver.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('refuses with its own code and Retry-After, and counts on across a reload', async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, () => send('/paced/x')))
    expect(replies.filter(reply => reply.status === 200).length).toBe(3)
    const paced = replies.filter(reply => reply.status === 503)
    expect(new Set(paced.map(({ code }) => code))).toEqual(new Set(['forward.paced']))
    expect(paced.every(({ headers }) => Number(headers['retry-after']) >= 2)).toBe(true)
    const line = await gate.line(({ code }) => code === 'forward.paced')
    expect(line).toMatchObject({ level: 'error', msg: 'failed', status: 503 })
    expect(JSON.stringify(line.evidence)).toMatch(/waiting|its turn/)
    // Another limit, and the same receiver that has counted three.
    expect(await gate.reload(yaml.replace('burst: 3', 'burst: 4'))).toMatchObject({ msg: 'reloaded' })
    const after = await Promise.all(Array.from({ length: 5 }, () => send('/paced/x')))
    expect(after.filter(reply => reply.status === 200).length).toBeLessThanOrEqual(2)
  })

  it('tells how often it was sent and how long it waited', async () => {
    const path = `/flaky/${randomUUID()}`
    expect((await send(path)).status).toBe(200)
    expect(await gate.line(line => line.path === path)).toMatchObject({ attempts: 2, msg: 'forwarded' })
    const posted = `/flaky/${randomUUID()}`
    const body = { body: '{}', method: 'POST', headers: { 'content-type': 'application/json' } }
    expect((await send(posted, body)).status).toBe(503)
    expect(await gate.line(line => line.path === posted)).not.toHaveProperty('attempts')
  })

  it('tells the sender which members make his body too large', async () => {
    const body = JSON.stringify({ note: 'n'.repeat(2000), 'a"b': 'x'.repeat(100) })
    const reply = await send('/small/x', { body, method: 'POST', headers: { 'content-type': 'application/json' } })
    expect([reply.status, reply.code]).toEqual([413, 'forward.too-large'])
    const problem = JSON.parse(reply.body)
    expect(problem.detail).toBe('The body is 2.1 KiB, the upstream takes 1 KiB. note: 2 KiB, a"b: 102 B.')
    const line = await gate.line(({ code }) => code === 'forward.too-large')
    expect(line.evidence).toMatchObject({ max: '1 KiB', fields: ['note: 2 KiB', 'a"b: 102 B'] })
  })

  it('leaves alone what fails, and shows all of it in its metrics', async () => {
    status = 503
    for (let i = 0; i < 2; i++) expect((await send('/broken/x')).code).toBe('')
    const refused = await send('/broken/x')
    expect([refused.status, refused.code]).toEqual([503, 'forward.breaker-open'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(8)
    status = 200
    const { body } = await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET' })
    expect(body).toContain('sallyport_bridge_breaker{route="broken",state="open"} 1')
    expect(body).toContain('sallyport_bridge_retries_total{route="flaky"} 1')
    expect(body).toContain('sallyport_bridge_waiting{route="paced"} 0')
    expect(body).toMatch(/sallyport_requests_total\{route="broken",outcome="failed",code="forward.breaker-open"\} 1/)
  })
})
