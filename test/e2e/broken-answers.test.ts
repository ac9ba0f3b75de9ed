import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
/** More than the gate holds back of an answer. */
const LARGE = 256 * 1024 + 100

/** What the upstream says in one piece, and whether the sender may take what he gets for whole. */
const ANSWERS: Readonly<Record<string, { readonly said: string; readonly whole: boolean; readonly method?: string }>> =
  {
    'bad-chunk': { said: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`, whole: false },
    'more-than-length': { said: `${OK}Content-Length: 2\r\n\r\nokX`, whole: true },
    'body-of-204': { said: 'HTTP/1.1 204 No Content\r\n\r\nok', whole: true },
    'line-behind-304': { said: 'HTTP/1.1 304 Not Modified\r\n\r\n\r\n', whole: true },
    'body-of-head': { said: `${OK}Content-Length: 2\r\n\r\nok`, whole: true, method: 'HEAD' },
    'more-than-large': { said: `${OK}Content-Length: ${LARGE}\r\n\r\n${'x'.repeat(LARGE)}Y`, whole: true },
    'bad-large-chunk': {
      said: `${OK}Transfer-Encoding: chunked\r\n\r\n${LARGE.toString(16)}\r\n${'x'.repeat(LARGE)}\r\nzz\r\n`,
      whole: false,
    },
  }

/** A head and a body that is whole by its own account. */
function isWhole(text: string, method = 'GET'): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const [head, body] = [text.slice(0, end), text.slice(end + 4)]
  if (method === 'HEAD' || /^HTTP\/1\.1 (?:204|304)/.test(head)) return true
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  return length === undefined ? body.endsWith('\r\n0\r\n\r\n') : body.length === Number(length)
}

describe('an upstream that breaks the rules in the middle of an answer', () => {
  const sockets = new Set<Socket>()
  const upstream = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    socket.on('data', chunk => {
      const name = /^\w+ \/\w+\/([\w-]+)/.exec(chunk.toString('latin1'))?.[1] ?? ''
      const answer = ANSWERS[name]
      // Anything else is a body that has begun to come.
      if (answer) socket.write(answer.said)
      else if (name === 'fine') socket.write(`${OK}Content-Length: 2\r\n\r\n{}`)
    })
  })
  let gate: RunningGate
  let port = 0

  beforeAll(async () => {
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    const checks = 'checks: [{ source-ip: { allow: [127.0.0.1] } }]'
    gate = await startGate(`
workers: 1
listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:
  - { name: streamed, match: { path-prefix: /streamed/, methods: [GET, HEAD] }, ${checks}, forward: { to: "${to}/streamed/", stream: true } }
  - { name: held, match: { path-prefix: /held/, methods: [GET, HEAD] }, ${checks}, forward: { to: "${to}/held/" } }
  - name: broken
    match: { path-prefix: /broken/, methods: [GET, POST] }
    ${checks}
    forward: { to: "${to}/broken/", stream: true, timeout: { response: 500ms }, breaker: { failures: 2, rest: 10s } }
`)
    port = gate.port('crm-side')
  }, 30_000)
  afterAll(async () => {
    upstream.close()
    for (const socket of sockets) socket.destroy()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const ask = (path: string, method = 'GET') =>
    speak(port, socket => socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), 5_000)

  for (const route of ['streamed', 'held'])
    for (const [name, { whole, method }] of Object.entries(ANSWERS))
      it(`${route}: ${name} ends nothing but its own connection`, async () => {
        const { text, closed } = await ask(`/${route}/${name}`, method)
        expect(closed).toBe(true)
        // Held back, a broken one has become a problem of the gate's.
        if (!text.startsWith('HTTP/1.1 502')) expect(isWhole(text, method)).toBe(whole)
        expect((await ask(`/${route}/fine`)).text).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{\}/)
        expect(gate.process.exitCode).toBeNull()
      })

  it('is not held responsible for senders that break off their bodies, or stop in the middle', async () => {
    const begun = 'POST /broken/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhello'
    for (let i = 0; i < 3; i++) {
      const cut = speak(port, socket => void socket.write(begun, () => setTimeout(() => socket.destroy(), 100)), 2_000)
      const refused = gate.next(({ code }) => code === 'request.malformed')
      await Promise.all([cut, refused])
    }
    for (let i = 0; i < 3; i++) expect((await speak(port, s => s.write(begun), 5_000)).text).toMatch(/^HTTP\/1\.1 408/)
    await wait(50)
    expect((await ask('/broken/fine')).text).toMatch(/^HTTP\/1\.1 200/)
  })
})
