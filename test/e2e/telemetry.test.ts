import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'
import { signedBy } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const ENV = { GITHUB_SECRET: randomBytes(20).toString('hex'), OTLP_KEY: randomBytes(20).toString('hex') }
const WAIT = { timeout: 20_000, interval: 50 }
const BODY = '{"repository":1}'
const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const TRACEPARENT = `00-${PARENT.traceId}-${PARENT.spanId}-01`

async function start(otlp: OtlpReceiver, crm: TestUpstream, also = '', trusted = '[]'): Promise<RunningGate> {
  const gate = await startGate(config(otlp, crm, also, trusted), ENV)
  closing.push(() => gate.stop())
  return gate
}

const config = (otlp: OtlpReceiver, crm: TestUpstream, also = '', trusted = '[]'): string => `
listeners: [{ name: public, bind: "127.0.0.1:0", trusted-proxies: ${trusted} }]
telemetry:
  otlp:
    endpoint: ${otlp.url}
    headers: { x-otlp-key: { env: OTLP_KEY } }
    resource: { deployment.environment.name: test }${also}
routes:
  - name: github
    match: { path: /hooks/github }
    checks: [{ signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }]
    forward: { to: "${crm.url}/in/github" }
  - name: kb
    match: { path-prefix: /kb/, methods: [PUT] }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward: { to: "${crm.url}/articles/" }
`

async function both(prefix = ''): Promise<{ otlp: OtlpReceiver; crm: TestUpstream }> {
  const [otlp, crm] = await Promise.all([startOtlpReceiver(prefix), startUpstream()])
  closing.push(otlp.close, crm.close)
  return { otlp, crm }
}

const send = (gate: RunningGate, secret = ENV.GITHUB_SECRET, headers: Readonly<Record<string, string>> = {}) =>
  ask({
    port: gate.port('public'),
    path: '/hooks/github?token=hidden',
    headers: { ...signedBy('github', secret, BODY), ...headers },
    body: BODY,
  })

describe('traces', () => {
  it('have a span for the request and one for what was sent, by the names of the conventions', async () => {
    const { otlp, crm } = await both('/otel')
    const gate = await start(otlp, crm)
    const before = Date.now()
    expect((await send(gate)).status).toBe(200)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(otlp.faults).toEqual([])
    const [server, client] = otlp.spans
    expect(server).toMatchObject({
      name: 'POST /hooks/github',
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': '200',
        'http.route': '/hooks/github',
        'url.path': '/hooks/github',
        'url.scheme': 'http',
        'server.address': '127.0.0.1',
        'server.port': String(gate.port('public')),
        'client.address': '127.0.0.1',
        'network.protocol.version': '1.1',
        'http.request.body.size': String(BODY.length),
        'sallyport.route': 'github',
        'sallyport.outcome': 'forwarded',
        'sallyport.key': 'current',
      },
    })
    expect(server?.status).toBeUndefined()
    expect(server?.parentSpanId).toBeUndefined()
    expect(client).toMatchObject({
      traceId: server?.traceId,
      parentSpanId: server?.spanId,
      name: 'POST',
      kind: 3,
      attributes: {
        'url.full': `${crm.url}/in/github`,
        'server.address': '127.0.0.1',
        'server.port': String(crm.port),
        'http.response.status_code': '200',
      },
    })
    // The upstream is told of the span that is its parent.
    expect(crm.received[0]?.headers.traceparent).toBe(`00-${server?.traceId}-${client?.spanId}-01`)
    const [outer, inner] = [server, client].map(span => [
      Number(span?.startTimeUnixNano),
      Number(span?.endTimeUnixNano),
    ])
    expect(Number(outer?.[0])).toBeGreaterThanOrEqual((before - 5) * 1e6)
    expect(Number(inner?.[0])).toBeGreaterThanOrEqual(Number(outer?.[0]))
    expect(Number(inner?.[1])).toBeLessThanOrEqual(Number(outer?.[1]) + 1e6)
    expect(otlp.requests[0]).toMatchObject({
      path: '/otel/v1/traces',
      headers: { 'content-encoding': 'gzip', 'x-otlp-key': ENV.OTLP_KEY },
      resource: { 'service.name': 'sallyport', 'deployment.environment.name': 'test' },
    })
    expect(JSON.stringify(otlp.spans)).not.toMatch(/hidden/)
    expect(gate.stdout()).not.toContain(ENV.OTLP_KEY)
  }, 40_000)

  it('tell refusals and failures apart', async () => {
    const { otlp, crm } = await both()
    const gate = await start(otlp, crm)
    await send(gate, 'not-the-secret')
    await ask({ port: gate.port('public'), path: '/nowhere' })
    await ask({
      port: gate.port('public'),
      path: '/kb/a',
      method: 'PUT',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    })
    await crm.close()
    await send(gate)
    await vi.waitFor(() => expect(otlp.spans.filter(({ kind }) => kind === 2)).toHaveLength(4), WAIT)
    expect(otlp.faults).toEqual([])
    const [refused, none, kb, failed] = otlp.spans.filter(({ kind }) => kind === 2)
    expect(refused).toMatchObject({
      attributes: { 'sallyport.code': 'signature.mismatch', 'http.response.status_code': '401' },
    })
    // What a client did wrong is no error of the server's.
    expect([refused?.status, refused?.attributes['error.type']]).toEqual([undefined, undefined])
    expect(none).toMatchObject({ name: 'POST', attributes: { 'sallyport.code': 'route.none' } })
    expect(kb).toMatchObject({ name: 'PUT /kb/*' })
    expect(failed).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'forward.unreachable', 'http.response.status_code': '502' },
    })
    const clients = otlp.spans.filter(({ kind }) => kind === 3)
    expect(clients).toMatchObject([
      { attributes: { 'url.full': `${crm.url}/articles/a` } },
      { status: { code: 2 }, attributes: { 'error.type': 'forward.unreachable' } },
    ])
  }, 40_000)

  it('are continued for trusted proxies, and for nobody else', async () => {
    const { otlp, crm } = await both()
    const tracing = { traceparent: TRACEPARENT, tracestate: 'vendor=1' }
    const trusting = await start(otlp, crm, '', '[127.0.0.0/8]')
    await send(trusting, ENV.GITHUB_SECRET, { ...tracing, 'x-forwarded-for': '198.51.100.7' })
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(otlp.spans[0]).toMatchObject({
      traceId: PARENT.traceId,
      parentSpanId: PARENT.spanId,
      traceState: 'vendor=1',
      attributes: { 'client.address': '198.51.100.7' },
    })
    expect(crm.received[0]?.headers).toMatchObject({
      traceparent: `00-${PARENT.traceId}-${otlp.spans[1]?.spanId}-01`,
      tracestate: 'vendor=1',
    })
    const gate = await start(otlp, crm)
    await send(gate, ENV.GITHUB_SECRET, tracing)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(4), WAIT)
    expect(otlp.spans[2]?.traceId).not.toBe(PARENT.traceId)
    expect(otlp.spans[2]?.parentSpanId).toBeUndefined()
    expect(crm.received[1]?.headers.tracestate).toBeUndefined()
    expect(otlp.faults).toEqual([])
  }, 40_000)

  it('are left out by share, but for those that a trusted proxy has sampled', async () => {
    const { otlp, crm } = await both()
    const gate = await start(otlp, crm, '\n    traces: { sample: 0% }', '[127.0.0.0/8]')
    await send(gate)
    expect(crm.received[0]?.headers.traceparent).toMatch(/-00$/)
    await send(gate, ENV.GITHUB_SECRET, { traceparent: TRACEPARENT, 'x-forwarded-for': '198.51.100.7' })
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(otlp.spans[0]?.traceId).toBe(PARENT.traceId)
  }, 40_000)
})

describe('metrics', () => {
  it("are the gate's own, and durations by the conventions", async () => {
    const { otlp, crm } = await both()
    const gate = await start(otlp, crm, '\n    traces: false\n    metrics: { every: 1s }')
    await send(gate)
    await send(gate, 'not-the-secret')
    await vi.waitFor(
      () => expect(otlp.metrics.get('http.server.request.duration')?.histogram?.dataPoints).toHaveLength(2),
      WAIT,
    )
    expect(otlp.faults).toEqual([])
    expect(otlp.spans).toEqual([])
    const durations = otlp.metrics.get('http.server.request.duration')
    const [forwarded, refused] = durations?.histogram?.dataPoints ?? []
    const valueAt = (key: string, point = forwarded) => point?.attributes.find(each => each.key === key)?.value
    expect(durations?.unit).toBe('s')
    expect(valueAt('http.response.status_code')).toEqual({ intValue: '200' })
    expect(valueAt('http.request.method')).toEqual({ stringValue: 'POST' })
    expect(valueAt('sallyport.code', refused)).toEqual({ stringValue: 'signature.mismatch' })
    expect(forwarded?.count).toBe('1')
    expect(forwarded?.bucketCounts).toHaveLength((forwarded?.explicitBounds?.length ?? 0) + 1)
    expect(forwarded?.bucketCounts?.reduce((sum, each) => sum + Number(each), 0)).toBe(1)
    expect(otlp.metrics.get('sallyport.requests')?.sum).toMatchObject({ isMonotonic: true, aggregationTemporality: 2 })
    expect(otlp.metrics.get('sallyport.request.duration')?.histogram?.dataPoints[0]).toMatchObject({ count: '2' })
    expect(otlp.metrics.get('sallyport.received')).toMatchObject({ unit: 'By' })
    expect(otlp.metrics.get('sallyport.route_online')?.gauge?.dataPoints).toHaveLength(2)
  }, 40_000)
})

describe('a receiver of telemetry', () => {
  it('is asked again as it says, and is not waited for by requests', async () => {
    const { otlp, crm } = await both()
    otlp.answers.push({ status: 503, headers: { 'retry-after': '1' } }, { status: 429 })
    const gate = await start(otlp, crm, '\n    metrics: false')
    expect((await send(gate)).status).toBe(200)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(await gate.line(({ msg }) => msg === 'telemetry not delivered')).toMatchObject({ said: 'it answered 503' })
    await gate.line(({ msg }) => msg === 'telemetry delivered again')
  }, 40_000)

  it('that refuses a message is not sent it again', async () => {
    const { otlp, crm } = await both()
    otlp.answers.push({ status: 400 })
    const gate = await start(otlp, crm, '\n    metrics: false')
    await send(gate)
    await gate.line(({ msg, said }) => msg === 'telemetry not delivered' && said === 'it answered 400', 20_000)
    await send(gate)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(otlp.answers).toEqual([])
  }, 40_000)

  it('that wants other credentials is told of as that', async () => {
    const { otlp, crm } = await both()
    otlp.answers.push({ status: 401 })
    const gate = await start(otlp, crm, '\n    metrics: false')
    await send(gate)
    const line = await gate.line(({ msg }) => msg === 'telemetry not delivered', 20_000)
    expect(line).toMatchObject({ said: 'it answered 401', remedy: expect.stringMatching(/headers, bearer or basic/) })
  }, 40_000)

  it('that rejects a part is told of once, and again when it takes all', async () => {
    const { otlp, crm } = await both()
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'too old' } })
    otlp.answers.push({ status: 200, body }, { status: 200, body })
    const gate = await start(otlp, crm, '\n    metrics: false')
    const told = () => gate.lines.flatMap(({ msg }) => (String(msg).startsWith('telemetry') ? [msg] : []))
    await send(gate)
    const first = await gate.line(({ msg }) => msg === 'telemetry not delivered', 20_000)
    expect(first).toMatchObject({
      said: expect.stringContaining('too old'),
      remedy: expect.stringContaining('not sent again'),
    })
    await send(gate)
    await vi.waitFor(() => expect(otlp.answers).toEqual([]), WAIT)
    await send(gate)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    await gate.line(({ msg }) => msg === 'telemetry delivered again')
    expect(told()).toEqual(['telemetry not delivered', 'telemetry delivered again'])
  }, 40_000)

  it('gets what waits for it across a reload', async () => {
    const { otlp, crm } = await both()
    otlp.answers.push({ status: 503 }, { status: 503 })
    const gate = await start(otlp, crm, '\n    metrics: false')
    await send(gate)
    await gate.line(({ msg }) => msg === 'telemetry not delivered', 20_000)
    const reloaded = config(otlp, crm, '\n    metrics: false').replace('/in/github', '/in/other')
    expect(await gate.reload(reloaded)).toMatchObject({ msg: 'reloaded' })
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    await gate.line(({ msg }) => msg === 'telemetry delivered again')
  }, 40_000)

  it('that is not there is told of once for all workers, and the stop tells what is lost', async () => {
    const [otlp, crm] = await Promise.all([startOtlpReceiver(), startUpstream()])
    closing.push(crm.close)
    await otlp.close()
    const gate = await startGate(`${config(otlp, crm, '\n    metrics: { every: 1s }')}\nworkers: 2\n`, ENV)
    closing.push(() => gate.stop())
    // A connection each: the kernel shares them out.
    for (let i = 0; i < 40; i++) expect((await send(gate)).status).toBe(200)
    const told = () => gate.lines.filter(({ msg }) => String(msg).startsWith('telemetry'))
    const refused = { said: expect.stringContaining('ECONNREFUSED'), remedy: expect.stringContaining('4318') }
    await gate.line(({ msg }) => msg === 'telemetry not delivered', 20_000)
    // Of both workers, and of the gate's own metrics, there were several attempts by then.
    await new Promise(resolve => setTimeout(resolve, 6_000))
    expect(told()).toEqual([expect.objectContaining({ ...refused, 'spans-lost': 0 })])
    expect(await gate.stop()).toBe(0)
    expect(told().slice(1)).toEqual([expect.objectContaining({ ...refused, 'spans-lost': 80 })])
  }, 60_000)

  it('gets before the gate stops what would be sent again later', async () => {
    const { otlp, crm } = await both()
    otlp.answers.push({ status: 503, headers: { 'retry-after': '25' } })
    const gate = await startGate(config(otlp, crm, '\n    metrics: false'), ENV)
    await send(gate)
    await gate.line(({ msg }) => msg === 'telemetry not delivered', 20_000)
    expect(await gate.stop()).toBe(0)
    expect(otlp.spans).toHaveLength(2)
  }, 40_000)

  it('gets what is left before the gate stops', async () => {
    const { otlp, crm } = await both()
    const gate = await startGate(config(otlp, crm), ENV)
    await send(gate)
    expect(await gate.stop()).toBe(0)
    expect(otlp.spans).toHaveLength(2)
    expect(otlp.metrics.has('sallyport.requests')).toBe(true)
    expect(otlp.faults).toEqual([])
  }, 40_000)

  it('is left alone once a reload takes it out', async () => {
    const { otlp, crm } = await both()
    const gate = await start(otlp, crm)
    const bare = config(otlp, crm).replace(/telemetry:[\s\S]*?routes:/, 'routes:')
    expect(await gate.reload(bare)).toMatchObject({ msg: 'reloaded' })
    expect((await send(gate)).status).toBe(200)
    expect(crm.received[0]?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(await gate.reload(config(otlp, crm))).toMatchObject({ msg: 'reloaded' })
    await send(gate)
    await vi.waitFor(() => expect(otlp.spans).toHaveLength(2), WAIT)
    expect(otlp.spans[0]?.traceId).toBe(String(crm.received[1]?.headers.traceparent).slice(3, 35))
  }, 40_000)
})
