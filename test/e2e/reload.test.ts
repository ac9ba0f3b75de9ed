import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { descriptors } from '../support/descriptors.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'

interface Parts {
  readonly listeners?: readonly string[]
  readonly checks?: readonly string[]
  readonly path?: string
}

/** How many reloads a test under load makes; SALLYPORT_RELOADS=200 for a long look. */
const RELOADS = Number(process.env.SALLYPORT_RELOADS ?? 20)

const SIGNED = '- signature: { provider: standard-webhooks, secrets: [{ file: hook.secret }] }'

describe('a reload', () => {
  let gate: RunningGate | undefined
  let upstream: TestUpstream | undefined
  afterEach(async () => {
    await upstream?.close()
    const code = await gate?.stop()
    gate = upstream = undefined
    expect(code).toBe(0)
  })

  const config = ({ listeners, checks, path }: Parts = {}): string => `
listeners:
${(listeners ?? ['name: public, bind: "127.0.0.1:0"']).map(each => `  - { ${each} }`).join('\n')}
routes:
  - name: a
    match: { path: ${path ?? '/a'} }
    checks:
${(checks ?? [SIGNED]).map(each => `      ${each}`).join('\n')}
    forward: { to: ${upstream?.url}/in }
`
  const start = async (parts: Parts = {}, listeners = 1): Promise<RunningGate> => {
    upstream = await startUpstream()
    const folder = tempFolder()
    writeFileSync(join(folder, 'hook.secret'), SECRET)
    gate = await startGate(config(parts), {}, folder, listeners)
    return gate
  }
  const send = (port: number, path = '/a', secret = SECRET, headers?: Record<string, string>) =>
    ask({ port, path, headers: headers ?? signedBy('standard-webhooks', secret, BODY), body: BODY })

  it('by SIGHUP takes over the whole config; open connections stay', async () => {
    const { port, reload, line } = await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports: (number | undefined)[] = []
    agent.on('free', socket => ports.push(socket.localPort))
    const on = (path: string) =>
      ask({ port: port('public'), path, headers: signedBy('standard-webhooks', SECRET, BODY), body: BODY, agent })
    expect((await on('/a')).status).toBe(200)
    expect(await reload(config({ path: '/b' }))).toMatchObject({ msg: 'reloaded' })
    expect((await on('/a')).code).toBe('route.none')
    expect((await on('/b')).status).toBe(200)
    expect(new Set(ports).size).toBe(1)
    agent.destroy()
    await line(({ msg }) => msg === 'reloaded')
  })

  it('by a changed config file or secret needs no signal', async () => {
    const running = await start()
    const port = running.port('public')
    const first = running.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(running.folder, 'gate.yaml'), config({ path: '/b' }))
    await first
    expect((await send(port, '/b')).status).toBe(200)
    const other = webhookSecret()
    const second = running.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(running.folder, 'hook.secret'), other)
    await second
    expect((await send(port, '/b')).code).toBe('signature.mismatch')
    expect((await send(port, '/b', other)).status).toBe(200)
  })

  it('of a bad config keeps the old one, says where the fault is, and takes the mended one by itself', async () => {
    const running = await start()
    const port = running.port('public')
    const told = await running.reload(config().replace('forward:', 'foward:'))
    expect(told).toMatchObject({ level: 'error', msg: 'reload refused' })
    expect(String(told.reason)).toMatch(/gate\.yaml:\d+:\d+/)
    expect(String(told.reason)).toMatch(/mend: /)
    expect((await send(port)).status).toBe(200)
    const mended = running.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(running.folder, 'gate.yaml'), config({ path: '/b' }))
    await mended
    expect((await send(port, '/b')).status).toBe(200)
  })

  it('that was refused for lack of a file is made once the file comes', async () => {
    const running = await start()
    const certificates = tempFolder()
    await makeCertificates(certificates)
    const tls = 'tls: { certificates: [{ cert: late.crt, key: late.key }] }'
    const listeners = ['name: public, bind: "127.0.0.1:0"', `name: secure, bind: "127.0.0.1:0", ${tls}`]
    // No signal: what its watcher finds later would be another reload.
    const refused = running.next(({ msg }) => msg === 'reload refused')
    writeFileSync(join(running.folder, 'gate.yaml'), config({ listeners }))
    expect(String((await refused).reason)).toContain('late.crt')
    const mended = running.next(({ msg }) => msg === 'reloaded')
    for (const [from, to] of [
      ['server.key', 'late.key'],
      ['server.crt', 'late.crt'],
    ] as const)
      copyFileSync(join(certificates, from), join(running.folder, to))
    expect(await mended).toMatchObject({ cause: 'files' })
    const ca = readFileSync(join(certificates, 'ca.crt'))
    const headers = signedBy('standard-webhooks', SECRET, BODY)
    expect((await ask({ port: running.port('secure'), path: '/a', headers, body: BODY, tls: { ca } })).status).toBe(200)
  })

  it("by another token of the admin listener's file needs no signal", async () => {
    const folder = tempFolder()
    upstream = await startUpstream()
    writeFileSync(join(folder, 'hook.secret'), SECRET)
    writeFileSync(join(folder, 'admin.token'), 'first-token-0123456789')
    const admin = 'admin: { bind: "127.0.0.1:0", token: { file: admin.token } }'
    gate = await startGate(`${config()}\n${admin}\n`, {}, folder, 2)
    const port = gate.port('admin')
    const askWith = (token: string) =>
      ask({ port, path: '/metrics', method: 'GET', headers: { authorization: `Bearer ${token}` } })
    expect((await askWith('first-token-0123456789')).status).toBe(200)
    const taken = gate.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(folder, 'admin.token'), 'second-token-0123456789')
    await taken
    expect((await askWith('first-token-0123456789')).status).toBe(401)
    expect((await askWith('second-token-0123456789')).status).toBe(200)
  })

  it('whose new listener has no free port keeps the old config whole', async () => {
    const running = await start()
    const port = running.port('public')
    const told = await running.reload(
      config({
        listeners: ['name: public, bind: "127.0.0.1:0"', `name: more, bind: "127.0.0.1:${upstream?.port}"`],
        path: '/b',
      }),
    )
    expect(told).toMatchObject({ msg: 'reload refused' })
    expect(String(told.reason)).toMatch(/EADDRINUSE/)
    expect((await send(port)).status).toBe(200)
    expect((await send(port, '/b')).status).toBe(404)
  })

  it('opens an added listener and closes a removed one', async () => {
    const one = 'name: public, bind: "127.0.0.1:0"'
    const running = await start({ listeners: [one] })
    const port = running.port('public')
    await running.reload(config({ listeners: [one, 'name: second, bind: "127.0.0.1:0"'] }))
    await running.line(line => line.listener === 'second')
    const second = running.port('second')
    expect(second).not.toBe(port)
    expect((await send(port)).status).toBe(200)
    expect((await send(second)).status).toBe(200)
    await running.reload(config({ listeners: [one, 'name: second, bind: "127.0.0.1:0"'], path: '/b' }))
    expect((await send(port, '/b')).status).toBe(200)
    expect((await send(second, '/b')).status).toBe(200)
    await running.reload(config({ listeners: ['name: second, bind: "127.0.0.1:0"'] }))
    expect((await send(second)).status).toBe(200)
    await new Promise(resolve => setTimeout(resolve, 50))
    await expect(send(port)).rejects.toThrow(/ECONNREFUSED/)
  })

  it('that renames a listener renames it in the log', async () => {
    const port = await freePort()
    const running = await start({ listeners: [`name: public, bind: "127.0.0.1:${port}"`] })
    await running.reload(config({ listeners: [`name: renamed, bind: "127.0.0.1:${port}"`] }))
    const reply = await send(port)
    expect(reply.status).toBe(200)
    const id = reply.headers['x-request-id']
    expect(await running.line(line => line['request-id'] === id)).toMatchObject({ listener: 'renamed' })
  })

  it('puts new limits in force', async () => {
    const bind = 'name: public, bind: "127.0.0.1:0"'
    const running = await start({ listeners: [bind] })
    const port = running.port('public')
    const padded = { ...signedBy('standard-webhooks', SECRET, BODY), 'x-padding': 'p'.repeat(6_000) }
    expect((await send(port, '/a', SECRET, padded)).status).toBe(200)
    await running.reload(config({ listeners: [`${bind}, limits: { head-bytes: 4KiB, headers: 8 }`] }))
    const long = { ...signedBy('standard-webhooks', SECRET, BODY), 'x-padding': 'p'.repeat(6_000) }
    expect((await send(port, '/a', SECRET, long)).status).toBe(431)
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x-${i}`, 'v']))
    expect((await send(port, '/a', SECRET, { ...signedBy('standard-webhooks', SECRET, BODY), ...many })).status).toBe(
      431,
    )
    expect((await send(port)).status).toBe(200)
  })

  it('keeps rate limits and what replay remembers', async () => {
    const checks = ['- rate-limit: { rate: 2/h, burst: 2, by: source-ip }', SIGNED, '- replay: {}']
    const running = await start({ checks })
    const port = running.port('public')
    const headers = signedBy('standard-webhooks', SECRET, BODY)
    expect((await send(port, '/a', SECRET, headers)).status).toBe(200)
    await running.reload(config({ checks }).replace('name: a', 'name: a # changed'))
    const again = await send(port, '/a', SECRET, headers)
    expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
    await running.reload(config({ checks }))
    expect((await send(port)).code).toBe('rate-limit.exceeded')
    expect(upstream?.received).toHaveLength(1)
  })

  it('of a certificate reaches the next handshake; a pair that does not fit keeps the old one', async () => {
    upstream = await startUpstream()
    const folder = tempFolder()
    writeFileSync(join(folder, 'hook.secret'), SECRET)
    await makeCertificates(folder)
    const tls = 'name: public, bind: "127.0.0.1:0", tls: { certificates: [{ cert: server.crt, key: server.key }] }'
    const running = await startGate(config({ listeners: [tls] }), {}, folder)
    gate = running
    const port = running.port('public')
    const ca = readFileSync(join(folder, 'ca.crt'))
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1 })
    const on = () =>
      ask({ port, path: '/a', tls: { ca }, headers: signedBy('standard-webhooks', SECRET, BODY), body: BODY, agent })
    const serial = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca }, () => {
          resolve(socket.getPeerCertificate().serialNumber)
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const before = await serial()
    expect((await on()).status).toBe(200)

    const refused = running.next(({ msg }) => msg === 'reload refused')
    const key = readFileSync(join(folder, 'server.key'))
    writeFileSync(join(folder, 'server.key'), readFileSync(join(folder, 'client.key')))
    expect(String((await refused).reason)).toMatch(/server\.(key|crt)/)
    expect(await serial()).toBe(before)

    const reloaded = running.next(({ msg }) => msg === 'reloaded')
    writeFileSync(join(folder, 'server.key'), key)
    await reloaded
    const renewed = running.next(({ msg }) => msg === 'reloaded')
    rmSync(join(folder, 'server.crt'))
    rmSync(join(folder, 'server.key'))
    expect((await sallyport(['certs', 'init', '--dir', folder])).code).toBe(0)
    await renewed
    expect(await serial()).not.toBe(before)
    expect((await on()).status).toBe(200)
    agent.destroy()
  })

  it(`${RELOADS} times under load, every third config bad, fails no request and leaks no descriptor`, async () => {
    const running = await start()
    const port = running.port('public')
    await underLoad(
      running,
      RELOADS,
      () => ({ port }),
      i => (i % 3 === 2 ? config().replace('forward:', 'foward:') : config().replace('name: a', `name: a # ${i}`)),
    )
  }, 300_000)

  it(`${RELOADS} times under load with TLS, every certificate and CRL read anew, the same`, async () => {
    upstream = await startUpstream()
    const folder = tempFolder()
    writeFileSync(join(folder, 'hook.secret'), SECRET)
    await makeCertificates(folder)
    const tls =
      'tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt, client-crl: clients.crl }'
    const listeners = [`name: public, bind: "127.0.0.1:0", ${tls}`]
    const running = await startGate(config({ listeners }), {}, folder)
    gate = running
    const [ca, cert, key] = ['ca.crt', 'client.crt', 'client.key'].map(name => readFileSync(join(folder, name)))
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('no certificates were made')
    const checks = [SIGNED, '- client-cert: {}'].toReversed()
    const what = () => ({ port: running.port('public'), tls: { ca, cert, key } })
    await underLoad(running, RELOADS, what, i =>
      i % 3 === 2
        ? config().replace('forward:', 'foward:')
        : config({ listeners, checks }).replace('name: a', `name: a # ${i}`),
    )
  }, 300_000)

  /** Reloads again and again while four clients send on kept connections and one on a new one each time. */
  async function underLoad(
    running: RunningGate,
    times: number,
    what: () => Pick<Ask, 'port' | 'tls'>,
    yaml: (index: number) => string,
  ): Promise<void> {
    let stop = false
    const wrong: string[] = []
    const client = async (kept: boolean): Promise<void> => {
      const Kept = what().tls === undefined ? Agent : TlsAgent
      const agent = kept ? new Kept({ keepAlive: true, maxSockets: 1 }) : undefined
      while (!stop) {
        const headers = signedBy('standard-webhooks', SECRET, BODY)
        const sent = ask({ ...what(), path: '/a', headers, body: BODY, ...(agent ? { agent } : {}) })
        const reply = await sent.catch(error => ({ status: String(error) }))
        if (reply.status !== 200) wrong.push(String(reply.status))
      }
      agent?.destroy()
    }
    // A first reload and a first burst open what stays open: watchers, and connections to the upstream.
    await running.reload(yaml(0))
    const clients = [true, true, true, true, false].map(client)
    const told: unknown[] = []
    let base = 0
    for (let i = 0; i < times; i++) {
      told.push((await running.reload(yaml(i))).msg)
      if (i === 4) base = descriptors(running.process.pid)
    }
    const high = descriptors(running.process.pid)
    stop = true
    await Promise.all(clients)
    expect(wrong).toEqual([])
    expect(told).toEqual(Array.from({ length: times }, (_, i) => (i % 3 === 2 ? 'reload refused' : 'reloaded')))
    // Connections come and go; a leak of one a reload would show as so many.
    expect(high - base).toBeLessThan(8)
  }

  it('needs no socket of a client to be cut: one that is just sending its head is served by the new config', async () => {
    const running = await start()
    const socket = connect(running.port('public'), '127.0.0.1')
    const fields = Object.entries(signedBy('standard-webhooks', SECRET, BODY)).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    socket.write(`POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n`)
    await new Promise(resolve => setTimeout(resolve, 50))
    await running.reload(config({ path: '/b' }))
    socket.write(`${fields.join('')}\r\n${BODY}`)
    const answer = await new Promise<string>(resolve => socket.once('data', chunk => resolve(chunk.toString('latin1'))))
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })
})
