import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

describe('an answer to HEAD', () => {
  let upstream: TestUpstream
  let gate: RunningGate

  beforeAll(async () => {
    upstream = await startUpstream((req, res) => {
      const [, status = '200', length = ''] = /\/(\d{3})-?(\d*)$/.exec(req.url ?? '') ?? []
      res.writeHead(Number(status), length === '' ? {} : { 'content-length': length }).end()
    })
    const route = (name: string, more: string) => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, HEAD] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${upstream.url}/${name}/"${more} }`
    gate = await startGate(`
listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:${route('whole', '')}${route('streams', ', stream: true')}
`)
  }, 30_000)
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const head = async (path: string) => {
    const { status, headers } = await ask({ port: gate.port('crm-side'), path, method: 'HEAD' })
    return [status, headers['content-length']]
  }

  it.each(['whole', 'streams'])('has the length that the upstream says, or none (%s)', async route => {
    expect(await head(`/${route}/200-1234`)).toEqual([200, '1234'])
    expect(await head(`/${route}/404-99`)).toEqual([404, '99'])
    expect(await head(`/${route}/200-0`)).toEqual([200, '0'])
    expect(await head(`/${route}/200`)).toEqual([200, undefined])
    expect(await head(`/${route}/204`)).toEqual([204, undefined])
    expect(await head(`/${route}/304-1234`)).toEqual([304, undefined])
  })

  it('is followed by the next one: nothing is sent for the length', async () => {
    const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const heard = await speak(
      gate.port('crm-side'),
      socket =>
        socket.write(
          request('HEAD', '/whole/200-1234') + request('HEAD', '/streams/200-1234') + request('HEAD', '/whole/404'),
        ),
      500,
    )
    expect(heard.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404'])
    expect(heard.text).toMatch(/\r\n\r\n$/)
  })

  it("of the gate's own has the length that a GET's has", async () => {
    const { body } = await ask({ port: gate.port('crm-side'), path: '/none', method: 'GET' })
    expect(await head('/none')).toEqual([404, String(body.length)])
  })
})
