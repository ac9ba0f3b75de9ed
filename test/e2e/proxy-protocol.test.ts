import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startHaproxy } from '../support/haproxy.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const haproxy = await hasProgram('haproxy', '-v')
const curl = await hasProgram('curl', '--version')
const run = promisify(execFile)
const REQUEST = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
const V1 = 'PROXY TCP4 192.0.2.9 192.0.2.2 1234 443\r\n'

let gate: RunningGate
let upstream: TestUpstream
const folder = tempFolder()

const config = (plain = 'proxy-protocol: { from: [127.0.0.1] }'): string => `
listeners:
  - { name: plain, bind: "0.0.0.0:0", expose: true, ${plain}, trusted-proxies: [198.51.100.7], limits: { head: 1s } }
  - name: tls
    bind: 127.0.0.1:0
    tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt }
    proxy-protocol: { from: [127.0.0.1] }
  - { name: socket, bind: "unix:gate.sock", proxy-protocol: { from: [127.0.0.1] } }
routes:
  - name: a
    match: { path: /a }
    checks: [{ source-ip: { allow: [192.0.2.0/24, 127.0.0.0/8, "2001:db8::/32"] } }]
    forward: { to: "${upstream.url}/a" }
  - name: mutual
    match: { path: /mutual }
    checks: [{ source-ip: { allow: [192.0.2.0/24] } }, { client-cert: {} }]
    forward: { to: "${upstream.url}/mutual" }
`

beforeAll(async () => {
  await makeCertificates(folder)
  upstream = await startUpstream()
  gate = await startGate(config(), {}, folder, 3)
}, 30_000)
afterAll(async () => {
  await upstream.close()
  expect(await gate.stop(), gate.stderr()).toBe(0)
}, 40_000)

const last = () => upstream.received.at(-1)?.headers ?? {}
const file = (name: string): string => join(folder, name)

describe('the PROXY protocol', () => {
  it('ppr-023: split into single bytes is read like the whole', async () => {
    const heard = await speak(
      gate.port('plain'),
      socket => {
        const bytes = Buffer.from(V1 + REQUEST, 'latin1')
        const next = (at: number): void => {
          if (at < bytes.length) socket.write(bytes.subarray(at, at + 1), () => setTimeout(next, 1, at + 1))
        }
        next(0)
      },
      2_000,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(last()['x-forwarded-for']).toBe('192.0.2.9')
  })

  it('goes before TLS, whose client certificates count as ever', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const raw = connect(gate.port('tls'), '127.0.0.1', () => {
        raw.write(V1)
        const [cert, key, ca] = ['client.crt', 'client.key', 'ca.crt'].map(name => readFileSync(file(name)))
        const socket = connectTls({ socket: raw, servername: 'localhost', cert, key, ca }, () =>
          socket.write(REQUEST.replace('/a', '/mutual').replace('Host: x', 'Host: localhost')),
        )
        socket.once('data', (chunk: Buffer) => {
          resolve(chunk.toString('latin1'))
          socket.destroy()
        })
        socket.on('error', reject)
      })
    })
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(last()).toMatchObject({ 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': 'https' })
  })

  it.skipIf(!curl)('of curl is read, with TLS and without', async () => {
    const base = ['-sS', '--noproxy', '*', '--haproxy-protocol', '-H', 'content-type: application/json', '-d', '{}']
    const status = ['-o', '/dev/null', '-w', '%{http_code}']
    const plain = [...base, ...status, `http://127.0.0.1:${gate.port('plain')}/a`]
    expect((await run('curl', plain)).stdout).toBe('200')
    const secure = [...base, ...status, '--cacert', file('ca.crt'), `https://localhost:${gate.port('tls')}/a`]
    expect((await run('curl', secure)).stdout).toBe('200')
    expect(last()['x-forwarded-for']).toBe('127.0.0.1')
  })

  it.skipIf(!haproxy).each([
    ['plain', 'send-proxy'],
    ['plain', 'send-proxy-v2'],
    ['plain', 'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority'],
    ['tls', 'send-proxy'],
    ['tls', 'send-proxy-v2 proxy-v2-options crc32c'],
  ])('of HAProxy is read on the listener %s: %s', async (listener, option) => {
    const port = await freePort()
    // A client of another address than the proxy's.
    const frontend = `frontend in\n  mode tcp\n  bind 127.0.0.1:${port}\n  default_backend gate`
    const server = `backend gate\n  mode tcp\n  server gate 127.0.0.1:${gate.port(listener)} ${option}`
    const proxy = await startHaproxy(`${frontend}\n${server}`, port)
    try {
      const tls = listener === 'tls' ? { tls: { ca: readFileSync(file('ca.crt')) } } : {}
      const headers = { 'content-type': 'application/json' }
      const reply = await ask({ port, path: '/a', headers, body: '{}', localAddress: '127.0.0.77', ...tls })
      expect(reply.status).toBe(200)
      expect(last()['x-forwarded-for']).toBe('127.0.0.77')
    } finally {
      await proxy.stop()
    }
  })

  it('keeps its source for every request of a connection, over a reload too', async () => {
    let heard = ''
    const socket = connect(gate.port('plain'), '127.0.0.1', () => socket.write(V1 + REQUEST))
    socket.on('data', chunk => {
      heard += chunk.toString('latin1')
    })
    await expect.poll(() => heard.match(/HTTP\/1\.1 200/g)?.length).toBe(1)
    await gate.reload(config('trusted-proxies: [203.0.113.1]').replace(', trusted-proxies: [198.51.100.7]', ''))
    socket.write(REQUEST)
    await expect.poll(() => heard.match(/HTTP\/1\.1 200/g)?.length).toBe(2)
    expect(last()['x-forwarded-for']).toBe('192.0.2.9')
    // And a new connection needs no header any more.
    expect(
      (await ask({ port: gate.port('plain'), path: '/a', headers: { 'content-type': 'application/json' }, body: '{}' }))
        .status,
    ).toBe(200)
    socket.destroy()
    await gate.reload(config())
  })

  it('gives an IPv6 source, and a mapped address as the IPv4 address it holds', async () => {
    for (const [line, source] of [
      ['PROXY TCP6 2001:db8:0:0::1 ::1 1 2', '2001:db8::1'],
      ['PROXY TCP6 ::ffff:192.0.2.5 ::1 1 2', '192.0.2.5'],
    ]) {
      const heard = await speak(gate.port('plain'), socket => socket.write(`${line}\r\n${REQUEST}`), 300)
      expect(heard.text).toMatch(/^HTTP\/1\.1 200 /)
      expect(last()['x-forwarded-for']).toBe(source)
    }
  })

  it('tells of TLS at the proxy, and of a trusted proxy behind it', async () => {
    const signature = '0d0a0d0a000d0a515549540a'
    const header = (extra: string): Buffer => {
      const body = `c0000207c000020204d201bb${extra}`
      return Buffer.from(`${signature}2111${(body.length / 2).toString(16).padStart(4, '0')}${body}`, 'hex')
    }
    const send = async (extra: string): Promise<string | undefined> => {
      const bytes = Buffer.concat([header(extra), Buffer.from(REQUEST)])
      expect((await speak(gate.port('plain'), socket => socket.write(bytes), 300)).text).toMatch(/^HTTP\/1\.1 200/)
      return String(last()['x-forwarded-proto'])
    }
    expect(await send('')).toBe('http')
    expect(await send('2000050100000000')).toBe('https')
    expect(await send('2000050000000000')).toBe('http')
    const line = 'PROXY TCP4 198.51.100.7 192.0.2.2 1 2\r\n'
    const behind = REQUEST.replace('Host', 'X-Forwarded-For: 192.0.2.44\r\nHost')
    await speak(gate.port('plain'), socket => socket.write(line + behind), 300)
    expect(last()['x-forwarded-for']).toBe('192.0.2.44')
  })

  it('is asked of the named networks alone', async () => {
    const other = (text: string) => speak(gate.port('plain'), socket => socket.write(text), 300, '127.0.0.2')
    expect((await other(REQUEST)).text).toMatch(/^HTTP\/1\.1 200 /)
    expect((await other(V1 + REQUEST)).text).toMatch(/^HTTP\/1\.1 400 /)
    expect((await speak(gate.port('plain'), socket => socket.write(REQUEST), 300)).text).toBe('')
    const line = await gate.line(({ code }) => code === 'request.proxy-header')
    expect(line).toMatchObject({ listener: 'plain', source: '127.0.0.1', status: 0 })
    expect(line.evidence).toMatchObject({ rule: 'the connection does not begin with a PROXY header' })
  })

  it('is read on a Unix socket, each connection for itself', async () => {
    const dial = (source: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(join(folder, 'gate.sock'), () =>
          socket.write(`PROXY TCP4 ${source} 192.0.2.2 1 2\r\n${REQUEST}`),
        )
        socket.on('error', reject).once('data', (chunk: Buffer) => {
          resolve(chunk.toString('latin1').slice(0, 12))
          socket.destroy()
        })
      })
    const from = upstream.received.length
    const sources = ['192.0.2.31', '192.0.2.32', '203.0.113.1', '192.0.2.33']
    expect(await Promise.all(sources.map(dial))).toEqual([200, 200, 403, 200].map(status => `HTTP/1.1 ${status}`))
    const seen = upstream.received.slice(from).map(({ headers }) => headers['x-forwarded-for'])
    expect(seen.toSorted()).toEqual(['192.0.2.31', '192.0.2.32', '192.0.2.33'])
  })

  it('is waited for no longer than a head', async () => {
    const heard = await speak(gate.port('plain'), socket => socket.write('PROXY TC'), 3_000)
    expect([heard.text, heard.closed]).toEqual(['', true])
    expect(heard.ms).toBeLessThan(2_500)
  })
})
