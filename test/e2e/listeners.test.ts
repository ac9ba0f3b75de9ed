import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const OTHER = webhookSecret()
const BODY = '{"a":1}'
const curl = await hasProgram('curl', '--version')
const nginx = await hasProgram('nginx', '-v')
const ipv6 = Object.values(networkInterfaces()).some(each => each?.some(({ address }) => address === '::1'))

describe('listeners', () => {
  let gate: RunningGate
  let upstream: TestUpstream
  let folder = ''

  beforeAll(async () => {
    upstream = await startUpstream()
    folder = tempFolder()
    gate = await startGate(
      `
listeners:
  - { name: direct, bind: "127.0.0.1:0" }
  - { name: proxied, bind: "127.0.0.1:0", trusted-proxies: [127.0.0.0/8, 10.0.0.0/8, "fd00::/8"] }
  - { name: local, bind: "unix:gate.sock" }
  - { name: behind, bind: "unix:proxied.sock", trusted-proxies: [127.0.0.1] }
${ipv6 ? '  - { name: six, bind: "[::1]:0" }' : ''}
routes:
  - name: x
    match: { path: /hooks/x }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
      - replay: {}
    forward: { to: "${upstream.url}/x" }
  - name: y
    match: { path: /hooks/y }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: OTHER }] }
      - replay: {}
    forward: { to: "${upstream.url}/y" }
  - name: known
    match: { path: /hooks/known }
    checks:
      - source-ip: { allow: [192.0.2.1, "2001:db8::/32"] }
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "${upstream.url}/known" }
  - name: direct-only
    listener: direct
    match: { path: /hooks/direct }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "${upstream.url}/direct" }
`,
      { SECRET, OTHER },
      folder,
      ipv6 ? 5 : 4,
    )
  }, 30_000)
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const seen = () => upstream.received.at(-1)
  const signed = () => signedBy('standard-webhooks', SECRET, BODY)
  const send = (listener: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    ask({ port: gate.port(listener), path, headers: { ...signed(), ...headers }, body: BODY })

  /** A request written out, with these lines among its fields. */
  const written = async (listener: string, path: string, lines: readonly string[]): Promise<string> => {
    const fields = [...Object.entries(signed()).map(([name, value]) => `${name}: ${value}`), ...lines].join('\r\n')
    const text = `POST ${path} HTTP/1.1\r\nHost: gw.test\r\n${fields}\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`
    return (await speak(gate.port(listener), socket => socket.write(text), 5_000)).text.slice(9, 12)
  }

  it('take each only the routes that are theirs', async () => {
    expect((await send('direct', '/hooks/direct')).status).toBe(200)
    expect((await send('proxied', '/hooks/direct')).code).toBe('route.none')
  })

  it('believe X-Forwarded-For of nobody by default', async () => {
    const headers = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-real-ip': '192.0.2.1',
      forwarded: 'for=192.0.2.1',
    }
    expect((await send('direct', '/hooks/known', headers)).code).toBe('source-ip.outside')
    expect((await send('direct', '/hooks/x', headers)).status).toBe(200)
    expect(seen()?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' })
    expect(seen()?.headers).not.toHaveProperty('x-real-ip')
    expect(seen()?.headers.forwarded).toMatch(/^for=127\.0\.0\.1;/)
  })

  it('believe a trusted proxy: the rightmost address that is none', async () => {
    expect((await send('proxied', '/hooks/known', { 'x-forwarded-for': '192.0.2.1' })).status).toBe(200)
    expect(
      (await send('proxied', '/hooks/known', { 'x-forwarded-for': '203.0.113.9, 192.0.2.1, 10.1.2.3' })).status,
    ).toBe(200)
    expect(seen()?.headers['x-forwarded-for']).toBe('192.0.2.1')
    expect((await send('proxied', '/hooks/known', { 'x-forwarded-for': '192.0.2.1, 203.0.113.9' })).code).toBe(
      'source-ip.outside',
    )
    expect((await send('proxied', '/hooks/known', { 'x-forwarded-for': '2001:db8::7, fd00::1' })).status).toBe(200)
    expect(seen()?.headers.forwarded).toMatch(/^for="\[2001:db8::7\]";/)
    expect((await send('proxied', '/hooks/known')).code).toBe('source-ip.outside')
    expect(
      (await send('proxied', '/hooks/x', { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' })).status,
    ).toBe(200)
    expect(seen()?.headers['x-forwarded-proto']).toBe('https')
  })

  it('refuse what a trusted proxy should not have written', async () => {
    const count = upstream.received.length
    for (const value of [
      '010.0.0.1, ::ffff:10.0.0.1%eth0',
      '010.0.0.1',
      '1.2.3',
      'unknown',
      '192.0.2.1:80',
      '192.0.2.1,',
      `${'10.0.0.1, '.repeat(200)}10.0.0.1`,
    ])
      expect(await written('proxied', '/hooks/x', [`X-Forwarded-For: ${value}`])).toBe('400')
    // Two lines are one list, in their order: the attacker's is on the left.
    expect(
      await written('proxied', '/hooks/known', ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 203.0.113.66']),
    ).toBe('403')
    expect(upstream.received.length).toBe(count)
    expect(
      await written('proxied', '/hooks/known', ['X-Forwarded-For: 203.0.113.66', 'X-Forwarded-For: ::ffff:192.0.2.1']),
    ).toBe('200')
  })

  it('take a signature only for the route whose secret made it', async () => {
    const headers = signed()
    const count = upstream.received.length
    const replayed = await ask({ port: gate.port('direct'), path: '/hooks/y', headers, body: BODY })
    expect([replayed.status, replayed.code]).toEqual([401, 'signature.mismatch'])
    expect(upstream.received.length).toBe(count)
    expect((await ask({ port: gate.port('direct'), path: '/hooks/x', headers, body: BODY })).status).toBe(200)
  })

  it('on a Unix socket take requests, and are open to owner and group alone', async () => {
    const unix = join(folder, 'gate.sock')
    expect(statSync(unix).mode & 0o777).toBe(0o660)
    expect((await ask({ unix, path: '/hooks/x', headers: { host: 'gw.test', ...signed() }, body: BODY })).status).toBe(
      200,
    )
    const forged = await ask({ unix, path: '/hooks/y', headers: { host: 'gw.test', ...signed() }, body: BODY })
    expect(forged.code).toBe('signature.mismatch')
  })

  it('on a Unix socket believe a proxy where the loopback is trusted', async () => {
    const headers = { host: 'gw.test', 'x-forwarded-for': '192.0.2.1' }
    const via = (name: string) =>
      ask({ unix: join(folder, name), path: '/hooks/known', headers: { ...headers, ...signed() }, body: BODY })
    expect((await via('gate.sock')).code).toBe('source-ip.outside')
    expect((await via('proxied.sock')).status).toBe(200)
    expect(seen()?.headers['x-forwarded-for']).toBe('192.0.2.1')
  })

  it.skipIf(!curl)('speak with curl over a Unix socket', async () => {
    const fields = Object.entries(signed()).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    const args = [
      '-sS',
      '--unix-socket',
      join(folder, 'gate.sock'),
      ...fields,
      '-d',
      BODY,
      '-w',
      '%{http_code}',
      'http://gw.test/hooks/x',
    ]
    expect((await promisify(execFile)('curl', args)).stdout).toBe('{}200')
  })

  it.skipIf(!ipv6)('on IPv6 take requests and tell the source as it is', async () => {
    const port = gate.port('six')
    const reply = await ask({
      address: '::1',
      port,
      path: '/hooks/x',
      headers: { host: `[::1]:${port}`, ...signed() },
      body: BODY,
    })
    expect(reply.status).toBe(200)
    expect(seen()?.headers).toMatchObject({ 'x-forwarded-for': '::1', 'x-forwarded-host': `[::1]:${port}` })
    expect(seen()?.headers.forwarded).toBe(`for="[::1]";proto=http;host="[::1]:${port}"`)
  })

  it('take HTTP/1.0, and end the connection after it', async () => {
    const fields = Object.entries(signed())
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
    const head = `POST /hooks/x HTTP/1.0\r\nHost: gw.test\r\n${fields}Content-Length: ${BODY.length}\r\n\r\n`
    const heard = await speak(gate.port('direct'), socket => socket.write(head + BODY), 5_000)
    expect(heard.text).toMatch(/^HTTP\/1\.[01] 200 /)
    expect(heard.closed).toBe(true)
  })

  it.skipIf(!nginx).each(['1.0', '1.1'])('take what nginx passes on as HTTP/%s', async version => {
    const port = await freePort()
    const proxy = await startNginx(
      `server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${gate.port('proxied')};
          proxy_http_version ${version};
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header X-Forwarded-Proto https;
        }
      }`,
      port,
    )
    try {
      for (let i = 0; i < 3; i++) {
        const reply = await ask({
          port,
          path: '/hooks/known?via=nginx',
          headers: { host: 'gw.test', 'x-forwarded-for': '192.0.2.1', ...signed() },
          body: BODY,
        })
        // nginx adds the address of its own client, which is a trusted one here.
        expect([reply.status, reply.body]).toEqual([200, '{}'])
        expect(seen()).toMatchObject({ url: '/known?via=nginx', body: Buffer.from(BODY) })
        expect(seen()?.headers).toMatchObject({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' })
      }
      const forged = await ask({ port, path: '/hooks/y', headers: { host: 'gw.test', ...signed() }, body: BODY })
      expect([forged.status, forged.code]).toEqual([401, 'signature.mismatch'])
    } finally {
      await proxy.stop()
    }
  })

  it('over a socket that is left behind listen again, and over one in use they do not', async () => {
    const unix = `listeners:\n  - { name: local, bind: "unix:${folder}/gate.sock" }`
    const routes = `routes:\n  - { name: x, match: { path: /x }, checks: [{ body-limit: {} }, { source-ip: { allow: [127.0.0.1] } }], forward: { to: "${upstream.url}/x" } }`
    await expect(startGate(`${unix}\n${routes}\n`)).rejects.toThrow(/EADDRINUSE/)
    await new Promise((resolve, reject) =>
      connect(join(folder, 'gate.sock'), () => resolve(true))
        .on('error', reject)
        .unref(),
    )
    const first = await startGate(`listeners:\n  - { name: local, bind: "unix:left.sock" }\n${routes}\n`)
    const path = join(first.folder, 'left.sock')
    first.process.kill('SIGKILL')
    await first.exited
    expect(statSync(path).isSocket()).toBe(true)
    const second = await startGate(`listeners:\n  - { name: local, bind: "unix:${path}" }\n${routes}\n`)
    expect(await second.stop()).toBe(0)
    await first.stop()
  })
})
