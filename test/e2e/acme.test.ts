import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect, type SecureVersion, type TLSSocket } from 'node:tls'
import { FlattenedSign } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type LogLine, makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { hasPebble, type Pebble, type PebbleOptions, startPebble } from '../support/pebble.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const NAME = 'hooks.example.com'
const WAIT = 60_000
/** Paths of pebble's, as its log has them. */
const ORDER = '/order-plz'
const NONCE = '/nonce-plz'

interface Settings {
  readonly names?: readonly string[]
  readonly challenge?: string
  readonly more?: string
  /** Beside acme. */
  readonly certificates?: string
  readonly path?: string
}

describe.skipIf(!(await hasPebble()))('certificates over ACME', { timeout: 120_000 }, () => {
  let ca: Pebble
  let gate: RunningGate | undefined
  let upstream: TestUpstream
  let folder: string
  let tlsPort: number
  let httpPort: number

  beforeEach(async () => {
    folder = tempFolder()
    ;[tlsPort, httpPort, upstream] = await Promise.all([freePort(), freePort(), startUpstream()])
  })
  afterEach(async () => {
    await gate?.stop()
    await Promise.all([ca.close(), upstream.close()])
    rmSync(folder, { recursive: true, force: true })
    gate = undefined
  }, 60_000)

  const config = ({ names = [NAME], challenge = 'tls-alpn-01', more = '', certificates = '', path }: Settings = {}) => `
listeners:
  - name: public
    bind: "127.0.0.1:${tlsPort}"
    tls:
      ${certificates}
      acme: { directory: "${ca.directory}", ca: ${ca.ca}, names: [${names.join(', ')}], accept-terms: true, challenge: ${challenge}, store: acme ${more} }
  - { name: challenges, bind: "127.0.0.1:${httpPort}", acme-challenges: only }
admin: { bind: "127.0.0.1:0" }
routes:
  - { name: a, match: { path: ${path ?? '/a'} }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: "${upstream.url}/a" } }
`
  const start = async (settings: Settings = {}, pebble: Partial<PebbleOptions> = {}): Promise<RunningGate> => {
    ca = await startPebble({ httpPort, tlsPort, ...pebble })
    gate = await startGate(config(settings), {}, folder, 2)
    return gate
  }
  const obtained = (running: RunningGate, name = NAME) =>
    running.line(line => line.msg === 'certificate obtained' && line.name === name, WAIT)
  const send = async (name = NAME) => {
    const headers = { 'content-type': 'application/json', host: name }
    return ask({ port: tlsPort, path: '/a', body: '{}', headers, tls: { ca: await ca.root(), servername: name } })
  }
  const stored = () => {
    const [own = ''] = readdirSync(join(folder, 'acme'))
    return join(folder, 'acme', own)
  }

  /** As its owner would from elsewhere (RFC 8555 section 7.3.6). */
  const deactivate = async (file: string) => {
    const { key, url } = JSON.parse(readFileSync(file, 'utf8')) as { readonly key: string; readonly url: string }
    const tls = { ca: readFileSync(ca.ca) }
    const { headers } = await ask({ port: ca.port, path: NONCE, method: 'HEAD', tls })
    const jws = await new FlattenedSign(Buffer.from('{"status":"deactivated"}'))
      .setProtectedHeader({ alg: 'ES256', nonce: String(headers['replay-nonce']), url, kid: url })
      .sign(createPrivateKey(key))
    const { status, body } = await ask({
      port: ca.port,
      path: new URL(url).pathname,
      body: JSON.stringify(jws),
      // Pebble makes the URLs of accounts of it.
      headers: { 'content-type': 'application/jose+json', host: `localhost:${ca.port}` },
      tls,
    })
    // Pebble refuses one nonce in twenty.
    if (body.includes('badNonce')) await deactivate(file)
    else expect(status, body).toBe(200)
  }

  it('are obtained by tls-alpn-01 on the listener itself, kept, and there at once after a restart', async () => {
    const running = await start()
    await obtained(running)
    expect((await send()).status).toBe(200)
    expect(statSync(stored()).mode & 0o777).toBe(0o700)
    expect(readdirSync(stored()).toSorted()).toEqual(['account.json', `${NAME}.pem`])
    for (const file of readdirSync(stored())) expect(statSync(join(stored(), file)).mode & 0o777).toBe(0o600)
    const pem = readFileSync(join(stored(), `${NAME}.pem`), 'utf8')
    const leaf = new X509Certificate(pem.slice(pem.indexOf('-----BEGIN CERTIFICATE')))
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(running.stdout()).not.toContain('PRIVATE KEY')

    running.process.kill('SIGTERM')
    await running.exited
    const orders = ca.logged(ORDER)
    expect(Math.min(orders, ca.logged(NONCE))).toBeGreaterThan(0)
    gate = await startGate(config(), {}, folder, 2)
    expect((await send()).status).toBe(200)
    expect(gate.lines.filter(({ msg }) => msg === 'certificate obtained')).toEqual([])
    expect(ca.logged(ORDER)).toBe(orders)
    expect(readFileSync(join(stored(), `${NAME}.pem`), 'utf8')).toBe(pem)
  })

  it('are obtained by http-01, which answers the token of an order under way and nothing else', async () => {
    const running = await start({ challenge: 'http-01', names: [NAME, 'second.example.com'] })
    await obtained(running)
    await obtained(running, 'second.example.com')
    expect((await send()).status).toBe(200)
    expect((await send('second.example.com')).status).toBe(200)
    const replied = running.lines.filter(({ msg, listener }) => msg === 'replied' && listener === 'challenges')
    expect(replied.length).toBeGreaterThanOrEqual(2)
    const paths = [String(replied[0]?.path), '/.well-known/acme-challenge/', '/a']
    for (const path of paths)
      for (const method of ['GET', 'POST'])
        expect(await ask({ port: httpPort, path, method }), path).toMatchObject({ status: 404, code: 'route.none' })
    expect(upstream.received.length).toBe(2)
  })

  it('are renewed before they end, and taken over without a connection being cut', async () => {
    const running = await start({}, { validity: 30 })
    await obtained(running)
    const open = await handshake(NAME)
    const first = open.getPeerCertificate().serialNumber
    expect(await post(open)).toMatch(/^HTTP\/1\.1 200 /)
    await running.line(() => running.lines.filter(({ msg }) => msg === 'certificate obtained').length > 1, WAIT)
    const later = await handshake(NAME)
    expect(later.getPeerCertificate().serialNumber).not.toBe(first)
    later.destroy()
    expect(await post(open)).toMatch(/^HTTP\/1\.1 200 /)
    open.destroy()
  })

  it('that can not be had leave the others in force, fail the handshakes for their name, and say what mends it', async () => {
    await makeCertificates(folder)
    const elsewhere = 'elsewhere.example.com'
    const certificates = 'certificates: [{ cert: server.crt, key: server.key }]'
    ca = await startPebble({ httpPort, tlsPort, blocked: ['blocked.example.com'] })
    await ca.point(elsewhere, '127.0.0.9')
    gate = await startGate(config({ certificates, names: ['blocked.example.com', elsewhere, NAME] }), {}, folder, 2)
    const failed = (name: string) =>
      gate?.line(line => line.msg === 'certificate not obtained' && line.name === name, WAIT)
    expect(await failed('blocked.example.com')).toMatchObject({
      level: 'error',
      reason: expect.stringContaining('rejectedIdentifier'),
      'in-force': 'none: TLS handshakes for the name fail',
      remedy: expect.stringContaining('remove it from names'),
    })
    expect(await failed(elsewhere)).toMatchObject({
      reason: expect.stringMatching(/could not validate elsewhere\.example\.com by tls-alpn-01.*127\.0\.0\.9/),
      remedy: expect.stringContaining('DNS'),
    })
    await obtained(gate)
    expect((await send()).status).toBe(200)
    const own = { ca: readFileSync(join(folder, 'ca.crt')), servername: 'localhost' }
    const headers = { 'content-type': 'application/json', host: 'localhost' }
    expect((await ask({ port: tlsPort, path: '/a', body: '{}', headers, tls: own })).status).toBe(200)
    await expect(handshake(elsewhere)).rejects.toThrow()
    expect(await gate.line(({ code }) => code === 'request.handshake')).toMatchObject({
      evidence: { handshake: 'the CA has not issued a certificate for the name yet' },
    })
    const metrics = (await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET' })).body
    expect(metrics).toContain(`sallyport_acme_certificate{name="${elsewhere}"} 0`)
    expect(metrics).toContain(`sallyport_acme_orders_total{name="${NAME}",result="obtained"} 1`)
    expect(metrics).toMatch(
      /sallyport_expires_seconds\{kind="certificate",name="acme\/[^"]*hooks\.example\.com\.pem"\} \d/,
    )
  })

  it('are proved in a handshake by a certificate that serves nothing else, while the CA looks', async () => {
    const under = await underValidation('tls-alpn-01')
    const proof = await handshake(NAME, ['acme-tls/1'])
    expect(proof.alpnProtocol).toBe('acme-tls/1')
    const shown = new X509Certificate(proof.getPeerCertificate().raw)
    expect([shown.subjectAltName, shown.issuer]).toEqual([`DNS:${NAME}`, shown.subject])
    const heard: Buffer[] = []
    proof.on('data', (data: Buffer) => heard.push(data))
    proof.write(`GET /a HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`)
    await new Promise(resolve => proof.once('close', resolve))
    expect(Buffer.concat(heard).toString()).toBe('')
    // The certificate is for validations alone, of this name and by TLS 1.3.
    await expect(handshake(NAME, ['http/1.1'])).rejects.toThrow()
    await expect(handshake('other.example.com', ['acme-tls/1'])).rejects.toThrow()
    await expect(handshake(NAME, ['acme-tls/1'], 'TLSv1.2')).rejects.toThrow()
    under.end()
  })

  it('are proved by a token that only GET of its exact path finds, while the CA looks', async () => {
    const under = await underValidation('http-01')
    const path = /^GET (\S+) /.exec(under.asked)?.[1] ?? ''
    const token = path.slice('/.well-known/acme-challenge/'.length)
    const found = await ask({ port: httpPort, path, method: 'GET', headers: { host: NAME } })
    expect(found).toMatchObject({ status: 200, headers: { 'content-type': 'application/octet-stream' } })
    expect(found.body).toMatch(new RegExp(`^${token}\\.[A-Za-z0-9_-]{43}$`))
    for (const [method, other] of [
      ['POST', path],
      ['PUT', path],
      ['GET', `${path}?a=1`],
      ['GET', `${path}0`],
    ] as const)
      expect((await ask({ port: httpPort, path: other, method })).status, `${method} ${other}`).toBe(404)
    expect(upstream.received).toEqual([])
    under.end()
  })

  it('serve a validation to nobody but a CA that has an order under way', async () => {
    const running = await start()
    await obtained(running)
    await expect(handshake(NAME, ['acme-tls/1'])).rejects.toThrow(/alert/i)
    await expect(handshake(NAME, ['h2'])).rejects.toThrow(/alert/i)
    const open = await handshake(NAME, ['h2', 'http/1.1'])
    expect(open.alpnProtocol).toBe('http/1.1')
    open.destroy()
  })

  it('are obtained for an account that is bound to another, and for one that the CA has lost', async () => {
    const eab = { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' }
    writeFileSync(join(folder, 'mac'), eab['kid-1'])
    const more = ', email: ops@example.com, eab: { kid: kid-1, key: { file: mac } }'
    const running = await start({ more }, { eab })
    await obtained(running)
    await ca.close()
    ca = await startPebble({ httpPort, tlsPort, eab, port: ca.port })
    const account = readFileSync(join(stored(), 'account.json'), 'utf8')
    const second = running.next(({ msg, name }) => msg === 'certificate obtained' && name === 'new.example.com', WAIT)
    expect(await running.reload(config({ more, names: ['new.example.com'] }))).toMatchObject({ msg: 'reloaded' })
    await second
    expect((await send('new.example.com')).status).toBe(200)
    expect(readFileSync(join(stored(), 'account.json'), 'utf8')).not.toBe(account)
  })

  it('are not had for an account that the CA does not admit, and say so', async () => {
    const eab = { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' }
    writeFileSync(join(folder, 'mac'), eab['kid-1'].replace('z', 'a'))
    const more = ', eab: { kid: kid-1, key: { file: mac } }'
    const running = await start({ more }, { eab })
    const failed = ({ msg }: LogLine) => msg === 'certificate not obtained'
    expect(await running.line(failed, WAIT)).toMatchObject({
      reason: expect.stringMatching(/^the CA made no account: unauthorized/),
      remedy: 'see whether kid and key under eab are those that the CA gave, for this directory',
    })
    writeFileSync(join(folder, 'mac'), eab['kid-1'])
    await obtained(running)

    await deactivate(join(stored(), 'account.json'))
    const second = running.next(failed, WAIT)
    await running.reload(config({ more, names: [NAME, 'new.example.com'] }))
    expect(await second).toMatchObject({
      name: 'new.example.com',
      reason: expect.stringContaining('unauthorized'),
      remedy: expect.stringContaining('remove account.json from the store'),
    })
    rmSync(join(stored(), 'account.json'))
    // What was tried in vain waits; another name does not.
    await running.reload(config({ more, names: [NAME, 'other.example.com'] }))
    await obtained(running, 'other.example.com')
  })

  it('are not asked for where the account could not be kept', async () => {
    ca = await startPebble({ httpPort, tlsPort })
    gate = await startGate(config().replace('store: acme', 'store: gate.yaml/acme'), {}, folder, 2)
    expect(await gate.line(({ msg }) => msg === 'certificate not obtained', WAIT)).toMatchObject({
      reason: expect.stringContaining('account.json can not be'),
      remedy: expect.stringContaining("let the gate's user"),
    })
    expect(ca.logged(NONCE)).toBe(0)
  })

  it('are not asked of a CA whose own certificate nobody vouches for', async () => {
    ca = await startPebble({ httpPort, tlsPort })
    gate = await startGate(config().replace(/ ca: [^,]*,/, ''), {}, folder, 2)
    expect(await gate.line(({ msg }) => msg === 'certificate not obtained', WAIT)).toMatchObject({
      reason: expect.stringContaining('the certificate of localhost:'),
      remedy: expect.stringContaining('name its root under ca'),
    })
    expect(ca.logged(NONCE)).toBe(0)
  })

  it('come with a reload that adds them to a listener, and survive one that changes something else', async () => {
    await makeCertificates(folder)
    ca = await startPebble({ httpPort, tlsPort })
    const plain = config({ certificates: 'certificates: [{ cert: server.crt, key: server.key }]' })
    gate = await startGate(plain.replace(/^ +acme: .*$/m, ''), {}, folder, 2)
    await gate.reload(config())
    await obtained(gate)
    expect((await send()).status).toBe(200)
    expect(await gate.reload(config({ path: '/b' }))).toMatchObject({ msg: 'reloaded' })
    expect((await send()).code).toBe('route.none')
    expect(gate.lines.filter(({ msg }) => msg === 'certificate obtained').length).toBe(1)
  })

  function post(socket: TLSSocket): Promise<string> {
    const answer = new Promise<string>(resolve => socket.once('data', data => resolve(data.toString('latin1'))))
    socket.write(`POST /a HTTP/1.1\r\nHost: ${NAME}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`)
    return answer
  }

  /** Starts a gate whose CA looks for the proof elsewhere, where it is kept waiting. */
  async function underValidation(challenge: string): Promise<{ readonly asked: string; end(): void }> {
    const held = new Set<Socket>()
    const asked = Promise.withResolvers<string>()
    const elsewhere = createServer(socket => {
      held.add(socket.on('error', () => undefined))
      socket.once('data', (data: Buffer) => asked.resolve(data.toString('latin1')))
    })
    const port = challenge === 'http-01' ? httpPort : tlsPort
    await new Promise<void>(resolve => elsewhere.listen(port, '127.0.0.9', resolve))
    ca = await startPebble({ httpPort, tlsPort })
    await ca.point(NAME, '127.0.0.9')
    gate = await startGate(config({ challenge }), {}, folder, 2)
    return {
      asked: await asked.promise,
      end() {
        elsewhere.close()
        for (const socket of held) socket.destroy()
      },
    }
  }

  function handshake(servername: string, ALPNProtocols?: string[], maxVersion?: SecureVersion): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options = { port: tlsPort, host: '127.0.0.1', servername, rejectUnauthorized: false }
      const more = { ...(ALPNProtocols ? { ALPNProtocols } : {}), ...(maxVersion ? { maxVersion } : {}) }
      const socket = connect({ ...options, ...more }, () => resolve(socket))
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('closed')))
    })
  }
})
