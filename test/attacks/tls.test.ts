import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createTlsServer, type Server } from 'node:https'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { descriptors } from '../support/descriptors.ts'
import { type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { CLIENT_AUTH, type Craft, type Crafted, craft, craftCrl, DAY, openssl, SERVER_AUTH } from '../tls/craft.ts'
import { requestText, type Said, said, sClient } from './tls-peers.ts'

/** Handshakes that never end; the corpus names 5000. */
const HALF_HANDSHAKES = Number(process.env.SALLYPORT_HALF_HANDSHAKES ?? 300)
const JSON_TYPE = { 'content-type': 'application/json' }

let gate: RunningGate
let upstream: TestUpstream
let root: Crafted
let sub: Crafted
const folder = tempFolder()
const file = (name: string): string => join(folder, name)

/** Writes a certificate, what follows it in the chain, and its key. */
function write(name: string, crafted: Crafted, chain: readonly Crafted[] = []): void {
  writeFileSync(file(`${name}.crt`), [crafted, ...chain].map(({ certificate }) => certificate).join(''))
  writeFileSync(file(`${name}.key`), crafted.key, { mode: 0o600 })
}

const client = (more: Partial<Craft> = {}): Promise<Crafted> =>
  craft({ subject: 'CN=client', issuer: root, dns: ['bank.example'], ...more })

const config = (): string => `
listeners:
  - name: mutual
    bind: 127.0.0.1:0
    tls:
      certificates: [{ cert: server.crt, key: server.key }, { cert: b.crt, key: b.key }]
      client-ca: root.crt
      client-crl: all.crl
    limits: { head: 1s }
  - name: open
    bind: 127.0.0.1:0
    tls: { certificates: [{ cert: server.crt, key: server.key }, { cert: b.crt, key: b.key }] }
routes:
  - name: any
    match: { path: /any }
    checks: [{ client-cert: {} }]
    forward: { to: ${upstream.url}/any }
  - name: bank
    match: { path: /bank }
    checks: [{ client-cert: { allow: [{ dns: bank.example }] } }]
    forward: { to: ${upstream.url}/bank }
  - name: a
    match: { path: /here, host: a.test }
    checks: [{ client-cert: {} }]
    forward: { to: ${upstream.url}/a }
  - name: b
    match: { path: /here, host: b.test }
    checks: [{ client-cert: { allow: [{ dns: other.example }] } }]
    forward: { to: ${upstream.url}/b }
  - name: source
    match: { path: /source }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward: { to: ${upstream.url}/source }
`

async function writeCrls(revoked: readonly string[] = [], ofSub: string | undefined = undefined): Promise<void> {
  writeFileSync(file('all.crl'), (await craftCrl(root, { revoked })) + (ofSub ?? (await craftCrl(sub))))
}

beforeAll(async () => {
  root = await craft({ subject: 'CN=Clients root', ca: true })
  sub = await craft({ subject: 'CN=Clients sub', ca: true, issuer: root })
  writeFileSync(file('root.crt'), root.certificate)
  write('server', await craft({ subject: 'CN=a', usage: [SERVER_AUTH], dns: ['a.test', 'localhost'] }))
  write('b', await craft({ subject: 'CN=b', usage: [SERVER_AUTH], dns: ['b.test'] }))
  write('client', await client())
  await writeCrls()
  upstream = await startUpstream()
  gate = await startGate(config(), {}, folder, 2)
}, 30_000)
afterAll(async () => {
  await upstream.close()
  const code = await gate.stop()
  expect(code, gate.stderr()).toBe(0)
}, 40_000)

const as = (name: string): string[] => [
  '-cert',
  file(`${name}.crt`),
  '-key',
  file(`${name}.key`),
  '-cert_chain',
  file(`${name}.crt`),
]
const speak = (args: readonly string[], path = '/any', host = 'localhost', listener = 'mutual'): Promise<Said> =>
  sClient(gate.port(listener), args, path, host)

/** Nothing may reach the upstream while `attempt` runs. */
async function unforwarded<T>(attempt: () => Promise<T>): Promise<T> {
  const before = upstream.received.length
  const result = await attempt()
  expect(upstream.received.length).toBe(before)
  return result
}

const refused = (args: readonly string[], status: number, code: string | RegExp, path?: string, host?: string) =>
  unforwarded(async () => {
    const { statuses, codes } = await speak(args, path, host)
    expect(statuses).toEqual([status])
    expect(codes[0]).toMatch(code)
  })

async function alive(): Promise<void> {
  const reply = await speak(as('client'))
  expect(reply.statuses).toEqual([200])
}

/** A certificate is written, used, refused. */
async function refusedClient(crafted: Crafted, code: string, chain: readonly Crafted[] = [], path = '/any') {
  write('bad', crafted, chain)
  await refused(as('bad'), 403, code, path)
}

describe('the attack corpus on TLS', () => {
  it.each(['-ssl3', '-tls1', '-tls1_1'])('tls-001: %s gets no handshake', async version => {
    const { statuses } = await unforwarded(() => speak([...as('client'), version, '-cipher', 'ALL:@SECLEVEL=0']))
    expect(statuses).toEqual([])
  })

  it('tls-001: the log says why there was no handshake', async () => {
    await speak(['-tls1_2', '-cipher', 'AES128-SHA'])
    const line = await gate.line(({ evidence }) => /no cipher suite that fits/.test(JSON.stringify(evidence ?? '')))
    expect(line).toMatchObject({ code: 'request.handshake', status: 0, listener: 'mutual' })
  })

  it('a sender that speaks plain HTTP is told so in plain HTTP, whatever it sends', async () => {
    for (const body of ['', '{}', 'x'.repeat(200_000)]) {
      const plain = await unforwarded(() =>
        ask({ port: gate.port('mutual'), method: 'POST', path: '/any', headers: JSON_TYPE, body }),
      )
      expect(plain).toMatchObject({ status: 400, code: 'request.plain-http' })
      const id = plain.headers['x-request-id']
      expect(await gate.line(line => line['request-id'] === id)).toMatchObject({
        code: 'request.plain-http',
        status: 400,
        listener: 'mutual',
        source: '127.0.0.1',
      })
    }
  })

  it('tls-002: no certificate where a route demands one', () => refused([], 401, 'client-cert.missing'))

  it.each(['-tls1_2', '-tls1_3'])(
    'tls-003: %s: a session without a certificate is none when resumed',
    async version => {
      const session = file('session')
      for (const listener of ['mutual', 'open']) {
        const first = await unforwarded(() => speak([version, '-sess_out', session], '/any', 'localhost', listener))
        expect(first.codes).toEqual(['client-cert.missing'])
        const more = [version, '-sess_in', session]
        const second = await unforwarded(() => speak(more, '/any', 'localhost', listener))
        expect(second.codes).toEqual(['client-cert.missing'])
      }
      const withCertificate = await speak([version, '-sess_in', session, ...as('client')])
      expect([withCertificate.statuses, withCertificate.reused]).toEqual([[200], false])
    },
  )

  it.each(['-tls1_2', '-tls1_3'])('tls-004: %s: a session from before the revocation is refused', async version => {
    const leaver = await client({ dns: ['leaver.example'] })
    write('leaver', leaver)
    const session = file('leaver.session')
    expect((await speak([...as('leaver'), version, '-sess_out', session])).statuses).toEqual([200])
    const told = gate.next(line => line.msg === 'reloaded')
    await writeCrls([leaver.serial])
    await told
    const again = await unforwarded(() => speak([...as('leaver'), version, '-sess_in', session]))
    expect([again.codes, again.reused]).toEqual([['client-cert.untrusted'], false])
  })

  it.each(['-tls1_2', '-tls1_3'])('tls-005: %s: a ticket of one name opens nothing under another', async version => {
    const session = file('ticket')
    const sni = (name: string): string[] => [version, '-servername', name]
    expect(
      (await speak([...sni('a.test'), ...as('client'), '-sess_out', session], '/here', 'a.test')).statuses,
    ).toEqual([200])
    const other = [...sni('b.test'), '-sess_in', session]
    const moved = await unforwarded(() => speak(other, '/here', 'b.test'))
    expect([moved.reused, moved.codes]).toEqual([false, ['client-cert.missing']])
    const fronted = await unforwarded(() => speak([...other, ...as('client')], '/here', 'a.test'))
    expect([fronted.reused, fronted.codes]).toEqual([false, ['request.misdirected']])
  })

  it('tls-006: SNI of one name, Host of another', async () => {
    const b = [...as('client'), '-servername', 'b.test']
    await refused(b, 421, 'request.misdirected', '/here', 'a.test')
    await refused([...as('client'), '-servername', 'elsewhere.test'], 421, 'request.misdirected', '/here', 'a.test')
    await refused([...as('client'), '-servername', 'a.test'], 421, 'request.misdirected', '/here', 'b.test')
    const logged = await gate.line(line => line.code === 'request.misdirected')
    expect(logged.evidence).toMatchObject({ 'server-name': 'b.test', host: 'a.test' })
  })

  it('tls-006: names that lead to the same route agree, and no SNI is no name', async () => {
    const sent = async (sni: readonly string[], path: string, host: string) =>
      (await speak([...as('client'), ...sni], path, host)).statuses
    expect(await sent(['-servername', 'A.Test'], '/here', 'a.test')).toEqual([200])
    expect(await sent(['-servername', 'a.test'], '/any', 'localhost:8443')).toEqual([200])
    expect(await sent(['-noservername'], '/here', 'a.test')).toEqual([200])
    expect(await sent(['-servername', 'a.test'], '/nowhere', 'b.test')).toEqual([404])
  })

  it('tls-006: pipelined requests are each held to the name of the handshake', async () => {
    const input =
      requestText('/here', 'a.test') +
      requestText('/here', 'b.test') +
      requestText('/any', 'a.test', 'Connection: close\r\n')
    const where = ['-connect', `127.0.0.1:${gate.port('mutual')}`, '-servername', 'a.test']
    const { statuses } = said(await openssl(['s_client', '-ign_eof', ...where, ...as('client')], input))
    expect(statuses).toEqual([200, 421, 200])
  })

  it('tls-007: a certificate for servers', async () => {
    await refusedClient(await client({ usage: [SERVER_AUTH] }), 'client-cert.untrusted')
  })

  it('tls-008: a certificate without extended key usage', async () => {
    await refusedClient(await client({ usage: undefined }), 'client-cert.eku')
  })

  it('tls-009: expired, not yet valid, of another CA, self-signed', async () => {
    const now = Date.now()
    await refusedClient(await client({ notBefore: now - 9 * DAY, notAfter: now - DAY }), 'client-cert.expired')
    await refusedClient(await client({ notBefore: now + DAY, notAfter: now + 9 * DAY }), 'client-cert.expired')
    const other = await craft({ subject: 'CN=Other root', ca: true })
    await refusedClient(await client({ issuer: other }), 'client-cert.untrusted')
    await refusedClient(await client({ issuer: other }), 'client-cert.untrusted', [other])
    const namesake = await craft({ subject: 'CN=Clients root', ca: true })
    // The TLS library itself ends this one: what is signed is not what the named CA signed.
    write('bad', await client({ issuer: namesake }))
    expect((await unforwarded(() => speak(as('bad')))).statuses).not.toContain(200)
    await refusedClient(await craft({ subject: 'CN=self', usage: [CLIENT_AUTH] }), 'client-cert.untrusted')
  })

  it('tls-010: a leaf that signs', async () => {
    const leaf = await client()
    await refusedClient(await client({ issuer: leaf, subject: 'CN=forged' }), 'client-cert.untrusted', [leaf])
  })

  it('tls-011: a CN that is allowed beside a SAN that is not', async () => {
    const crafted = await client({ subject: 'CN=bank.example', dns: ['evil.example'] })
    await refusedClient(crafted, 'client-cert.not-allowed', [], '/bank')
    await refusedClient(
      await craft({ subject: 'CN=bank.example', issuer: root }),
      'client-cert.not-allowed',
      [],
      '/bank',
    )
  })

  it.each([
    ['NUL in a name', ['bank.example\0.evil.example']],
    ['a name that prints as two', ['evil.example, DNS:bank.example']],
    ['a comma', ['bank.example,evil.example']],
    ['quotes', ['"bank.example"']],
    ['a line feed', ['evil.example\nDNS:bank.example']],
  ])('tls-012: %s', async (_, dns) => {
    await refusedClient(await client({ dns }), 'client-cert.not-allowed', [], '/bank')
  })

  it('tls-012: NUL in the subject', async () => {
    await refusedClient(
      await client({ subject: 'CN=bank.example\\00.evil.example', dns: [] }),
      'client-cert.not-allowed',
      [],
      '/bank',
    )
  })

  it('tls-013: revoked, CRL expired, CRL of an intermediate missing; each is told', async () => {
    const problem = async (): Promise<string> => {
      const at = gate.lines.length
      await refused(as('member'), 403, 'client-cert.untrusted')
      await gate.line(line => gate.lines.indexOf(line) >= at && line.code === 'client-cert.untrusted')
      const line = gate.lines.findLast(each => each.code === 'client-cert.untrusted')
      return JSON.stringify(line?.evidence)
    }
    const reloaded = async (change: () => Promise<void>): Promise<void> => {
      const told = gate.next(line => line.msg === 'reloaded')
      await change()
      await told
    }
    const member = await client({ issuer: sub, subject: 'CN=member' })
    write('member', member, [sub])
    await reloaded(() => writeCrls())
    expect((await speak(as('member'))).statuses).toEqual([200])
    await reloaded(async () => writeCrls([], await craftCrl(sub, { revoked: [member.serial] })))
    expect(await problem()).toMatch(/was revoked/)
    const long = { thisUpdate: Date.now() - 9 * DAY, nextUpdate: Date.now() - DAY }
    await reloaded(async () => writeCrls([], await craftCrl(sub, long)))
    expect(await problem()).toMatch(/CRL of CN=Clients sub has expired/)
    expect(gate.lines.some(({ msg, problem: told }) => msg === 'tls' && /has expired/.test(String(told)))).toBe(true)
    await reloaded(() => writeCrls([], ''))
    expect(await problem()).toMatch(/CRL of CN=Clients sub is missing/)
    await alive()
    await reloaded(async () => writeFileSync(file('all.crl'), 'nothing'))
    expect(await problem()).toMatch(/holds no CRL/)
    await reloaded(() => writeCrls())
  })

  /** An open connection of a client, asked for one answer. */
  const open = (name: string): Promise<{ socket: TLSSocket; closed: Promise<number>; text: () => string }> =>
    new Promise((resolve, reject) => {
      const [cert, key] = [readFileSync(file(`${name}.crt`)), readFileSync(file(`${name}.key`))]
      const socket = connectTls({ port: gate.port('mutual'), host: '127.0.0.1', cert, key, rejectUnauthorized: false })
      let text = ''
      const closed = new Promise<number>(ended => socket.once('close', () => ended(performance.now())))
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (text.includes('\r\n\r\n')) resolve({ socket, closed, text: () => text })
      })
      socket.once('secureConnect', () => socket.write(requestText('/any', 'localhost')))
    })

  it('tls-014: a new CRL closes the open connections of the revoked within a second, and no other', async () => {
    const leaver = await client({ dns: ['leaver.example'] })
    write('gone', leaver)
    const [gone, busy, stays] = [await open('gone'), await open('gone'), await open('client')]
    // One of them is in the middle of a request when it happens.
    busy.socket.write('POST /any HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{"a"')
    await new Promise(resolve => setTimeout(resolve, 50))
    const before = upstream.received.length
    const told = gate.next(line => line.msg === 'reloaded')
    await writeCrls([leaver.serial])
    await told
    const from = performance.now()
    expect((await gone.closed) - from).toBeLessThan(1_000)
    expect((await busy.closed) - from).toBeLessThan(1_000)
    expect(upstream.received.length).toBe(before)
    await refused(as('gone'), 403, 'client-cert.untrusted')
    const heard = stays.text().length
    stays.socket.write(requestText('/any', 'localhost'))
    await expect.poll(() => stays.text().slice(heard)).toMatch(/^HTTP\/1\.1 200 /)
    stays.socket.destroy()
  })

  it('tls-014: a CA that is taken out closes the connections of its clients', async () => {
    const other = await craft({ subject: 'CN=Other root', ca: true })
    write('strange', await client({ issuer: other }))
    const changed = async (bundle: string, crls: string): Promise<void> => {
      const told = gate.next(line => line.msg === 'reloaded')
      writeFileSync(file('all.crl'), crls)
      writeFileSync(file('root.crt'), bundle)
      await told
    }
    const crls = readFileSync(file('all.crl'), 'utf8')
    await changed(root.certificate + other.certificate, crls + (await craftCrl(other)))
    const [strange, stays] = [await open('strange'), await open('client')]
    expect(strange.text()).toMatch(/^HTTP\/1\.1 200 /)
    const reload = changed(root.certificate, crls)
    await reload
    const from = performance.now()
    expect((await strange.closed) - from).toBeLessThan(1_000)
    expect(stays.socket.destroyed).toBe(false)
    stays.socket.destroy()
  })

  it.each(['x'.repeat(255), 'bücher.example', '127.0.0.1', '.', '*', '__proto__'])(
    'tls-015: the server name %s',
    async name => {
      expect((await speak([...as('client'), '-servername', name])).statuses).toEqual([200])
      await alive()
    },
  )

  it('tls-016: 100 renegotiations', async () => {
    const where = ['-connect', `127.0.0.1:${gate.port('mutual')}`, '-tls1_2']
    const { stdout, stderr } = await unforwarded(() =>
      openssl(['s_client', ...where, ...as('client')], 'R\n'.repeat(100)),
    )
    expect(stdout + stderr).toMatch(/no renegotiation/)
    await alive()
  })

  it('tls-017: ALPN with unknown protocols only', async () => {
    const { statuses, stdout, stderr } = await unforwarded(() => speak([...as('client'), '-alpn', 'foo,h2']))
    expect(statuses).toEqual([])
    expect(stdout + stderr).toMatch(/no application protocol/)
    await alive()
  })

  it(`tls-018: ${HALF_HANDSHAKES} half handshakes end in time and leave no descriptor`, async () => {
    const base = descriptors(gate.process.pid)
    // A record of 512 bytes that is announced and of which one comes.
    const half = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
    const closed = await Promise.all(
      Array.from(
        { length: HALF_HANDSHAKES },
        () =>
          new Promise<number>(resolve => {
            const from = performance.now()
            const socket = connectTcp(gate.port('mutual'), '127.0.0.1', () => socket.write(half))
            socket.on('error', () => undefined)
            socket.on('close', () => resolve(performance.now() - from))
            socket.resume()
          }),
      ),
    )
    expect(Math.max(...closed)).toBeLessThan(1_000 + 10_000)
    await expect.poll(() => descriptors(gate.process.pid), { timeout: 5_000 }).toBeLessThanOrEqual(base + 2)
    await alive()
  }, 60_000)

  it('tls-019: a key that does not fit keeps the old pair; one that others can read is told with its mend', async () => {
    const key = readFileSync(file('server.key'))
    const refusedReload = gate.next(line => line.msg === 'reload refused')
    writeFileSync(file('server.key'), readFileSync(file('b.key')))
    expect(String((await refusedReload).reason)).toMatch(/server\.key is not the key of server\.crt/)
    await alive()
    const told = gate.next(line => line.msg === 'tls' && /chmod 600/.test(String(line.problem)))
    writeFileSync(file('server.key'), key)
    chmodSync(file('server.key'), 0o644)
    gate.process.kill('SIGHUP')
    expect((await told).problem).toMatch(/server\.key can be read by others than its owner \(mode 644\): chmod 600/)
    chmodSync(file('server.key'), 0o600)
    await alive()
  })

  it('tls-020: early data is not taken', async () => {
    const session = file('early.session')
    const first = await speak(['-tls1_3', '-sess_out', session], '/source', 'localhost', 'open')
    expect([first.statuses, /Max Early Data: 0/.test(first.stdout)]).toEqual([[200], true])
    writeFileSync(file('early'), requestText('/source', 'localhost'))
    const early = ['-connect', `127.0.0.1:${gate.port('open')}`, '-tls1_3', '-sess_in', session]
    const { stdout } = await unforwarded(() => openssl(['s_client', ...early, '-early_data', file('early')], ''))
    expect(stdout).not.toMatch(/Early data was accepted/)
  })

  it('tls-022: an environment that turns verification off', async () => {
    const { code, stderr } = await sallyport(['run', '--config', file('gate.yaml')], {
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED/)
  })
})

describe('the attack corpus on TLS to the upstream', () => {
  const servers: Server[] = []
  let strict: RunningGate
  let seen = 0
  const home = tempFolder()

  beforeAll(async () => {
    const ca = await craft({ subject: 'CN=Upstream root', ca: true })
    const stranger = await craft({ subject: 'CN=Stranger root', ca: true })
    writeFileSync(join(home, 'upstream.crt'), ca.certificate)
    const serve = async (more: Partial<Craft>): Promise<number> => {
      const pair = await craft({ subject: 'CN=up', usage: [SERVER_AUTH], issuer: ca, dns: ['localhost'], ...more })
      const server = createTlsServer({ cert: pair.certificate, key: pair.key }, (_req, res) => {
        seen++
        res.end('{}')
      })
      servers.push(server)
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      return (server.address() as AddressInfo).port
    }
    const ports = {
      good: await serve({}),
      'wrong-san': await serve({ dns: ['elsewhere.example'] }),
      expired: await serve({ notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }),
      'other-ca': await serve({ issuer: stranger }),
    }
    const routes = Object.entries(ports).map(
      ([name, port]) =>
        `  - { name: ${name}, match: { path: /${name} }, checks: [{ source-ip: { allow: [127.0.0.0/8] } }], forward: { to: "https://localhost:${port}/in", tls: { ca: upstream.crt } } }`,
    )
    strict = await startGate(
      `listeners:\n  - { name: public, bind: "127.0.0.1:0" }\nroutes:\n${routes.join('\n')}\n`,
      {},
      home,
    )
  }, 30_000)
  afterAll(async () => {
    const code = await strict.stop()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    expect(code).toBe(0)
  }, 40_000)

  it.each([
    ['good', 200, 1],
    ['wrong-san', 502, 0],
    ['expired', 502, 0],
    ['other-ca', 502, 0],
  ])('tls-021: an upstream whose certificate is %s: %i, and sees %i requests', async (name, status, requests) => {
    seen = 0
    const reply = await ask({ port: strict.port('public'), path: `/${name}`, headers: JSON_TYPE, body: '{"secret":1}' })
    expect([reply.status, seen]).toEqual([status, requests])
  })
})
