import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { speak } from '../support/client.ts'
import { type LogLine, makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'

const GARBAGE = '\x00\x01 no request\r\n\r\n'
const V1 = 'PROXY TCP4 192.0.2.9 192.0.2.2 1234 443\r\n'
const TIMES = 10

let gate: RunningGate
const folder = tempFolder()

beforeAll(async () => {
  await makeCertificates(folder)
  const tls = 'tls: { certificates: [{ cert: server.crt, key: server.key }] }'
  const proxied = 'proxy-protocol: { from: [127.0.0.1] }'
  gate = await startGate(
    `
listeners:
  - { name: plain, bind: "127.0.0.1:0" }
  - { name: tls, bind: "127.0.0.1:0", ${tls} }
  - { name: behind, bind: "127.0.0.1:0", ${proxied}, trusted-proxies: [192.0.2.9] }
  - { name: behind-tls, bind: "127.0.0.1:0", ${tls}, ${proxied} }
  - { name: both, bind: "[::]:0", expose: true, trusted-proxies: [127.0.0.1] }
  - { name: socket, bind: "unix:${join(folder, 'gate.sock')}" }
routes:
  - { name: a, match: { path: /a }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: "http://127.0.0.1:9" } }
`,
    {},
    folder,
    6,
  )
}, 30_000)
afterAll(async () => {
  expect(await gate.stop()).toBe(0)
  rmSync(folder, { recursive: true, force: true })
}, 40_000)

const refused = (listener: string): LogLine[] =>
  gate.lines.filter(line => line.msg === 'refused' && line.listener === listener)

/** Waits for so many refusals of a listener that come after those that are there; gives what they name. */
async function told(listener: string, send: () => unknown, count = 1) {
  const before = refused(listener).length
  await send()
  await expect.poll(() => refused(listener).length, { timeout: 5_000 }).toBe(before + count)
  return refused(listener)
    .slice(before)
    .map(({ source, code }) => `${source} ${code}`)
}

/** Sends, and is gone. */
const sendAndGo = (port: number, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(text, () => socket.destroy()))
    socket.on('error', reject).on('close', () => resolve())
  })

it.each([
  ['plain', 'request.malformed'],
  ['tls', 'request.handshake'],
])('garbage of a sender that has gone is told with its address on the listener %s', async (listener, code) => {
  const sources = await told(
    listener,
    async () => {
      for (let time = 0; time < TIMES; time++) await sendAndGo(gate.port(listener), GARBAGE)
    },
    TIMES,
  )
  expect(new Set(sources)).toEqual(new Set([`127.0.0.1 ${code}`]))
})

it.each([
  ['garbage', 'behind', `${V1}${GARBAGE}`, '192.0.2.9 request.malformed'],
  [
    'a forwarded address that is none',
    'behind',
    `${V1}POST /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: nobody\r\n\r\n`,
    '192.0.2.9 request.malformed',
  ],
  ['a head that does not fit', 'behind', `${V1}POST //a HTTP/1.1\r\nHost: x\r\n\r\n`, '192.0.2.9 request.malformed'],
  [
    'an expectation',
    'behind',
    `${V1}POST /a HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nContent-Length: 2\r\n\r\n`,
    '192.0.2.9 request.expectation',
  ],
  ['a handshake', 'behind-tls', `${V1}${GARBAGE}`, '192.0.2.9 request.handshake'],
])('what a balancer speaks for is the source of %s on the listener %s', async (_what, listener, text, line) => {
  expect(await told(listener, () => sendAndGo(gate.port(listener), text))).toEqual([line])
})

it.each([
  ['garbage', GARBAGE],
  ['a forwarded address that is none', 'POST /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: nobody\r\n\r\n'],
])('an IPv4 address is written as one on a listener of both families: %s', async (_what, text) => {
  expect(await told('both', () => speak(gate.port('both'), socket => socket.write(text), 300))).toEqual([
    '127.0.0.1 request.malformed',
  ])
})

it.each([
  ['garbage', GARBAGE, 'request.malformed'],
  ['no route', 'POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 'route.none'],
])('a Unix socket is 127.0.0.1 in every line: %s', async (_what, text, code) => {
  const send = () =>
    new Promise(resolve => {
      const socket = connect(join(folder, 'gate.sock'), () => socket.write(text))
      socket.once('data', () => socket.destroy()).once('close', resolve)
    })
  expect(await told('socket', send)).toEqual([`127.0.0.1 ${code}`])
})

it('a connection that was reset before it was taken makes no request: nobody knows whose it was', async () => {
  const before = gate.lines.length
  gate.process.kill('SIGSTOP')
  for (let time = 0; time < TIMES; time++)
    await new Promise<void>(resolve => {
      const socket = connect(gate.port('plain'), '127.0.0.1', () => {
        const request = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
        socket.write(request, () => socket.resetAndDestroy())
      })
      socket.on('close', () => resolve())
    })
  gate.process.kill('SIGCONT')
  // One that stands is served after those.
  expect(await told('plain', () => speak(gate.port('plain'), socket => socket.write(GARBAGE), 300))).toHaveLength(1)
  expect(gate.lines.slice(before)).toHaveLength(1)
})
