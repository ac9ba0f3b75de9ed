import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'
let upstream: TestUpstream
let gate: RunningGate

beforeAll(async () => {
  upstream = await startUpstream((_req, res) => res.end('{}'))
  gate = await startGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0", limits: { idle: 30s } }]
routes:
  - name: x
    match: { path: /x }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: ${upstream.url}/in }
`,
    { SECRET },
  )
})

afterAll(async () => {
  await gate.stop()
  await upstream.close()
})

async function open(): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect({ port: gate.port('public'), host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'connect')
  return { socket, text: () => text }
}

const UNKNOWN = 'POST /unknown HTTP/1.1\r\nHost: x\r\n'
const signed = (): string => {
  const fields = Object.entries(signedBy('standard-webhooks', SECRET, BODY)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n${fields.join('')}\r\n${BODY}`
}
const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '')

it.each([
  ['in one piece', 0],
  ['with its body later', 1],
])('a refused request %s leaves the connection to the next one', async (_how, late) => {
  const { socket, text } = await open()
  const body = 'x'.repeat(1000)
  const head = `${UNKNOWN}Content-Length: 1000\r\n\r\n`
  if (late === 0) socket.write(head + body + signed())
  else {
    socket.write(head)
    await vi.waitFor(() => expect(statuses(text())).toEqual(['404']))
    socket.write(body + signed())
  }
  await vi.waitFor(() => expect(statuses(text())).toEqual(['404', '200']))
  expect(text()).toContain('\r\nConnection: keep-alive\r\n')
  expect(text()).toContain('\r\nKeep-Alive: timeout=29\r\n')
  socket.destroy()
})

it.each([
  ['in one piece', 0],
  ['after its answer', 1],
])('a refused request whose body breaks off as no HTTP, %s, is answered once', async (_how, late) => {
  const { socket, text } = await open()
  const head = `${UNKNOWN}Transfer-Encoding: chunked\r\n\r\n`
  const rest = `zz\r\n${signed()}`
  const before = upstream.received.length
  const closed = once(socket, 'close')
  if (late === 0) socket.write(head + rest)
  else {
    socket.write(head)
    await vi.waitFor(() => expect(statuses(text())).toEqual(['404']))
    socket.write(rest)
  }
  await closed
  expect(statuses(text())).toEqual(['404'])
  expect(upstream.received).toHaveLength(before)
})

it('no request that was sent behind an answer that ends the connection is taken', async () => {
  const { socket, text } = await open()
  const before = upstream.received.length
  const closed = once(socket, 'close')
  // Chunked and unread: where it ends is not waited for.
  socket.write(`${UNKNOWN}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n${signed()}`)
  await closed
  expect(statuses(text())).toEqual(['404'])
  expect(text()).toContain('\r\nConnection: close\r\n')
  expect(upstream.received).toHaveLength(before)
})
