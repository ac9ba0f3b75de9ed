import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const REQUEST = 'GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n'
const CHUNKED = 'POST /streamed HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
const MIB = 1024 * 1024
/** Of memory, whatever a sender sends whose answers nobody reads. */
const GROWTH_MIB = 48

describe('a sender', () => {
  let gate: RunningGate
  let upstream: TestUpstream
  let port = 0

  beforeAll(async () => {
    upstream = await startUpstream()
    gate = await startGate(`
listeners: [{ name: public, bind: "127.0.0.1:0", limits: { idle: 2s } }]
routes:
  - name: streamed
    match: { path: /streamed }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${upstream.url}/in", stream: true, timeout: { response: 1m } }
  - name: held
    match: { path: /held }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${upstream.url}/in" }
`)
    port = gate.port('public')
  }, 30_000)
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('that pipelines and reads no answers is held up, takes no memory, and is cut once nothing moves', async () => {
    const before = gate.memory()
    const socket = connect({ port, host: '127.0.0.1' }).pause()
    const burst = REQUEST.repeat(1000)
    const send = (): void => {
      while (!socket.destroyed && socket.write(burst)) {}
    }
    const closed = new Promise<void>(resolve => socket.on('error', () => undefined).on('close', () => resolve()))
    socket.on('connect', send).on('drain', send)
    await closed
    expect((gate.memory() - before) / 1024).toBeLessThan(GROWTH_MIB)
    expect(socket.bytesWritten).toBeLessThan(32 * MIB)
  }, 20_000)

  it('that pipelines lets others have their turn', async () => {
    const burst = REQUEST.repeat(1500)
    let answers = 0
    const sockets: Socket[] = Array.from({ length: 10 }, () => connect({ port, host: '127.0.0.1' }))
    await Promise.all(sockets.map(socket => new Promise(resolve => socket.on('connect', resolve))))
    const all = sockets.map(
      socket =>
        new Promise<void>(resolve => {
          let mine = 0
          socket.setEncoding('latin1').on('data', (text: string) => {
            const more = text.split('HTTP/1.1 404').length - 1
            answers += more
            mine += more
            if (mine === 1500) resolve()
          })
          socket.write(burst)
        }),
    )
    await new Promise(resolve => sockets[0]?.once('data', resolve))
    await ask({ port, path: '/elsewhere', method: 'GET' })
    expect(answers).toBeLessThan(15_000 / 2)
    await Promise.all(all)
    expect(answers).toBe(15_000)
    for (const socket of sockets) socket.destroy()
  }, 30_000)

  it('that pipelines is answered in order, however its requests are cut', async () => {
    const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n`
    const pair = `${head('/held')}Content-Length: 2\r\n\r\n{}${REQUEST}`
    const { text } = await speak(port, socket => socket.write(pair.repeat(40)), 3_000)
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(Array.from({ length: 80 }, (_, i) => `HTTP/1.1 ${i % 2 ? 404 : 200}`))
  })

  it('of a streaming body that is malformed before the upstream is reached is refused at once', async () => {
    const { text } = await speak(port, socket => socket.write(`${CHUNKED}zz\r\n`), 10_000)
    expect(text).toMatch(/^HTTP\/1\.1 400[\s\S]*request\.malformed/)
  })

  it('of chunks with too much around them is told so', async () => {
    const extension = `${CHUNKED}1;${'a'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`
    const { text } = await speak(port, socket => socket.write(extension), 10_000)
    expect(text).toMatch(/^HTTP\/1\.1 431[\s\S]*request\.too-large/)
  })

  it('of a hundred thousand chunks gets them through', async () => {
    const body = `${CHUNKED}${'1\r\n \r\n'.repeat(100_000)}0\r\n\r\n`
    const { text } = await speak(port, socket => socket.write(body), 10_000)
    expect(text).toMatch(/^HTTP\/1\.1 200/)
    expect(upstream.received.at(-1)?.body.length).toBe(100_000)
  })
})
