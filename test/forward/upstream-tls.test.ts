import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Expiry, Offline, type Resources } from '../../src/core/resources.ts'
import { Secret } from '../../src/core/secret.ts'
import { Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'
import { loadClientTls } from '../../src/tls/client.ts'
import { clientTlsConfig } from '../../src/tls/client-config.ts'
import { TlsProblem } from '../../src/tls/problem.ts'
import { makeCertificates, sallyport, tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { startSServer } from '../support/s-server.ts'
import { craft, DAY, SERVER_AUTH } from '../tls/craft.ts'

const nginx = await hasProgram('nginx', '-v')
const openssl = await hasProgram('openssl', 'version')
const folder = tempFolder()
const file = (name: string): string => join(folder, name)
const open: (() => unknown)[] = []
const ENV: Readonly<Record<string, string>> = { PASS: 'a-passphrase', WRONG: 'another' }
const OWN = { cert: 'bridge.crt', key: 'bridge.key' }

let expiries: Expiry[] = []
const resources: Pick<Resources, 'file' | 'secret' | 'expires'> = {
  file(path) {
    try {
      return readFileSync(file(path))
    } catch {
      throw new Offline(`no ${path}`, '')
    }
  },
  secret: ref => new Secret(Buffer.from(ENV[ref.name] ?? '')),
  expires: expiry => expiries.push(expiry),
}
const load = (config: object) => loadClientTls(clientTlsConfig.parse(config), resources)

beforeAll(async () => {
  await makeCertificates(folder)
}, 30_000)
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
  expiries = []
})
afterAll(() => rmSync(folder, { recursive: true }))

async function ask(port: number, config: object, host = 'localhost', method = 'GET'): Promise<UpstreamResult> {
  const upstream = new Upstream(`https://${host}:${port}`, { connect: 2_000, response: 2_000 }, { tls: load(config) })
  open.push(() => upstream.destroy())
  return upstream.send({ id: '1', method, path: '/', headers: [], body: undefined })
}
const brief = (result: UpstreamResult) => (result.ok ? result.status : result.message)
const text = (result: UpstreamResult) => (result.ok ? String(result.body) : result.message)

/** A server that answers with the name in the client's certificate, and how it was connected to. */
async function serve(options: ServerOptions = {}): Promise<number> {
  const server = createServer(
    {
      cert: readFileSync(file('server.crt')),
      key: readFileSync(file('server.key')),
      ca: readFileSync(file('clients-ca.crt')),
      requestCert: true,
      rejectUnauthorized: false,
      ...options,
    },
    (req, res) => {
      const socket = req.socket as TLSSocket
      const client = socket.authorized ? socket.getPeerCertificate().subject.CN : 'nobody'
      res.end(`${client} ${socket.getProtocol()} ${'servername' in socket ? socket.servername : ''}`)
    },
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

describe('an upstream over TLS', () => {
  it('is shown the certificate, from PEM files, an encrypted key, or a bundle', async () => {
    const port = await serve()
    expect(text(await ask(port, { ca: 'ca.crt' }))).toMatch(/^nobody TLSv1\.3/)
    expect(text(await ask(port, { ca: 'ca.crt', certificate: OWN }))).toMatch(/^bridge TLSv1\.3 localhost/)
    const p12 = ['p12', '--dir', folder, '--name', 'bridge', '--out', file('bridge.p12'), '--password', 'env:PASS']
    expect(await sallyport(['certs', ...p12], ENV)).toMatchObject({ code: 0 })
    const bundle = { pkcs12: 'bridge.p12', passphrase: { env: 'PASS' } }
    expect(text(await ask(port, { ca: 'ca.crt', certificate: bundle }))).toMatch(/^bridge/)
    expect(expiries.map(({ name }) => name)).toContain('bridge.p12')
    expect(() => load({ certificate: { ...bundle, passphrase: { env: 'WRONG' } } })).toThrow(/with this passphrase/)
    expect(() => load({ certificate: { pkcs12: 'bridge.p12' } })).toThrow(/is encrypted/)
  })

  it('that refuses a session it has given is asked for a new one, and not for that one again and again', async () => {
    const context = createSecureContext({
      cert: readFileSync(file('server.crt')),
      key: readFileSync(file('server.key')),
      ca: readFileSync(file('clients-ca.crt')),
    })
    let resumed = 0
    // A server of OpenSSL's that verifies clients and names no context for its sessions can't take back its own tickets.
    const server = createTcpServer(raw => {
      const socket = new TLSSocket(raw, { isServer: true, secureContext: context, requestCert: true })
      socket.on('error', () => resumed++)
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    open.push(() => void server.close())
    const { port } = server.address() as AddressInfo
    const reach = { tls: load({ ca: 'ca.crt', certificate: OWN }) }
    const upstream = new Upstream(`https://localhost:${port}`, { connect: 2_000, response: 2_000 }, reach)
    open.push(() => upstream.destroy())
    const answers: (string | number)[] = []
    for (let i = 0; i < 6; i++)
      answers.push(brief(await upstream.send({ id: '1', method: 'GET', path: '/', headers: [], body: undefined })))
    expect(resumed).toBeGreaterThan(0)
    expect(answers.filter(answer => answer === 200).length).toBeGreaterThanOrEqual(3)
    // Never twice in a row: the next connection begins anew.
    expect(answers.some((answer, i) => answer !== 200 && answers[i + 1] !== 200 && i + 1 < answers.length)).toBe(false)
  })

  it.skipIf(!openssl)('is shown a certificate whose key or bundle openssl encrypted', async () => {
    const port = await serve()
    const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
    run('pkcs8', '-topk8', '-in', 'bridge.key', '-out', 'locked.key', '-passout', `pass:${ENV.PASS}`)
    run('ec', '-aes256', '-in', 'bridge.key', '-out', 'sec1.key', '-passout', `pass:${ENV.PASS}`)
    for (const key of ['locked.key', 'sec1.key']) {
      const certificate = { cert: 'bridge.crt', key, passphrase: { env: 'PASS' } }
      expect(text(await ask(port, { ca: 'ca.crt', certificate }))).toMatch(/^bridge/)
      expect(() => load({ certificate: { ...certificate, passphrase: { env: 'WRONG' } } })).toThrow(/decrypted/)
      expect(() => load({ certificate: { cert: 'bridge.crt', key } })).toThrow(/is encrypted/)
    }
    const bundle = ['pkcs12', '-export', '-in', 'bridge.crt', '-inkey', 'bridge.key']
    run(...bundle, '-out', 'made.p12', '-passout', `pass:${ENV.PASS}`)
    const certificate = { pkcs12: 'made.p12', passphrase: { env: 'PASS' } }
    expect(text(await ask(port, { ca: 'ca.crt', certificate }))).toMatch(/^bridge/)
    writeFileSync(file('noise.p12'), 'no bundle')
    expect(() => load({ certificate: { pkcs12: 'noise.p12' } })).toThrow(TlsProblem)
  })

  it('is shown from PEM that is indented', async () => {
    const port = await serve()
    for (const name of ['bridge.crt', 'bridge.key'])
      writeFileSync(file(`indented-${name}`), readFileSync(file(name), 'utf8').replace(/^(?=.)/gm, '    '))
    const certificate = { cert: 'indented-bridge.crt', key: 'indented-bridge.key' }
    expect(text(await ask(port, { ca: 'ca.crt', certificate }))).toMatch(/^bridge/)
  })

  it('takes no key of another certificate, and no file that is none', () => {
    expect(() => load({ certificate: { cert: 'bridge.crt', key: 'client.key' } })).toThrow(/is not the key of/)
    expect(() => load({ certificate: { cert: 'bridge.key', key: 'bridge.key' } })).toThrow(/holds no certificate/)
    expect(() => load({ certificate: { cert: 'bridge.crt', key: 'bridge.crt' } })).toThrow(/no private key/)
    expect(() => load({ ca: 'ca.key' })).toThrow(/holds no certificate/)
    expect(() => load({ ca: 'absent.crt' })).toThrow(Offline)
  })

  it('is verified: its CA, its name, its time', async () => {
    const port = await serve()
    expect(brief(await ask(port, { ca: 'clients-ca.crt' }))).toMatch(/UNABLE_TO_VERIFY|unable to verify|self.signed/i)
    expect(brief(await ask(port, {}))).toMatch(/verify|self.signed/i)
    const wrong = { ca: 'ca.crt', 'server-name': 'other.example' }
    expect(brief(await ask(port, wrong))).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/)
    expect(brief(await ask(port, { ca: 'ca.crt', 'server-name': 'localhost' }, '127.0.0.1'))).toBe(200)

    const ca = await craft({ subject: 'CN=Test CA', ca: true })
    writeFileSync(file('test-ca.crt'), ca.certificate)
    const server = async (notAfter: number, dns: string[], usage = [SERVER_AUTH]) => {
      const made = await craft({
        subject: 'CN=localhost',
        issuer: ca,
        dns,
        notAfter,
        usage,
        notBefore: Date.now() - 9 * DAY,
      })
      return serve({ cert: made.certificate, key: made.key })
    }
    const soon = Date.now() + DAY
    expect(brief(await ask(await server(soon, ['localhost']), { ca: 'test-ca.crt' }))).toBe(200)
    expect(brief(await ask(await server(Date.now() - DAY, ['localhost']), { ca: 'test-ca.crt' }))).toMatch(/EXPIRED/)
    // The common name is no name.
    expect(brief(await ask(await server(soon, ['other.example']), { ca: 'test-ca.crt' }))).toMatch(/ALTNAME/)
    const client = await server(soon, ['localhost'], ['1.3.6.1.5.5.7.3.2'])
    expect(brief(await ask(client, { ca: 'test-ca.crt' }))).toMatch(/INVALID_PURPOSE/)
  })

  it('is verified even where the environment of Node says otherwise', async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      const port = await serve()
      expect(brief(await ask(port, { ca: 'clients-ca.crt' }))).toMatch(/verify|self.signed/i)
      const plain = new Upstream(`https://localhost:${port}`, { connect: 2_000, response: 2_000 })
      open.push(() => plain.destroy())
      const result = await plain.send({ id: '1', method: 'GET', path: '/', headers: [], body: undefined })
      expect(brief(result)).toMatch(/verify|self.signed/i)
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
    }
  })

  it('has one of the pinned keys', async () => {
    const port = await serve()
    const spki = createPublicKey(readFileSync(file('server.crt'))).export({ type: 'spki', format: 'der' })
    const digest = createHash('sha256').update(spki).digest()
    const other = createHash('sha256').update('other').digest()
    for (const pin of [digest.toString('hex'), digest.toString('base64'), digest.toString('hex').toUpperCase()])
      expect(brief(await ask(port, { ca: 'ca.crt', pins: [other.toString('hex'), pin] }))).toBe(200)
    expect(brief(await ask(port, { ca: 'ca.crt', pins: [other.toString('hex')] }))).toMatch(/none of the pins/)
    // A pin beside, and not instead of, the verification.
    expect(brief(await ask(port, { ca: 'clients-ca.crt', pins: [digest.toString('hex')] }))).toMatch(/verify|self/)
    const name = { 'server-name': 'other.example' }
    expect(brief(await ask(port, { ca: 'ca.crt', pins: [digest.toString('hex')], ...name }))).toMatch(/ALTNAME/)
    // The CA's key, which the server could send along, is no pin of the server's.
    const caKey = createPublicKey(readFileSync(file('ca.crt'))).export({ type: 'spki', format: 'der' })
    const chain = readFileSync(file('server.crt'), 'utf8') + readFileSync(file('ca.crt'), 'utf8')
    const sending = await serve({ cert: chain })
    const caPin = createHash('sha256').update(caKey).digest('hex')
    expect(brief(await ask(sending, { ca: 'ca.crt', pins: [caPin] }))).toMatch(/none of the pins/)
  })

  it('speaks the lowest version allowed, or none', async () => {
    const old = await serve({ maxVersion: 'TLSv1.2' })
    expect(text(await ask(old, { ca: 'ca.crt' }))).toMatch(/TLSv1\.2/)
    expect(brief(await ask(old, { ca: 'ca.crt', 'min-version': 'TLSv1.3' }))).toMatch(/version|protocol/i)
    const older = await serve({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(brief(await ask(older, { ca: 'ca.crt' }))).toMatch(/version|protocol|EPROTO/i)
  })

  it('has the same id for the same files, and another for others', () => {
    const id = load({ ca: 'ca.crt', certificate: OWN }).id
    expect(load({ ca: 'ca.crt', certificate: OWN }).id).toBe(id)
    copyFileSync(file('ca.crt'), file('copy.crt'))
    expect(load({ ca: 'copy.crt', certificate: OWN }).id).toBe(id)
    const others = [
      { ca: 'ca.crt' },
      { ca: 'clients-ca.crt', certificate: OWN },
      { ca: 'ca.crt', certificate: { cert: 'client.crt', key: 'client.key' } },
      { ca: 'ca.crt', certificate: OWN, 'server-name': 'localhost' },
      { ca: 'ca.crt', certificate: OWN, 'min-version': 'TLSv1.3' },
      { ca: 'ca.crt', certificate: OWN, pins: ['ab'.repeat(32)] },
    ]
    expect(new Set([id, ...others.map(config => load(config).id)]).size).toBe(others.length + 1)
  })

  it.skipIf(!nginx)('that is nginx with ssl_verify_client and a CRL takes ours and not a revoked one', async () => {
    for (const name of ['leaver', 'stays'])
      expect(
        await sallyport(['certs', 'client', '--dir', folder, '--name', name, '--dns', `${name}.example`]),
      ).toMatchObject({ code: 0 })
    expect(await sallyport(['certs', 'revoke', '--dir', folder, file('leaver.crt')])).toMatchObject({ code: 0 })
    const port = await freePort()
    const server = await startNginx(
      `server {
  listen 127.0.0.1:${port} ssl;
  ssl_certificate ${file('server.crt')};
  ssl_certificate_key ${file('server.key')};
  ssl_client_certificate ${file('clients-ca.crt')};
  ssl_crl ${file('clients.crl')};
  ssl_verify_client on;
  location / { return 200 "$ssl_client_s_dn $request_method"; }
}`,
      port,
    )
    open.push(() => server.stop())
    const as = (name: string) => ({ ca: 'ca.crt', certificate: { cert: `${name}.crt`, key: `${name}.key` } })
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
      expect(text(await ask(port, as('bridge'), 'localhost', method))).toMatch(new RegExp(`CN=bridge.* ${method}`))
    expect(text(await ask(port, as('stays')))).toMatch(/CN=stays/)
    expect(brief(await ask(port, as('leaver')))).toBe(400)
    expect(brief(await ask(port, { ca: 'ca.crt' }))).toBe(400)
  })

  it.skipIf(!openssl)('that is openssl s_server, which ends the handshake of whom it does not know', async () => {
    const server = await startSServer([
      ...['-cert', file('server.crt'), '-key', file('server.key'), '-CAfile', file('clients-ca.crt')],
      ...['-Verify', '1', '-verify_return_error'],
    ])
    open.push(() => server.stop())
    expect(text(await ask(server.port, { ca: 'ca.crt', certificate: OWN }))).toMatch(/Client certificate/)
    expect(brief(await ask(server.port, { ca: 'ca.crt' }))).toMatch(/certificate.required|handshake|ECONNRESET|closed/i)
  })
})
