import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SecretRef } from '../../src/core/secret.ts'
import type { CertificateConfig } from '../../src/tls/config.ts'
import { refuseUnverifiedTls } from '../../src/tls/environment.ts'
import { loadServerTls } from '../../src/tls/server.ts'
import { type Crafted, craft, DAY, openssl, SERVER_AUTH, temporaryFolder } from './craft.ts'
import { type Gate, openGate } from './gate.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

const file = (name: string) => `${folder.path}/${name}`
let root: Crafted

function write(name: string, { certificate, key }: Crafted) {
  return { cert: folder.write(`${name}.crt`, certificate), key: folder.write(`${name}.key`, key) }
}

const serverOf = (subject: string, dns: string[], more = {}) => craft({ subject, usage: [SERVER_AUTH], dns, ...more })

beforeAll(async () => {
  root = await craft({ subject: 'CN=Clients root', ca: true })
  folder.write('root.crt', root.certificate)
  write('default', await serverOf('CN=default', ['localhost']))
  write('shop', await serverOf('CN=shop', ['shop.example', '*.shop.example']))
  write('client', await craft({ subject: 'CN=client', issuer: root }))
})

const pair = (name: string) => ({ cert: file(`${name}.crt`), key: file(`${name}.key`) })
const readFile = (path: string) => readFileSync(path)

/** `openssl s_client` that sends one request and reads until the gate closes. */
function client(gate: Gate, args: readonly string[]) {
  const input = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  return openssl(['s_client', '-connect', `127.0.0.1:${gate.port}`, '-ign_eof', ...args], input)
}

describe('the protocol', () => {
  it.each(['-tls1', '-tls1_1'])('%s is refused', async version => {
    await using gate = await openGate({ certificates: [pair('default')] })
    const { stdout, stderr } = await client(gate, [version, '-cipher', 'ALL:@SECLEVEL=0'])
    expect(stdout + stderr).toMatch(/protocol version|no protocols available|unsupported protocol/)
    expect(stdout).not.toContain('HTTP/1.1 200')
  })

  it.each([
    ['intermediate', '-tls1_2', true],
    ['intermediate', '-tls1_3', true],
    ['modern', '-tls1_2', false],
    ['modern', '-tls1_3', true],
  ] as const)('of the profile %s answers %s: %s', async (profile, version, answers) => {
    await using gate = await openGate({ profile, certificates: [pair('default')] })
    const { stdout } = await client(gate, [version])
    expect(stdout.includes('HTTP/1.1 200')).toBe(answers)
  })

  it.each(['AES128-SHA', 'ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-CBC-SHA384'])(
    'refuses the suite %s',
    async suite => {
      await using gate = await openGate({ certificates: [pair('default')] })
      const { stdout } = await client(gate, ['-tls1_2', '-cipher', suite])
      expect(stdout).not.toContain('HTTP/1.1 200')
    },
  )

  it('speaks http/1.1 by ALPN', async () => {
    await using gate = await openGate({ certificates: [pair('default')] })
    expect((await client(gate, ['-alpn', 'h2,http/1.1'])).stdout).toContain('ALPN protocol: http/1.1')
  })

  it('refuses renegotiation', async () => {
    await using gate = await openGate({ certificates: [pair('default')] })
    const { stdout, stderr } = await openssl(
      ['s_client', '-connect', `127.0.0.1:${gate.port}`, '-tls1_2'],
      'R\nGET / HTTP/1.0\n\n',
    )
    expect(stdout + stderr).toMatch(/no renegotiation/)
    expect(stdout).not.toContain('HTTP/1.1 200')
  })
})

describe('SNI', () => {
  const subject = async (gate: Gate, name: string[]) =>
    /subject=(.*)/.exec((await client(gate, name)).stdout)?.[1]?.replaceAll(' ', '')

  it.each([
    ['shop.example', 'CN=shop'],
    ['SHOP.Example', 'CN=shop'],
    ['a.shop.example', 'CN=shop'],
    ['a.b.shop.example', 'CN=default'],
    ['localhost', 'CN=default'],
    ['elsewhere.example', 'CN=default'],
    ['__proto__', 'CN=default'],
    ['.', 'CN=default'],
    ['127.0.0.1', 'CN=default'],
    ['x'.repeat(255), 'CN=default'],
    ['b\u00fccher.example', 'CN=default'],
  ])('%s gets the certificate of %s', async (name, expected) => {
    await using gate = await openGate({ certificates: [pair('default'), pair('shop')] })
    expect(await subject(gate, ['-servername', name])).toBe(expected)
  })

  it('without a name gets the default', async () => {
    await using gate = await openGate({ certificates: [pair('shop'), pair('default')] })
    expect(await subject(gate, ['-noservername'])).toBe('CN=shop')
  })
})

describe('session resumption', () => {
  /** Two connections, the second with the first one's session. */
  async function resumes(gate: Gate, version: string, more: string[] = []): Promise<boolean> {
    const session = file(`session-${gate.port}-${version}`)
    const first = await client(gate, [version, '-sess_out', session, ...more])
    expect(first.stdout).toContain('HTTP/1.1 200')
    const second = await client(gate, [version, '-sess_in', session, ...more])
    return /^Reused,/m.test(second.stdout)
  }

  it.each(['-tls1_2', '-tls1_3'])('%s: goes on where no client certificate is asked for', async version => {
    await using gate = await openGate({ certificates: [pair('default')] })
    expect(await resumes(gate, version)).toBe(true)
  })

  it.each(['-tls1_2', '-tls1_3'])('%s: nothing resumes where one is', async version => {
    await using gate = await openGate({ certificates: [pair('default')], 'client-ca': file('root.crt') })
    expect(await resumes(gate, version, ['-cert', file('client.crt'), '-key', file('client.key')])).toBe(false)
    expect(gate.peers.map(peer => peer?.verified)).toEqual([true, true])
  })

  it('-reconnect gets a full handshake each time', async () => {
    await using gate = await openGate({ certificates: [pair('default')], 'client-ca': file('root.crt') })
    const { stdout } = await openssl(['s_client', '-connect', `127.0.0.1:${gate.port}`, '-tls1_2', '-reconnect'], '')
    expect(stdout.match(/^New,/gm)?.length).toBeGreaterThanOrEqual(5)
    expect(stdout).not.toMatch(/^Reused,/m)
  })

  it('offers no early data', async () => {
    await using gate = await openGate({ certificates: [pair('default')] })
    expect((await client(gate, ['-tls1_3'])).stdout).toContain('Max Early Data: 0')
  })
})

describe('a reload', () => {
  it('changes default, SNI and trust, and keeps connections', async () => {
    await using gate = await openGate({ certificates: [pair('default')], 'client-ca': file('root.crt') })
    const [cert, key] = [readFile(file('client.crt')), readFile(file('client.key'))]
    const open = connect({ port: gate.port, host: '127.0.0.1', cert, key, rejectUnauthorized: false })
    expect(await ask(open)).toContain('200 OK')
    expect(gate.peers.at(-1)?.verified).toBe(true)

    write('renewed', await serverOf('CN=renewed', ['localhost']))
    write('other-root', await craft({ subject: 'CN=Other root', ca: true }))
    const certificates = [pair('renewed'), pair('shop')]
    const next = loadServerTls({ profile: 'intermediate', certificates, 'client-ca': file('other-root.crt') }, readFile)
    expect(gate.tls.update(next, gate.server)).toBe(true)
    const seen = async (args: string[]) => (await client(gate, args)).stdout
    expect(await seen(['-noservername'])).toMatch(/subject=CN ?= ?renewed/)
    expect(await seen(['-servername', 'shop.example'])).toMatch(/subject=CN ?= ?shop/)
    expect(await seen([])).toContain('Other root')

    // The old connection goes on, and its client is judged by today's trust.
    expect(await ask(open)).toContain('200 OK')
    expect(gate.peers.at(-1)?.problem).toMatch(/CN=Clients root, is not in client-ca/)
    open.destroy()
  })

  it('says when the listener has to be opened anew', async () => {
    await using gate = await openGate({ certificates: [pair('default')] })
    const certificates = [pair('default')]
    const next = loadServerTls({ profile: 'intermediate', certificates, 'client-ca': file('root.crt') }, readFile)
    expect(gate.tls.update(next, gate.server)).toBe(false)
    expect(gate.tls.trust).toBeUndefined()
  })
})

describe('loading', () => {
  const load = (certificates: CertificateConfig[], more = {}, options = {}) =>
    loadServerTls({ profile: 'intermediate', certificates, ...more }, readFile, options)

  it('tells when everything ends', async () => {
    const { expiries } = load([pair('default'), pair('shop')], { 'client-ca': file('root.crt') })
    expect(expiries.map(({ name }) => name)).toEqual([
      file('default.crt'),
      file('shop.crt'),
      `${file('root.crt')} (CN=Clients root)`,
    ])
    expect(expiries.every(({ at }) => Math.abs(at - Date.now() - 30 * DAY) < 60_000)).toBe(true)
  })

  it('serves an expired certificate and says so', async () => {
    const old = write(
      'old',
      await serverOf('CN=old', ['localhost'], { notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY }),
    )
    const { warnings, expiries } = load([old])
    expect(warnings).toEqual([`${old.cert} (CN=old) has expired: clients refuse it; renew it`])
    expect(expiries[0]?.at).toBeLessThan(Date.now())
  })

  it('warns of a key that others can read', () => {
    const { warnings } = load([pair('default')], {}, { modeOf: () => 0o100644 })
    expect(warnings).toEqual([
      expect.stringMatching(/default\.key can be read by others than its owner \(mode 644\): chmod 600/),
    ])
    expect(load([pair('default')], {}, { modeOf: () => 0o100600 }).warnings).toEqual([])
  })

  it('warns of a chain that is out of order, has a gap or holds a stranger', async () => {
    const middle = await craft({ subject: 'CN=Middle', ca: true, issuer: root })
    const leaf = await serverOf('CN=leaf', ['localhost'], { issuer: middle })
    const stranger = await craft({ subject: 'CN=Stranger', ca: true })
    const key = folder.write('chain.key', leaf.key)
    const warned = (...chain: Crafted[]): readonly string[] => {
      const cert = folder.write('chain.crt', chain.map(({ certificate }) => certificate).join(''))
      return load([{ cert, key }]).warnings.map(text => text.replace(/^.*chain\.crt: /, ''))
    }
    expect(warned(leaf, middle, root)).toEqual([])
    expect(warned(leaf, root, middle)).toEqual([
      'certificate 2 did not issue certificate 1; order the chain leaf first',
      'certificate 3 did not issue certificate 2; order the chain leaf first',
    ])
    expect(warned(leaf, root)).toEqual([
      'certificate 2 did not issue certificate 1, and CN=Middle, which did, is missing: clients that lack it refuse the chain; put it between the two',
    ])
    expect(warned(leaf, stranger, middle)).toEqual(['certificate 2 did not issue certificate 1; take it out'])
    expect(warned(leaf, middle, root, stranger)).toEqual(['certificate 4 did not issue certificate 3; take it out'])
  })

  it.each<[string, (pem: string) => string]>([
    ['indented, as out of YAML', pem => pem.replace(/^(?=.)/gm, '    ')],
    ['behind a byte order mark', pem => Buffer.from(`\ufeff${pem}`).toString('latin1')],
    ['behind its name', pem => `tls.pem: ${pem}`],
    ['on one line', pem => pem.replaceAll('\n', ' ')],
  ])('takes PEM %s', async (_, written) => {
    const bytes = (text: string) => Buffer.from(written(text), 'latin1')
    const [cert, key] = [file('written.crt'), file('written.key')]
    writeFileSync(cert, bytes(readFileSync(file('shop.crt'), 'utf8') + root.certificate))
    writeFileSync(key, bytes(readFileSync(file('shop.key'), 'utf8')))
    await using gate = await openGate({ certificates: [{ cert, key }] })
    const { stdout } = await client(gate, ['-showcerts'])
    expect(stdout).toContain('HTTP/1.1 200')
    expect(stdout).toContain(readFileSync(file('shop.crt'), 'utf8').trim())
    expect(stdout).toContain(root.certificate.trim())
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'a key of another certificate',
      () => load([{ cert: file('default.crt'), key: file('shop.key') }]),
      /is not the key of .*: their public keys differ/,
    ],
    [
      'a missing file',
      () => load([{ cert: file('absent.crt'), key: file('shop.key') }]),
      /absent\.crt can not be read/,
    ],
    [
      'a certificate that is none',
      () => load([{ cert: file('shop.key'), key: file('shop.key') }]),
      /shop\.key holds no certificate/,
    ],
    [
      'a key that is none',
      () => load([{ cert: file('shop.crt'), key: file('shop.crt') }]),
      /shop\.crt holds no private key/,
    ],
    [
      'a CA bundle that is none',
      () => load([pair('shop')], { 'client-ca': file('shop.key') }),
      /shop\.key holds no certificate/,
    ],
    ['a missing CA', () => load([pair('shop')], { 'client-ca': file('absent.crt') }), /absent\.crt can not be read/],
    ['a CRL without a CA', () => load([pair('shop')], { 'client-crl': file('x.crl') }), /client-crl without client-ca/],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrow(expect.objectContaining({ name: 'TlsProblem', message: expect.stringMatching(message) }))
  })

  it('says where the key belongs when the chain starts with the issuer', async () => {
    const leaf = await serverOf('CN=leaf', ['localhost'], { issuer: root })
    const cert = folder.write('reversed.crt', root.certificate + leaf.certificate)
    expect(() => load([{ cert, key: folder.write('reversed.key', leaf.key) }])).toThrow(/it belongs to certificate 2/)
  })

  it('refuses an encrypted key and says how to decrypt it', async () => {
    const key = file('locked.key')
    await openssl(['pkey', '-in', file('shop.key'), '-aes256', '-passout', 'pass:x', '-out', key])
    expect(() => load([{ cert: file('shop.crt'), key }])).toThrow(/locked\.key is encrypted/)
  })

  it.each([
    ['PKCS#8', 'pkey'],
    ['the old form', 'ec'],
  ])('opens an encrypted key of %s that is indented', async (_, form) => {
    const key = file('indented.key')
    await openssl([form, '-in', file('shop.key'), '-aes256', '-passout', 'pass:x', '-out', key])
    writeFileSync(key, readFileSync(key, 'utf8').replace(/^(?=.)/gm, '  '))
    const passphrase = new SecretRef('env', 'X')
    expect(load([{ cert: file('shop.crt'), key, passphrase }], {}, { secretOf: () => 'x' }).warnings).toEqual([])
  })
})

it('an environment that turns verification off is refused', () => {
  expect(() => refuseUnverifiedTls({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toThrow(/turns off the check/)
  expect(() => refuseUnverifiedTls({ NODE_TLS_REJECT_UNAUTHORIZED: '1' })).not.toThrow()
})

/** Sends a request on an open connection and reads one answer. */
async function ask(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}
