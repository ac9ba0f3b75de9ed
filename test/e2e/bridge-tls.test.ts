import { copyFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { startTlsReceiver, type TlsReceiver } from '../support/tls-receiver.ts'

describe('a bridge that shows a client certificate', () => {
  const folder = tempFolder()
  let receiver: TlsReceiver
  let gate: RunningGate
  const send = (what: Ask) => ask({ port: gate.port('crm-side'), ...what })

  beforeAll(async () => {
    await makeCertificates(folder)
    const other = ['client', '--dir', folder, '--name', 'renewed', '--dns', 'renewed.example']
    expect(await sallyport(['certs', ...other])).toMatchObject({ code: 0 })
    receiver = await startTlsReceiver(folder, (_req, res, { method }) =>
      method === 'DELETE' ? res.writeHead(204).end() : res.end(`{"method":"${method}"}`),
    )
    const route = (name: string, certificate: string) => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, HEAD, POST, PUT, PATCH, DELETE] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: https://localhost:${receiver.port}/v1/
      tls: { certificate: ${certificate}, ca: ca.crt }`
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0" }
routes:${route('bank', '{ cert: bridge.crt, key: bridge.key }')}${route('absent', '{ cert: absent.crt, key: absent.key }')}
`,
      {},
      folder,
      2,
    )
  }, 30_000)
  afterAll(async () => {
    receiver.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it.each(['GET', 'HEAD', 'DELETE'])('passes %s without a body', async method => {
    const reply = await send({ path: '/bank/accounts/7?a=1', method })
    expect(reply.status).toBe(method === 'DELETE' ? 204 : 200)
    const seen = receiver.received.at(-1)
    expect(seen).toMatchObject({ method, url: '/v1/accounts/7?a=1', client: 'bridge', body: Buffer.alloc(0) })
    expect(seen?.headers).not.toHaveProperty('transfer-encoding')
    expect(seen?.headers['content-length']).toBe(method === 'DELETE' ? '0' : undefined)
  })

  it.each(['GET', 'HEAD', 'DELETE', 'POST'])(
    'passes %s that names a type and has no body, but for a POST',
    async method => {
      const before = receiver.received.length
      const headers = { 'content-type': 'application/json' }
      const reply = await send({ path: '/bank/accounts/7', method, headers })
      expect(reply.status).toBe({ GET: 200, HEAD: 200, DELETE: 204 }[method] ?? 400)
      const [seen] = receiver.received.slice(before)
      expect(seen?.method).toBe(method === 'POST' ? undefined : method)
      expect(seen?.headers ?? {}).not.toHaveProperty('content-type')
    },
  )

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('passes %s with a body', async method => {
    const body = '{"amount":12345678901234567890}'
    for (const chunked of [false, true]) {
      // Said, because Node's client would send a DELETE's body with no framing at all.
      const framing = chunked ? { 'transfer-encoding': 'chunked' } : {}
      const headers = { 'content-type': 'application/json', ...framing }
      const reply = await send({ path: '/bank/transfers', method, headers, body, chunked })
      expect(reply.status).toBe(method === 'DELETE' ? 204 : 200)
      const seen = receiver.received.at(-1)
      expect([seen?.method, String(seen?.body), seen?.client]).toEqual([method, body, 'bridge'])
      // A chunked DELETE that became a length of nothing would leave its body to be read as the next request.
      expect(seen?.headers['content-length']).toBe(String(body.length))
    }
  })

  it('shows the renewed certificate once its files are there, and serves on', async () => {
    const told = gate.next(line => line.msg === 'reloaded')
    copyFileSync(join(folder, 'renewed.key'), join(folder, 'next.key'))
    copyFileSync(join(folder, 'renewed.crt'), join(folder, 'next.crt'))
    renameSync(join(folder, 'next.key'), join(folder, 'bridge.key'))
    renameSync(join(folder, 'next.crt'), join(folder, 'bridge.crt'))
    await told
    expect((await send({ path: '/bank/x', method: 'GET' })).status).toBe(200)
    expect(receiver.received.at(-1)?.client).toBe('renewed')
  })

  it('tells when its certificate ends', async () => {
    const { body } = await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET' })
    expect(body).toMatch(/sallyport_expires_seconds\{kind="certificate",name="bridge\.crt"\} 3\d{7}/)
    expect(body).toMatch(/sallyport_expires_seconds\{kind="certificate",name="ca\.crt"\}/)
    expect(body).toMatch(/sallyport_lifetime_seconds\{kind="certificate",name="bridge\.crt"\} 3\d{7}/)
    expect(body).toMatch(/sallyport_lifetime_seconds\{kind="certificate",name="ca\.crt"\} \d{8}/)
  })

  it('is offline alone where its files are missing', async () => {
    const reply = await send({ path: '/absent/x', method: 'GET' })
    expect([reply.status, reply.code]).toEqual([503, 'route.offline'])
    const line = await gate.line(each => each.code === 'route.offline')
    expect(JSON.stringify(line.evidence)).toContain('absent.crt')
  })
})
