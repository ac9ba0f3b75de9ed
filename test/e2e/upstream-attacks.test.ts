import { type ChildProcess, spawn } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { Agent } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask, speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

/** Of ups-006; the procedure asks for 10000. */
const REQUESTS = Number(process.env.SALLYPORT_UPSTREAM_REQUESTS ?? 2_000)
const OK = 'HTTP/1.1 200 OK\r\n'
const LARGE = 8 * 1024 * 1024

/** What the upstream does, by the last segment of the path. Gives the bytes, or does it itself. */
const MANNERS: Readonly<Record<string, (socket: Socket, request: string) => string | undefined>> = {
  'reset-before': socket => void socket.resetAndDestroy(),
  'reset-half': socket => {
    socket.write(`${OK}Content-Length: ${LARGE}\r\n\r\n`)
    socket.write(Buffer.alloc(LARGE / 2, 'x'), () => setTimeout(() => socket.resetAndDestroy(), 100))
    return undefined
  },
  'cl-te': () => `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two-cl': () => `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
  'bare-lf': () => 'HTTP/1.1 200 OK\nContent-Length: 2\n\n{}',
  'bare-lf-field': () => `${OK}X-A: 1\nX-B: 2\r\nContent-Length: 2\r\n\r\n{}`,
  'bad-chunk': () => `${OK}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n`,
  'thousand-fields': () => `${OK}${'X-A: b\r\n'.repeat(1000)}Content-Length: 2\r\n\r\n{}`,
  'unasked-101': () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
  'twenty-103': () => `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(20)}${OK}Content-Length: 2\r\n\r\n{}`,
  'endless-head': socket => {
    socket.write(OK)
    const more = (): void => {
      while (!socket.destroyed) if (!socket.write(`X-A: ${'b'.repeat(65_536)}\r\n`)) break
    }
    socket.on('drain', more)
    more()
    return undefined
  },
  poison: (_socket, request) => {
    const id = /\/poison\?id=(\d+) /.exec(request)?.[1] ?? ''
    return `${OK}Content-Length: ${id.length}\r\n\r\n${id}${OK}Content-Length: 6\r\n\r\npoison`
  },
  hops: () =>
    `${OK}Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=9\r\nX-Hop: 1\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nTrailer: X-T\r\nServer: nginx\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\n{}`,
}

describe('the upstream procedures of the attack corpus', () => {
  let gate: RunningGate
  let black: { readonly child: ChildProcess; readonly port: number; readonly held: Socket[] }
  let named = ''
  const requests: string[] = []
  const closed: string[] = []
  const sockets = new Set<Socket>()
  const upstream = createServer(socket => {
    sockets.add(socket)
    let name = ''
    socket.on('error', () => undefined)
    socket.on('close', () => closed.push(name))
    socket.on('data', chunk => {
      const text = chunk.toString('latin1')
      const path = /^[A-Z]+ \/(?:in|again)\/([a-z0-9-]+)[? ]/.exec(text)?.[1]
      if (path === undefined) return
      name = path
      requests.push(path)
      const bytes = MANNERS[path]?.(socket, text)
      if (bytes !== undefined) socket.write(bytes)
    })
  })

  beforeAll(async () => {
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as AddressInfo
    black = await startBlackHole()
    // A name of this host that is not "localhost", where it has one.
    for (const name of [hostname(), 'ip6-localhost', 'ip6-loopback']) {
      const found = await lookup(name).catch(() => undefined)
      if (found && named === '' && /^[a-z0-9.-]+$/.test(name)) named = name
    }
    const route = (name: string, forward: string) => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, POST] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { timeout: { connect: 500ms, response: 1s }, ${forward} }`
    gate = await startGate(
      `
listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:${route('in', `to: "http://127.0.0.1:${port}/in/"`)}${route(
        'again',
        `to: "http://127.0.0.1:${port}/again/", retry: { attempts: 3, backoff: { first: 5ms, max: 10ms }, idempotency-key: Idempotency-Key }`,
      )}${route('black', `to: "http://127.0.0.1:${black.port}/"`)}${route(
        'rebound',
        `to: "http://${named || 'localhost'}:${port}/in/", authenticate: { api-key: { header: X-Key, value: { env: KEY } } }`,
      )}${route(
        'allowed',
        `to: "http://${named || 'localhost'}:${port}/in/", authenticate: { api-key: { header: X-Key, value: { env: KEY } } }, allow-private: ["${named || 'localhost'}"]`,
      )}
`,
      { KEY: 'a-key' },
    )
  }, 30_000)
  afterAll(async () => {
    upstream.close()
    for (const socket of [...sockets, ...black.held]) socket.destroy()
    black.child.kill('SIGKILL')
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const send = (path: string, more: Partial<Ask> = {}) =>
    ask({ port: gate.port('crm-side'), path, body: '{}', headers: { 'content-type': 'application/json' }, ...more })

  it('ups-001: a reset before the head is a 502, and sent once unless an idempotency key allows more', async () => {
    requests.length = 0
    const once = await send('/in/reset-before')
    expect([once.status, once.code, requests.length]).toEqual([502, 'forward.unreachable', 1])
    const again = await send('/again/reset-before')
    expect([again.status, requests.length]).toEqual([502, 4])
  })

  it('ups-002: a reset after half of the answer is no whole 2xx', async () => {
    await expect(send('/in/reset-half')).rejects.toThrow()
  })

  it.each(['cl-te', 'two-cl', 'bare-lf', 'bare-lf-field', 'bad-chunk'])(
    'ups-004: %s is a 502, and its connection ends',
    async name => {
      closed.length = 0
      const reply = await send(`/in/${name}`)
      expect([reply.status, reply.code]).toEqual([502, 'forward.malformed'])
      await expect.poll(() => closed).toContain(name)
    },
  )

  it.each(['endless-head', 'thousand-fields', 'unasked-101', 'twenty-103'])(
    'ups-005: %s is a 502 in bounded memory',
    async name => {
      const before = gate.memory()
      const reply = await send(`/in/${name}`)
      expect([reply.status, reply.code]).toEqual([502, 'forward.malformed'])
      expect(gate.memory() - before).toBeLessThan(32 * 1024)
    },
  )

  it(`ups-006: of ${REQUESTS} answers with more behind them none reaches another request`, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 })
    const lane = async (from: number): Promise<number> => {
      let swapped = 0
      for (let id = from; id < REQUESTS; id += 16) {
        const reply = await send(`/in/poison?id=${id}`, { agent })
        if (reply.status === 200 && reply.body !== String(id)) swapped++
      }
      return swapped
    }
    const swapped = await Promise.all(Array.from({ length: 16 }, (_, from) => lane(from)))
    agent.destroy()
    expect(swapped.reduce((sum, each) => sum + each)).toBe(0)
    expect(requests.filter(name => name === 'poison').length).toBe(REQUESTS)
  }, 120_000)

  it('ups-007: a connection that nobody answers is a 504 at its deadline', async () => {
    const began = performance.now()
    const reply = await send('/black/x')
    expect([reply.status, reply.code]).toEqual([504, 'forward.timeout'])
    expect(performance.now() - began).toBeGreaterThan(480)
    expect(performance.now() - began).toBeLessThan(3_000)
  })

  it('ups-008: what ends at the hop, and what tells of it, is not passed on', async () => {
    const heard = await speak(
      gate.port('crm-side'),
      socket =>
        socket.write(
          'POST /in/hops HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
        ),
      3_000,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(heard.text).toMatch(/set-cookie: a=1\r\n/i)
    expect(heard.text).not.toMatch(/^(x-hop|proxy-authenticate|upgrade|trailer|server|keep-alive):/im)
  })

  it('ups-010: a name that leads into the own networks is refused when it is connected to, unless it is named', async ({
    skip,
  }) => {
    skip(named === '', 'this host has no other name')
    requests.length = 0
    const reply = await send('/rebound/hops')
    expect([reply.status, reply.code, requests.length]).toEqual([502, 'forward.address', 0])
    const line = await gate.line(({ code }) => code === 'forward.address')
    expect(JSON.stringify(line.evidence)).toContain(`${named} stands for`)
    const allowed = await send('/allowed/hops')
    // The name may lead to another of this host's addresses, where nobody listens.
    expect(['', 'forward.unreachable']).toContain(allowed.code)
  })
})

/** A listener whose queue is full and never emptied: what knocks is not even refused. */
async function startBlackHole(): Promise<{ child: ChildProcess; port: number; held: Socket[] }> {
  const script =
    "const s=require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},()=>{console.log(s.address().port);setTimeout(()=>process.kill(process.pid,'SIGSTOP'),50)})"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>(resolve => child.stdout.once('data', text => resolve(Number(text))))
  await new Promise(resolve => setTimeout(resolve, 300))
  const held = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  await new Promise(resolve => setTimeout(resolve, 300))
  return { child, port, held }
}
