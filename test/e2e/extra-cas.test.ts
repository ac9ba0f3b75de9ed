import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { makeCertificates, startGate, tempFolder } from '../support/gate.ts'

describe('an upstream whose route names no CA', () => {
  const folder = tempFolder()
  let upstream: Server

  beforeAll(async () => {
    await makeCertificates(folder)
    const [cert, key] = ['server.crt', 'server.key'].map(name => readFileSync(join(folder, name)))
    upstream = createServer({ cert, key }, (_req, res) => res.setHeader('content-type', 'application/json').end('{}'))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
  }, 30_000)
  afterAll(() => upstream.close())

  it.each([
    [
      200,
      'is trusted by NODE_EXTRA_CA_CERTS, beside the CAs of the system',
      { NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt') },
    ],
    [502, 'is not trusted without it', {}],
  ])('%i: %s', async (status, _case, env) => {
    const { port } = upstream.address() as AddressInfo
    const gate = await startGate(
      `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: a
    match: { path: /a }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "https://localhost:${port}/in" }
`,
      env,
    )
    const headers = { 'content-type': 'application/json' }
    expect((await ask({ port: gate.port('public'), path: '/a', headers, body: '{}' })).status).toBe(status)
    expect(await gate.stop()).toBe(0)
  })
})
