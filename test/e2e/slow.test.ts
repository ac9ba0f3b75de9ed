import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'
const MiB = 1024 * 1024
/** Milliseconds, as the config below says; a sender may outstay each by two seconds. */
const HEAD = 1_000
const REQUEST = 2_000
const IDLE = 1_000
const LENIENCE = 2_000

const request = (path: string, body: string | Buffer, more = ''): string => {
  const fields = Object.entries(signedBy('standard-webhooks', SECRET, body)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `POST ${path} HTTP/1.1\r\nHost: x\r\n${fields.join('')}${more}Content-Length: ${body.length}\r\n\r\n`
}

describe('a client that is slow or greedy', () => {
  let gate: RunningGate
  let folder = ''
  let upstream: { readonly port: number; close(): void; sent: number }

  beforeAll(async () => {
    folder = tempFolder()
    await makeCertificates(folder)
    upstream = await startStreamer()
    gate = await startGate(
      `
listeners:
  - name: plain
    bind: 127.0.0.1:0
    limits: { head: ${HEAD}ms, request: ${REQUEST}ms, idle: ${IDLE}ms, connections: 6000 }
  - name: secure
    bind: 127.0.0.1:0
    tls: { certificates: [{ cert: server.crt, key: server.key }] }
    limits: { head: ${HEAD}ms, request: ${REQUEST}ms, idle: ${IDLE}ms }
routes:
  - name: small
    match: { path: /small }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "http://127.0.0.1:${upstream.port}/small" }
  - name: compressed
    match: { path: /compressed }
    checks:
      - content-encoding: { accept: [gzip, br, zstd] }
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "http://127.0.0.1:${upstream.port}/small" }
  - name: large
    match: { path: /large }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "http://127.0.0.1:${upstream.port}/large" }
`,
      { SECRET },
      folder,
      2,
    )
  }, 30_000)
  afterAll(async () => {
    upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const within = (ms: number, limit: number): void => {
    expect(ms).toBeGreaterThan(limit / 2)
    expect(ms).toBeLessThan(limit + LENIENCE)
  }
  const drip = (text: string) => (socket: Socket) => {
    let at = 0
    const timer = setInterval(() => {
      if (socket.destroyed || at === text.length) return clearInterval(timer)
      socket.write(text[at++] ?? '')
    }, 100)
    socket.on('close', () => clearInterval(timer))
  }

  it.concurrent('is cut when it sends no byte, on a plain and on a TLS port', async () => {
    const heard = await Promise.all(['plain', 'secure'].map(name => speak(gate.port(name), () => {}, 15_000)))
    for (const { closed, ms } of heard) {
      expect(closed).toBe(true)
      within(ms, HEAD)
    }
  }, 20_000)

  it.concurrent('is cut when its head is slow', async () => {
    const heard = await speak(gate.port('plain'), drip(request('/small', BODY)), 10_000)
    expect(heard.closed).toBe(true)
    expect(heard.text).toMatch(/^HTTP\/1\.1 408 .*request\.timeout/s)
    within(heard.ms, HEAD)
  }, 20_000)

  it.concurrent('is cut when its body is slow', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(1_000) })
    const heard = await speak(
      gate.port('plain'),
      socket => {
        socket.write(request('/small', body))
        drip(body)(socket)
      },
      10_000,
    )
    expect(heard.closed).toBe(true)
    expect(heard.text).toMatch(/^HTTP\/1\.1 408 .*request\.timeout/s)
    within(heard.ms, REQUEST)
  }, 20_000)

  it.concurrent('is cut when its chunks are slow', async () => {
    const head = request('/small', '').replace('Content-Length: 0', 'Transfer-Encoding: chunked')
    const heard = await speak(
      gate.port('plain'),
      socket => {
        socket.write(head)
        drip('1\r\n{\r\n'.repeat(200))(socket)
      },
      10_000,
    )
    expect(heard.closed).toBe(true)
    expect(heard.text).toMatch(/^HTTP\/1\.1 408 /)
    within(heard.ms, REQUEST)
  }, 20_000)

  it.concurrent('is cut when it keeps its connection and asks for nothing more', async () => {
    const heard = await speak(gate.port('plain'), socket => socket.write(request('/small', BODY) + BODY), 10_000)
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(heard.closed).toBe(true)
    within(heard.ms, IDLE)
  }, 20_000)

  it.concurrent('is cut when it never reads its answer', async () => {
    // Many pipelined requests: their answers together are more than the kernel holds.
    const many = 400
    const socket = connect(gate.port('plain'), '127.0.0.1')
    let text = ''
    const closed = new Promise(resolve => socket.on('error', () => {}).on('close', resolve))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
    })
    socket.pause()
    socket.write((request('/small', BODY) + BODY).repeat(many))
    // They are served one after the other; then nothing moves any more.
    await new Promise(resolve => setTimeout(resolve, REQUEST + 3 * LENIENCE))
    socket.resume()
    await closed
    expect(text.split('HTTP/1.1 200').length - 1).toBeLessThan(many)
  }, 20_000)

  it('is told that the port speaks plain HTTP when it says hello in TLS, and the other way round', async () => {
    const hello = Buffer.from('160301002f0100002b0303', 'hex')
    const plain = await speak(gate.port('plain'), socket => socket.write(hello), 5_000)
    expect(plain.closed).toBe(true)
    expect(plain.text).toMatch(/^HTTP\/1\.1 400 /)
    const secure = await speak(gate.port('secure'), socket => socket.write(request('/small', BODY) + BODY), 5_000)
    expect(secure.closed).toBe(true)
    expect(secure.text).not.toMatch(/HTTP\/1\.1 200/)
    expect(
      (
        await ask({
          port: gate.port('plain'),
          path: '/small',
          headers: signedBy('standard-webhooks', SECRET, BODY),
          body: BODY,
        })
      ).status,
    ).toBe(200)
  })

  it('fills no memory with a body of 100 MB, announced or chunked', async () => {
    const grown = await growth(gate, async () => {
      for (const framing of [`Content-Length: ${100 * MiB}`, 'Transfer-Encoding: chunked']) {
        const head = request('/small', '').replace('Content-Length: 0', framing)
        const heard = await speak(
          gate.port('plain'),
          socket => {
            socket.write(head)
            const piece = framing.startsWith('T')
              ? Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
              : Buffer.alloc(65_536, 0x20)
            let left = 1_600
            const pump = (): void => {
              while (left-- > 0 && !socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', pump)
            }
            pump()
          },
          10_000,
        )
        expect(heard.text).toMatch(/^HTTP\/1\.1 413 /)
        expect(heard.closed).toBe(true)
      }
    })
    expect(grown).toBeLessThan(32)
  }, 30_000)

  it('fills no memory with a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MiB), { level: 9 })
    const grown = await growth(gate, async () => {
      for (let i = 0; i < 4; i++) {
        const reply = await ask({
          port: gate.port('plain'),
          path: '/compressed',
          headers: { ...signedBy('standard-webhooks', SECRET, bomb), 'content-encoding': 'gzip' },
          body: bomb,
        })
        expect([reply.status, reply.code]).toEqual([413, 'body-limit.exceeded'])
      }
    })
    expect(grown).toBeLessThan(32)
  }, 60_000)

  it('fills no memory by reading nothing of a large answer', async () => {
    upstream.sent = 0
    const grown = await growth(gate, async () => {
      const sockets = Array.from({ length: 4 }, () => connect(gate.port('plain'), '127.0.0.1'))
      for (const socket of sockets)
        socket
          .on('error', () => {})
          .pause()
          .write(request('/large', BODY) + BODY)
      await new Promise(resolve => setTimeout(resolve, 1_500))
      for (const socket of sockets) socket.destroy()
    })
    expect(upstream.sent).toBeLessThan(100 * MiB)
    expect(grown).toBeLessThan(32)
  }, 30_000)

  it('leaves good traffic alone, with 4000 idle connections', async () => {
    const port = gate.port('plain')
    const good = async (): Promise<number> => {
      const from = performance.now()
      const headers = signedBy('standard-webhooks', SECRET, BODY)
      expect((await ask({ port, path: '/small', headers, body: BODY })).status).toBe(200)
      return performance.now() - from
    }
    const sockets: Socket[] = []
    try {
      for (let i = 0; i < 40; i++) {
        await Promise.all(
          Array.from(
            { length: 100 },
            () =>
              new Promise<void>(resolve => {
                const socket = connect(port, '127.0.0.1', () => resolve())
                socket.on('error', () => resolve())
                sockets.push(socket)
              }),
          ),
        )
      }
      const times: number[] = []
      for (let i = 0; i < 50; i++) times.push(await good())
      times.sort((a, b) => a - b)
      expect(times[25]).toBeLessThan(100)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  }, 60_000)

  it('sees a certificate that verifies, so that the port above is the real one', async () => {
    const ca = readFileSync(join(folder, 'ca.crt'))
    const reply = await ask({
      port: gate.port('secure'),
      tls: { ca },
      path: '/small',
      headers: signedBy('standard-webhooks', SECRET, BODY),
      body: BODY,
    })
    expect(reply.status).toBe(200)
  })
})

/** MiB by which the gate's memory grew at most while something was done. */
async function growth(gate: RunningGate, act: () => Promise<void>): Promise<number> {
  const before = gate.memory()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, gate.memory())
  }, 20)
  await act()
  clearInterval(timer)
  return (most - before) / 1024
}

/** `/small`: 64 KiB; `/large`: without end, as fast as it is taken. */
async function startStreamer(): Promise<{ port: number; close(): void; sent: number }> {
  const piece = Buffer.alloc(65_536, 0x78)
  const server = createServer((req, res) => {
    req.resume()
    if (req.url === '/small') return void res.end(piece)
    const pump = (): void => {
      while (!res.destroyed) {
        state.sent += piece.length
        if (!res.write(piece)) return void res.once('drain', pump)
      }
    }
    pump()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const state = {
    port: (server.address() as AddressInfo).port,
    sent: 0,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
  return state
}
