import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect, it } from 'vitest'
import { makeCertificates, startGate, tempFolder } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'

it.each([
  ['plain HTTP', false],
  ['TLS', true],
])('a sender that ends its side after the request gets its answer, over %s', async (_name, tls) => {
  const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{"late":true}'), 100))
  const folder = tempFolder()
  if (tls) await makeCertificates(folder)
  const gate = await startGate(
    `
listeners:
  - name: public
    bind: 127.0.0.1:0
${tls ? '    tls: { certificates: [{ cert: server.crt, key: server.key }] }' : ''}
routes:
  - name: x
    match: { path: /x }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: ${upstream.url}/in }
`,
    { SECRET },
    folder,
  )
  try {
    const fields = Object.entries(signedBy('standard-webhooks', SECRET, BODY)).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    const one = `POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n${fields.join('')}\r\n${BODY}`
    const where = { port: gate.port('public'), host: '127.0.0.1', allowHalfOpen: true }
    const socket = tls
      ? connectTls({ ...where, servername: 'localhost', ca: readFileSync(join(folder, 'ca.crt')) })
      : connectTcp(where)
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.on(tls ? 'secureConnect' : 'connect', () => socket.end(one + one))
    await new Promise((resolve, reject) => socket.on('end', resolve).on('error', reject))
    socket.destroy()
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
    expect(text.match(/\{"late":true\}/g)).toHaveLength(2)
    expect(upstream.received).toHaveLength(2)
  } finally {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }
})
