import { readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { descriptors } from '../support/descriptors.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const CERTIFICATES = 'certificates: [{ cert: server.crt, key: server.key }]'
const KINDS = {
  plain: '',
  tls: `tls: { ${CERTIFICATES} }`,
  mutual: `tls: { ${CERTIFICATES}, client-ca: clients-ca.crt }`,
}
type Kind = keyof typeof KINDS
const ORDER: readonly Kind[] = ['plain', 'tls', 'mutual', 'plain', 'mutual', 'tls']

describe('a reload that changes the TLS of an address', () => {
  const folder = tempFolder()
  let upstream: TestUpstream
  let gate: RunningGate
  let port: number
  let secrets: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer }

  const listener = (name: string, bind: string, kind: Kind) =>
    `  - { name: ${name}, bind: "${bind}"${KINDS[kind] === '' ? '' : `, ${KINDS[kind]}`} }`
  const config = (kind: Kind, local: Kind = 'plain') => `
listeners:
${listener('public', `127.0.0.1:${port}`, kind)}
${listener('local', 'unix:gate.sock', local)}
admin: { bind: "127.0.0.1:0" }
routes:
  - name: a
    match: { path: /a }
    checks: [${kind === 'mutual' ? '{ client-cert: {} }' : '{ source-ip: { allow: [127.0.0.1] } }'}]
    forward: { to: "${upstream.url}/in" }
`
  const headers = { 'content-type': 'application/json' }
  const to = (kind: Kind): Ask => {
    const { ca, cert, key } = secrets
    const tls = kind === 'plain' ? {} : { tls: kind === 'mutual' ? { ca, cert, key } : { ca } }
    return { port, path: '/a', headers, body: '{}', ...tls }
  }
  const reload = async (kind: Kind) => expect(await gate.reload(config(kind))).toMatchObject({ msg: 'reloaded' })

  beforeAll(async () => {
    await makeCertificates(folder)
    ;[port, upstream] = await Promise.all([freePort(), startUpstream()])
    const [ca, cert, key] = (['ca.crt', 'client.crt', 'client.key'] as const).map(name =>
      readFileSync(join(folder, name)),
    )
    if (!ca || !cert || !key) throw new Error('no certificates were made')
    secrets = { ca, cert, key }
    gate = await startGate(config('plain'), {}, folder, 3)
  }, 30_000)
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('is in force for the next connection, each way', async () => {
    for (const kind of ORDER) {
      await reload(kind)
      expect((await ask(to(kind))).status, kind).toBe(200)
    }
    await reload('mutual')
    expect((await ask({ ...to('tls') })).code).toBe('client-cert.missing')
    expect((await ask(to('plain'))).code).toBe('request.plain-http')
  })

  it('judges what is left of old connections by the new config, and lets each make one last request', async () => {
    await reload('tls')
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1 })
    expect((await ask({ ...to('tls'), agent })).status).toBe(200)
    await reload('mutual')
    const last = await ask({ ...to('tls'), agent })
    expect([last.code, last.headers.connection]).toEqual(['client-cert.missing', 'close'])
    agent.destroy()
  })

  it('refuses no connection while it happens, again and again, and leaks no descriptor', async () => {
    await reload('tls')
    let stop = false
    const wrong: unknown[] = []
    const knock = async (): Promise<void> => {
      while (!stop) {
        try {
          await ask(to('tls'))
        } catch (error) {
          // What it speaks when the handshake comes is another matter: somebody accepts.
          if (String(error).includes('ECONNREFUSED')) wrong.push(error)
        }
      }
    }
    const knocking = [knock(), knock()]
    try {
      for (const kind of ['mutual', 'tls', 'mutual', 'tls'] as const) await reload(kind)
      const base = descriptors(gate.process.pid)
      for (let round = 0; round < 5; round++) for (const kind of ['mutual', 'tls'] as const) await reload(kind)
      expect(wrong).toEqual([])
      // Ten servers have come and gone; connections of the knocking ones come and go as well.
      expect(descriptors(gate.process.pid) - base).toBeLessThan(8)
    } finally {
      stop = true
      await Promise.all(knocking)
    }
  }, 60_000)

  it('counts the connections of the new one alone', async () => {
    await reload('plain')
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    expect((await ask({ ...to('plain'), agent })).status).toBe(200)
    await reload('tls')
    agent.destroy()
    const metrics = (await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET' })).body
    expect(metrics).toContain('sallyport_open_connections{listener="public"} 0')
  })

  it('is refused for a Unix socket, which goes on as it was', async () => {
    await reload('plain')
    const refused = await gate.reload(config('tls', 'tls'))
    expect(refused).toMatchObject({ msg: 'reload refused', reason: expect.stringContaining('another path') })
    const { port: _, ...plain } = to('plain')
    expect((await ask({ ...plain, unix: join(folder, 'gate.sock') })).status).toBe(200)
    expect((await ask(to('plain'))).status).toBe(200)
  })

  it('is not taken where anything else is at fault, and the old one goes on', async () => {
    await reload('plain')
    writeFileSync(join(folder, 'other.crt'), readFileSync(join(folder, 'client.crt')))
    const bad = config('tls').replaceAll('server.crt', 'other.crt')
    expect(await gate.reload(bad)).toMatchObject({ msg: 'reload refused' })
    expect((await ask(to('plain'))).status).toBe(200)
  })
})
