import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'
const COPIES = 100

describe('three workers', { timeout: 60_000 }, () => {
  let gate: RunningGate
  let upstream: TestUpstream

  const config = ({ workers = 3, more = '', port = 0 } = {}): string => `
workers: ${workers}
listeners:
  - { name: public, bind: "127.0.0.1:${port}" }
admin: { bind: "127.0.0.1:0" }
routes:
  - name: limited
    match: { path: /limited }
    checks: [{ rate-limit: { rate: 50/h, burst: 50, by: source-ip } }]
    forward: { to: ${upstream.url}/limited }
  - name: signed
    match: { path: /signed }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
      - replay: {}
    forward: { to: ${upstream.url}/signed }
  - name: paced
    match: { path: /paced }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: ${upstream.url}/paced, pace: { rate: 10/min, burst: 10, max-wait: 0s, max-queue: 0 } }
${more}`

  beforeAll(async () => {
    upstream = await startUpstream((_req, res) => {
      setTimeout(() => res.setHeader('content-type', 'application/json').end('{}'), 5)
    })
    gate = await startGate(config(), { SECRET }, undefined, 2)
  }, 60_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    await upstream.close()
  }, 60_000)

  const send = (path: string, headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' }) =>
    ask({ port: gate.port('public'), path, headers, body: BODY })
  const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make))
  const admin = async (path: string) => {
    const { status, body } = await ask({ port: gate.port('admin'), path, method: 'GET' })
    expect(status).toBe(200)
    return body
  }
  const metric = async (series: string) => {
    const line = (await admin('/metrics')).split('\n').find(each => each.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1))
  }
  const reached = (path: string) => upstream.received.filter(({ url }) => url === path).length

  it('are threads of one process, which says how many there are', async () => {
    expect(await metric('sallyport_workers')).toBe(3)
    expect(JSON.parse(await admin('/api/gate'))).toMatchObject({ workers: { running: 3, ended: 0 } })
    expect(gate.lines.filter(({ msg }) => msg === 'listening').length).toBe(2)
    expect(listening(gate.port('public'))).toBe(3)
  })

  it('admit as many requests as the rate limit says, to the request', async () => {
    const replies = await times(300, () => send('/limited'))
    expect(replies.filter(({ status }) => status === 200).length).toBe(50)
    expect(replies.filter(({ status }) => status === 429).length).toBe(250)
    expect(reached('/limited')).toBe(50)
    // No matter who has counted them, and at once.
    expect(await metric('sallyport_requests_total{route="limited",outcome="forwarded",code=""}')).toBe(50)
    expect(await metric('sallyport_requests_total{route="limited",outcome="refused",code="rate-limit.exceeded"}')).toBe(
      250,
    )
  })

  it(`forward an event once that comes ${COPIES} times at once`, async () => {
    for (let round = 0; round < 5; round++) {
      const before = reached('/signed')
      const headers = signedBy('standard-webhooks', SECRET, BODY, { id: `msg_${randomUUID()}` })
      const replies = await times(COPIES, () => send('/signed', headers))
      expect(reached('/signed') - before).toBe(1)
      for (const { status, headers: answered } of replies)
        expect(status === 409 || (status === 200 && (answered['sallyport-duplicate'] ?? 'true') === 'true')).toBe(true)
    }
  })

  it('never send an upstream more than its pace', async () => {
    const replies = await times(100, () => send('/paced'))
    expect(reached('/paced')).toBe(10)
    expect(replies.filter(({ status }) => status === 503).length).toBe(90)
  })

  it('keep what they refuse in one place, from which it can be explained', async () => {
    const headers = signedBy('standard-webhooks', webhookSecret(), BODY)
    const replies = await times(12, () => send('/signed', headers))
    const ids = replies.map(({ body }) => (JSON.parse(body) as { 'request-id': string })['request-id'])
    const { captures } = JSON.parse(await admin('/api/captures?code=signature.mismatch')) as {
      captures: { id: string }[]
    }
    // Of one sender no more than ten a second are kept by each.
    expect(captures.length).toBeGreaterThanOrEqual(10)
    for (const { id } of captures) expect(ids).toContain(id)
    const explained = await admin(`/api/captures/${captures[0]?.id}/explain`)
    expect(explained).toContain('signature')
  })

  it('take a new config all of them, or none', async () => {
    const more = `  - name: added
    match: { path: /added }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: ${upstream.url}/added }
`
    const bad = await gate.reload(config({ more: more.replace('source-ip', 'source-pi') }))
    expect(bad).toMatchObject({ msg: 'reload refused' })
    expect(new Set((await times(30, () => send('/added'))).map(({ status }) => status))).toEqual(new Set([404]))
    expect(await gate.reload(config({ more }))).toMatchObject({ msg: 'reloaded' })
    expect(new Set((await times(30, () => send('/added'))).map(({ status }) => status))).toEqual(new Set([200]))
  })

  it('become more or fewer with a reload, and none of their requests fails', async () => {
    for (const workers of [1, 4, 2]) {
      const load = times(40, () => send('/signed', signedBy('standard-webhooks', SECRET, BODY, { id: randomUUID() })))
      expect(await gate.reload(config({ workers }))).toMatchObject({ msg: 'reloaded' })
      expect(new Set((await load).map(({ status }) => status))).toEqual(new Set([200]))
      expect(await metric('sallyport_workers')).toBe(workers)
    }
  })

  it('let no other gate share their port', async () => {
    const second = startGate(config({ port: gate.port('public') }), { SECRET }, undefined, 2)
    await expect(second).rejects.toThrow(/EADDRINUSE/)
  })
})

/** Sockets that listen on a port: the kernel shares connections out among them. */
function listening(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(row => row.trim().split(/\s+/))
  return rows.filter(([, at, , state]) => at === local && state === '0A').length
}
