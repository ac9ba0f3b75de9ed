import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AdminOptions, createAdmin, type Readiness } from '../../src/console/admin.ts'
import { type AdminServer, createAdminServer } from '../../src/console/admin-server.ts'
import { frozenClock } from '../../src/core/clock.ts'
import { Secret } from '../../src/core/secret.ts'
import { createLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

const TOKEN = 'canary-admin-token-5f2d'
const OFFLINE: Readiness = {
  ready: true,
  status: 'ready',
  offline: [{ route: 'stripe', reason: 'STRIPE_SECRET is not set' }],
}
const servers: AdminServer[] = []
const lines: string[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.close()))
  lines.length = 0
})

async function admin(changes: Partial<AdminOptions> = {}, listen = '127.0.0.1') {
  const clock = frozenClock(Date.parse('2026-01-31T08:15:00Z'))
  const handler = createAdmin({
    host: '127.0.0.1',
    token: new Secret(Buffer.from(TOKEN)),
    metrics: createMetrics({ version: '1.2.3' }),
    log: createLog({ destination: { write: text => lines.push(text) } }),
    readiness: () => OFFLINE,
    clock,
    ...changes,
  })
  const server = await createAdminServer({ host: listen, port: 0 }, handler)
  servers.push(server)
  return { clock, ask: asker({ port: server.port, host: '127.0.0.1' }), port: server.port }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const asker =
  (to: { readonly port: number; readonly host: string } | { readonly socketPath: string }) =>
  (path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ ...to, path, headers, method, agent: false }, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', data => {
          text += data
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
      })
      request.on('error', reject)
      request.end(body)
    })

const bearer = { Authorization: `Bearer ${TOKEN}` }

/** Bytes as they stand, and all that comes back. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', data => {
      back += data
    })
    socket.on('close', () => resolve(back))
    socket.on('error', reject)
  })
}

describe('the state of secrets', () => {
  const report = { since: '2026-01-31T08:15:00.000Z', secrets: [] }

  it('is told with the token alone', async () => {
    const { ask } = await admin({ secrets: () => report })
    expect(await ask('/secrets', bearer)).toMatchObject({ status: 200, body: `${JSON.stringify(report)}\n` })
    expect(await ask('/secrets')).toMatchObject({ status: 401 })
    expect(await ask('/secrets', { Authorization: 'Bearer wrong' })).toMatchObject({ status: 401 })
  })
})

describe('probes', () => {
  it('tells that it lives, and whether it serves, a word each, to anybody', async () => {
    const { ask } = await admin()
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' })
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}\n' })
  })

  it.each(['starting', 'draining'])('is not ready while %s, and lives', async status => {
    const { ask } = await admin({ readiness: () => ({ ready: false, status, offline: [] }) })
    expect(await ask('/readyz')).toMatchObject({ status: 503, body: `{"status":"${status}"}\n` })
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('lists offline routes for whoever has the token', async () => {
    const { ask } = await admin()
    expect(JSON.parse((await ask('/readyz', bearer)).body)).toEqual({ status: 'ready', offline: OFFLINE.offline })
  })

  it('answers HEAD without a body', async () => {
    const { ask } = await admin()
    const answer = await ask('/healthz', {}, 'HEAD')
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers['content-length']).toBe('3')
  })
})

describe('the token', () => {
  it('opens the metrics', async () => {
    const { ask } = await admin()
    const answer = await ask('/metrics', bearer)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4')
    expect(answer.body).toContain('sallyport_build_info{version="1.2.3"')
    expect((await ask('/metrics?a=b', bearer)).status).toBe(200)
  })

  it.each(['/metrics', '/', '/console/app.js', '/admin', '/healthz/', '/api/routes'])(
    'is asked for on %s, whether or not that exists (adm-001)',
    async path => {
      const { ask } = await admin()
      const answer = await ask(path)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
      expect(JSON.parse(answer.body)).toMatchObject({ type: 'urn:sallyport:admin.token', code: 'admin.token' })
    },
  )

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `bearer: ${TOKEN}`,
  ])('is not %j', async Authorization => {
    const { ask } = await admin()
    expect((await ask('/metrics', { Authorization })).status).toBe(401)
  })

  it('may be guessed ten times a minute by one source, then not even rightly (adm-007)', async () => {
    const { ask, clock } = await admin()
    const statuses: number[] = []
    for (let i = 0; i < 100; i++) statuses.push((await ask('/metrics', { Authorization: `Bearer no-${i}` })).status)
    expect(statuses.filter(status => status === 401)).toHaveLength(10)
    expect(statuses.filter(status => status === 429)).toHaveLength(90)
    const locked = await ask('/metrics', bearer)
    expect(locked.status).toBe(429)
    expect(locked.headers['retry-after']).toBe('60')
    expect((await ask('/readyz')).status).toBe(200)
    expect((await ask('/readyz', bearer)).body).toBe('{"status":"ready"}\n')
    clock.advance(60_001)
    expect((await ask('/metrics', bearer)).status).toBe(200)
  })

  it('is not replaced by a forwarded address (adm-005)', async () => {
    const { ask } = await admin()
    const headers = { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1' }
    expect((await ask('/metrics', headers)).status).toBe(401)
    for (let i = 0; i < 10; i++)
      await ask('/metrics', { Authorization: 'Bearer no', 'X-Forwarded-For': `198.51.100.${i}` })
    expect((await ask('/metrics', bearer)).status).toBe(429)
  })

  it('shows nowhere', async () => {
    const { ask } = await admin()
    const answers = [await ask('/metrics', bearer), await ask('/readyz', bearer), await ask('/nothing', bearer)]
    await ask('/metrics', { Authorization: `Bearer ${TOKEN}-typo` })
    expect(JSON.stringify(answers) + lines.join('')).not.toContain('canary')
  })

  it('is not needed on loopback where none is configured', async () => {
    const { ask } = await admin({ token: undefined })
    expect((await ask('/metrics')).status).toBe(200)
    expect((await ask('/nothing')).status).toBe(404)
    expect((await ask('/readyz')).body).toContain('STRIPE_SECRET')
  })

  it('is needed off loopback: without one only the probes answer', async () => {
    const { ask } = await admin({ token: undefined, host: '0.0.0.0' }, '0.0.0.0')
    expect((await ask('/healthz')).status).toBe(200)
    expect((await ask('/readyz')).body).toBe('{"status":"ready"}\n')
    const answer = await ask('/metrics')
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body).code).toBe('admin.exposed')
  })
})

describe('pages of strangers', () => {
  it.each([
    'evil.test',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    '10.0.0.1',
    '[::2]',
    'localhost:80:80',
    '0x7f.1',
  ])('are refused under the name %s (adm-002)', async Host => {
    const { ask } = await admin()
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await ask(path, { Host, ...bearer })).status).toBe(421)
  })

  it.each(['localhost', 'LOCALHOST:9901', '127.0.0.1', '127.0.0.1:80', '127.9.9.9', '[::1]:9901', 'gate.internal'])(
    'are told from the name %s',
    async Host => {
      const { ask } = await admin({ names: ['Gate.internal'] })
      expect((await ask('/metrics', { Host, ...bearer })).status).toBe(200)
    },
  )

  it('lets a probe ask a wildcard bind by the address that it reached', async () => {
    const { ask } = await admin({ host: '0.0.0.0' }, '0.0.0.0')
    expect((await ask('/healthz', { Host: '127.0.0.1:9901' })).status).toBe(200)
    expect((await ask('/healthz', { Host: '10.1.2.3:9901' })).status).toBe(421)
    expect((await ask('/healthz', { Host: 'evil.test' })).status).toBe(421)
  })

  it.each([
    { Origin: 'https://evil.test', Cookie: 'session=1' },
    { Origin: 'null' },
    { Origin: 'http://localhost:1' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'none, cross-site' },
  ])('are refused by %j (adm-003, adm-004)', async headers => {
    const { ask } = await admin()
    expect((await ask('/metrics', { ...bearer, ...headers })).status).toBe(403)
    expect((await ask('/healthz', headers)).status).toBe(403)
  })

  it('are not hidden behind many header fields', async () => {
    const { ask } = await admin()
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`X-${i}`, '1']))
    expect((await ask('/metrics', { ...many, ...bearer, Origin: 'https://evil.test' })).status).toBe(403)
  })

  it('lets its own page and a typed address through', async () => {
    const { ask, port } = await admin()
    const Host = `127.0.0.1:${port}`
    const own = { Host, Origin: `http://${Host}`, 'Sec-Fetch-Site': 'same-origin' }
    expect((await ask('/metrics', { ...bearer, ...own })).status).toBe(200)
    expect((await ask('/metrics', { ...bearer, 'Sec-Fetch-Site': 'none' })).status).toBe(200)
  })

  it('can not frame, sniff, cache or script any answer (adm-011)', async () => {
    const { ask } = await admin()
    for (const answer of [
      await ask('/healthz'),
      await ask('/metrics', bearer),
      await ask('/x'),
      await ask('/x', bearer),
    ]) {
      expect(answer.headers['x-frame-options']).toBe('DENY')
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
      expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      expect(answer.headers['cache-control']).toBe('no-store')
    }
  })
})

describe('what is no plain question', () => {
  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])('%s is refused', async method => {
    const { ask } = await admin()
    const answer = await ask('/metrics', bearer, method)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })

  it('a body is not read', async () => {
    const { ask } = await admin()
    const answer = await ask('/healthz', { 'Content-Length': '5' }, 'GET', 'hello')
    expect(answer).toMatchObject({ status: 413 })
    expect(answer.headers.connection).toBe('close')
  })

  it.each([
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\nConnection: close\r\n\r\n'],
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['an absolute target', 'GET http://evil.test/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['nonsense', '\u0016\u0003\u0001\r\n\r\n'],
    ['a head beyond the limit', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9000)}\r\n\r\n`],
  ])('%s is malformed', async (_name, text) => {
    const { port } = await admin()
    expect(await raw(port, text)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('CONNECT and Upgrade end the connection', async () => {
    const { port } = await admin()
    expect(await raw(port, 'CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n')).toBe('')
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(await raw(port, upgrade)).toBe('')
  })

  it('a thrown error ends the request and shows nothing of itself', async () => {
    const { ask } = await admin({
      metrics: { contentType: 'text/plain', render: () => Promise.reject(new Error('no')) },
    })
    await expect(ask('/metrics', bearer)).rejects.toThrow()
    expect(lines.join('')).toContain('admin failed')
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('each refusal is logged with its code and what mends it', async () => {
    const { ask } = await admin()
    await ask('/metrics', { Host: 'evil.test' })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      msg: 'admin refused',
      code: 'admin.host',
      status: 421,
    })
  })
})

describe('the server', () => {
  it('listens on a Unix socket, in place of one that a crash left', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'admin-'))
    const path = join(folder, 'admin.sock')
    const handler = createAdmin({
      host: undefined,
      metrics: createMetrics({ version: '1' }),
      log: createLog({ destination: { write: () => true } }),
      readiness: () => OFFLINE,
    })
    const crashed = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log())`,
    ])
    await new Promise(resolve => crashed.stdout.once('data', resolve))
    crashed.kill('SIGKILL')
    await new Promise(resolve => crashed.once('exit', resolve))
    expect(existsSync(path)).toBe(true)
    const server = await createAdminServer({ unix: path }, handler)
    await expect(createAdminServer({ unix: path }, handler)).rejects.toThrow('EADDRINUSE')
    expect((await asker({ socketPath: path })('/metrics', { Host: 'anything' })).status).toBe(200)
    await server.close()
    rmSync(folder, { recursive: true })
  })

  it('says when its port is taken', async () => {
    const { port } = await admin()
    await expect(createAdminServer({ host: '127.0.0.1', port }, () => undefined)).rejects.toThrow('EADDRINUSE')
  })

  it('closes although somebody holds a connection', async () => {
    const { port } = await admin()
    const socket = connect(port, '127.0.0.1')
    await new Promise(resolve => socket.once('connect', resolve))
    socket.write('GET /healthz HTTP/1.1\r\nHost:')
    const start = performance.now()
    await servers.pop()?.close()
    expect(performance.now() - start).toBeLessThan(4000)
    socket.destroy()
  })
})
