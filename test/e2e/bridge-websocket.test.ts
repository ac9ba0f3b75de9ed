import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startHttpProxy, type TestProxy } from '../support/proxies.ts'
import { startWebSocketServer, type WebSocketServer } from '../support/web-socket-server.ts'

const TOKEN = 'token-of-the-socket'
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

describe('a route for WebSockets', () => {
  let upstream: WebSocketServer
  let odd: WebSocketServer
  let proxy: TestProxy
  let gate: RunningGate
  const url = (path: string) => `ws://127.0.0.1:${gate.port('crm-side')}${path}`
  const handshake = (path: string, more = '') =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${more}\r\n`

  beforeAll(async () => {
    upstream = await startWebSocketServer()
    proxy = await startHttpProxy()
    odd = await startWebSocketServer((req, socket) => {
      const answers: Readonly<Record<string, string>> = {
        '/odd/wrong':
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        '/odd/denied':
          'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 403 Forbidden\r\nX-Own: 1\r\nContent-Length: 16\r\n\r\n{"why":"closed"}',
        '/odd/noise': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
        '/odd/other': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
      }
      const answer = answers[req.url ?? '']
      if (answer === undefined) socket.destroy()
      else socket.write(answer)
    })
    const route = (name: string, port: number, more: string, checks = '') => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, PUT] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }${checks}]
    forward: { to: "http://127.0.0.1:${port}/${name}/", stream: true, ${more} }`
    gate = await startGate(
      `
listeners: [{ name: crm-side, bind: "127.0.0.1:0", limits: { idle: 1s } }]
routes:${route('ws', upstream.port, 'websocket: true, authenticate: { bearer: { env: TOKEN } }')}${route(
        'odd',
        odd.port,
        'websocket: true, timeout: { response: 1s }',
      )}${route('no', upstream.port, 'websocket: false')}${route('nowhere', 1, 'websocket: true')}${route(
        'locked',
        upstream.port,
        'websocket: true',
        ', { bearer: { tokens: [{ name: crm, env: TOKEN }] } }',
      )}${route('around', upstream.port, `websocket: true, proxy: { url: "http://127.0.0.1:${proxy.port}" }`)}${route(
        'one',
        upstream.port,
        'websocket: true, concurrency: 1, pace: { rate: 100/s, max-wait: 100ms }',
      )}
`,
      { TOKEN },
    )
  }, 30_000)
  afterAll(async () => {
    upstream.close()
    odd.close()
    proxy.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('joins the two ends, with a clean handshake of its own', async () => {
    const socket = new WebSocket(url('/ws/chat?room=1'), ['v2.chat', 'v1.chat'])
    const said: string[] = []
    socket.addEventListener('message', ({ data }) => said.push(String(data)))
    await once(socket, 'open')
    expect(socket.protocol).toBe('v2.chat')
    const long = 'ü'.repeat(20_000)
    socket.send('one')
    socket.send(long)
    await expect.poll(() => said).toEqual(['hello', 'one', long])
    // Longer than the listener lets a connection be idle.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    socket.send('late')
    await expect.poll(() => said.at(-1)).toBe('late')
    socket.close(1000)
    await once(socket, 'close')
    const seen = upstream.handshakes.at(-1)
    expect(seen?.url).toBe('/ws/chat?room=1')
    expect(Object.keys(seen?.headers ?? {}).sort()).toEqual(
      [
        'authorization',
        'connection',
        'host',
        'sec-websocket-extensions',
        'sec-websocket-key',
        'sec-websocket-protocol',
        'sec-websocket-version',
        'traceparent',
        'upgrade',
        'x-request-id',
      ].sort(),
    )
    expect(seen?.headers.authorization).toBe(`Bearer ${TOKEN}`)
    const line = await gate.line(({ path, status }) => path === '/ws/chat' && status === 101)
    expect(line).toMatchObject({ msg: 'forwarded', route: 'ws' })
    expect(Number(line['bytes-in'])).toBeGreaterThan(40_000)
    expect(Number(line['bytes-out'])).toBeGreaterThan(40_000)
  })

  it('answers the key of the sender, and passes no other field of either side', async () => {
    const heard = await speak(
      gate.port('crm-side'),
      socket => socket.write(handshake('/ws/x', 'Cookie: a=b\r\nX-Other: 1\r\n')),
      500,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(heard.text).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n')
    expect(heard.text).not.toMatch(/x-inside/i)
    const seen = upstream.handshakes.at(-1)
    expect(seen?.headers['sec-websocket-key']).not.toBe(KEY)
    for (const name of ['cookie', 'x-other']) expect(seen?.headers).not.toHaveProperty(name)
  })

  it.each([
    ['/odd/wrong', 502, 'forward.malformed'],
    ['/odd/noise', 502, 'forward.malformed'],
    ['/odd/other', 502, 'forward.malformed'],
    ['/odd/gone', 502, 'forward.unreachable'],
    ['/nowhere/x', 502, 'forward.unreachable'],
    ['/locked/x', 401, 'bearer.missing'],
    ['/none', 404, 'route.none'],
  ])('%s: %i %s, and no socket', async (path, status, code) => {
    const heard = await speak(gate.port('crm-side'), socket => socket.write(handshake(path)), 3_000)
    expect(heard.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(heard.text).toContain(`"code":"${code}"`)
    expect([heard.text.includes('101 Switching'), heard.closed]).toEqual([false, true])
  })

  it('passes the whole answer of an upstream that takes none', async () => {
    const heard = await speak(gate.port('crm-side'), socket => socket.write(handshake('/odd/denied')), 3_000)
    expect(heard.text).toMatch(/^HTTP\/1\.1 403 [\s\S]*x-own: 1\r\n[\s\S]*\r\n\r\n\{"why":"closed"\}$/i)
    expect(heard.text).toMatch(/^content-length: 16\r$/im)
    expect(heard.closed).toBe(true)
  })

  it('takes a handshake only as RFC 6455 has it', async () => {
    const bad = [
      handshake('/ws/x').replace('Version: 13', 'Version: 8'),
      handshake('/ws/x').replace(KEY, 'short'),
      handshake('/ws/x').replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc'),
    ]
    const before = upstream.handshakes.length
    for (const text of bad) {
      const heard = await speak(gate.port('crm-side'), socket => socket.write(text), 2_000)
      expect(heard.text).toMatch(/^HTTP\/1\.1 400 [\s\S]*request\.malformed/)
    }
    expect(upstream.handshakes.length).toBe(before)
  })

  it('answers any other upgrade as if nobody had asked, and a route without WebSockets too', async () => {
    const port = gate.port('crm-side')
    const plain = await ask({ port, path: '/ws/x', method: 'GET', headers: { connection: 'upgrade', upgrade: 'h2c' } })
    expect([plain.status, plain.body]).toEqual([200, 'no socket'])
    const heard = await speak(port, socket => socket.write(handshake('/no/x')), 2_000)
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 [\s\S]*no socket/)
    expect(upstream.handshakes.map(({ url: path }) => path)).not.toContain('/no/x')
  })

  it('goes through a proxy', async () => {
    const socket = new WebSocket(url('/around/x'))
    const [{ data }] = await once(socket, 'message')
    expect(data).toBe('hello')
    expect(proxy.asked).toEqual([`127.0.0.1:${upstream.port}`])
    socket.close()
    await once(socket, 'close')
  })

  it('is under way until it ends, for the cap on what is under way at once', async () => {
    const socket = new WebSocket(url('/one/x'))
    await once(socket, 'open')
    const refused = await ask({ port: gate.port('crm-side'), path: '/one/y', method: 'GET' })
    expect([refused.status, refused.code]).toEqual([503, 'forward.paced'])
    socket.close()
    await once(socket, 'close')
    await expect
      .poll(async () => (await ask({ port: gate.port('crm-side'), path: '/one/z', method: 'GET' })).status)
      .toBe(200)
  })

  it('ends with a client that goes without a word, though the upstream does not mind', async () => {
    const went = speak(
      gate.port('crm-side'),
      socket => {
        socket.write(handshake('/one/gone'))
        socket.once('data', () => socket.end())
      },
      20_000,
    )
    await expect.poll(() => upstream.handshakes.at(-1)?.url).toBe('/one/gone')
    expect((await went).closed).toBe(true)
    expect((await ask({ port: gate.port('crm-side'), path: '/one/after', method: 'GET' })).status).toBe(200)
  })

  it('ends one side with the other', async () => {
    const socket = new WebSocket(url('/ws/ends'))
    await once(socket, 'open')
    const server = upstream.handshakes.at(-1)?.socket
    server?.destroy()
    await once(socket, 'close')
    const other = new WebSocket(url('/ws/ends'))
    await once(other, 'open')
    const inside = upstream.handshakes.at(-1)?.socket
    other.close()
    await expect.poll(() => inside?.destroyed).toBe(true)
  })
})
