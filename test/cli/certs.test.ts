import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { certs } from '../../src/cli/certs.ts'
import { openssl, run, temporaryFolder } from '../tls/craft.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder[Symbol.dispose]())

/** Runs the verb with these arguments in the temporary folder. */
async function verb(...args: string[]) {
  const { values, positionals } = parseArgs({ args, options: certs.options, allowPositionals: true })
  const said = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (said[name] += text) })
  const io = { stdout: sink('stdout'), stderr: sink('stderr'), env: { P12: 'p\u00e4ss w\u00f6rd' }, cwd: folder.path }
  const code = await certs.run({ values, positionals }, io)
  return { code, ...said }
}

const path = (name: string) => join(folder.path, 'certs', name)
const init = (...more: string[]) => verb('init', '--dir', 'certs', ...more)
const text = async (name: string) => (await openssl(['x509', '-in', path(name), '-noout', '-text'])).stdout
const mode = (name: string) => statSync(name).mode & 0o777

describe('certs init', () => {
  it('makes all that the configs name, with modes that keep keys private', async () => {
    const { code, stdout } = await init()
    expect(code).toBe(0)
    expect(readdirSync(path('')).sort()).toEqual(
      ['ca', 'server', 'clients-ca', 'client', 'bridge']
        .flatMap(name => [`${name}.crt`, `${name}.key`])
        .concat('clients.crl')
        .sort(),
    )
    expect(stdout).toMatch(/^made +certs\/server\.crt +server, until \d{4}-\d\d-\d\d$/m)
    expect(mode(path(''))).toBe(0o700)
    for (const file of readdirSync(path(''))) expect(mode(path(file))).toBe(file.endsWith('.key') ? 0o600 : 0o644)
  })

  it('makes chains that openssl verifies strictly', async () => {
    await init()
    const verify = async (ca: string, purpose: string, name: string) =>
      (await openssl(['verify', '-x509_strict', '-purpose', purpose, '-CAfile', path(ca), path(name)])).code
    expect(await verify('ca.crt', 'any', 'ca.crt')).toBe(0)
    expect(await verify('clients-ca.crt', 'any', 'clients-ca.crt')).toBe(0)
    expect(await verify('ca.crt', 'sslserver', 'server.crt')).toBe(0)
    expect(await verify('clients-ca.crt', 'sslclient', 'client.crt')).toBe(0)
    expect(await verify('clients-ca.crt', 'sslclient', 'bridge.crt')).toBe(0)
    expect(await verify('clients-ca.crt', 'sslserver', 'client.crt')).not.toBe(0)
    expect(await verify('clients-ca.crt', 'sslserver', 'server.crt')).not.toBe(0)
  })

  it('gives the server its names, uses and a year', async () => {
    await init('--name', 'gw.test', '--name', '192.0.2.7', '--name', '2001:db8::1')
    const server = await text('server.crt')
    expect(server).toMatch(
      /DNS:localhost, DNS:gw\.test, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1, IP Address:192\.0\.2\.7/,
    )
    expect(server).toMatch(/IP Address:2001:DB8:0:0:0:0:0:1/)
    expect(server).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
    expect(server).toMatch(
      /Key Usage: critical\s+Digital Signature\s+X509v3 Extended Key Usage: \s+TLS Web Server Authentication/,
    )
    expect(server).toMatch(/Subject Key Identifier/)
    expect(server).toMatch(/Authority Key Identifier/)
    expect(server).toMatch(/NIST CURVE: P-256/)
    expect(await text('ca.crt')).toMatch(/CA:TRUE, pathlen:0[\s\S]*Key Usage: critical\s+Certificate Sign, CRL Sign/)
    const { validFrom, validTo, serialNumber } = certificate('server.crt')
    expect(Math.round((Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000)).toBe(397)
    expect(Date.parse(validFrom)).toBeLessThan(Date.now() - 60_000)
    expect(serialNumber).toMatch(/^[4-7][0-9A-F]{39}$/)
  })

  it('signs a CRL that openssl accepts', async () => {
    await init()
    const { stdout, stderr } = await openssl([
      'crl',
      '-in',
      path('clients.crl'),
      '-CAfile',
      path('clients-ca.crt'),
      '-noout',
      '-text',
    ])
    expect(stderr).toContain('verify OK')
    expect(stdout).toMatch(
      /Version 2[\s\S]*Authority Key Identifier[\s\S]*CRL Number: \s+1[\s\S]*No Revoked Certificates/,
    )
  })

  it('keeps what is there, unless forced', async () => {
    await init()
    const before = readFileSync(path('server.crt'), 'utf8')
    const again = await init()
    expect(again.code).toBe(0)
    expect(again.stdout.match(/^kept /gm)).toHaveLength(6)
    expect(readFileSync(path('server.crt'), 'utf8')).toBe(before)
    expect((await init('--force')).stdout.match(/^made /gm)).toHaveLength(6)
    expect(readFileSync(path('server.crt'), 'utf8')).not.toBe(before)
    expect(mode(path('server.key'))).toBe(0o600)
  })

  it('says when the server certificate that it keeps lacks a name', async () => {
    await init()
    const { code, stderr } = await init('--name', 'gw.test', '--name', '::1')
    expect(code).toBe(1)
    expect(stderr).toBe(
      'sallyport certs: certs/server.crt was kept and does not name gw.test\nmend: remove it and its key and run this again; the CA stays\n',
    )
    for (const file of ['server.crt', 'server.key']) rmSync(path(file))
    expect((await init('--name', 'gw.test')).code).toBe(0)
  })

  it('refuses half a pair and a name that is none', async () => {
    await init()
    rmSync(path('server.key'))
    expect(await init()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/server\.crt is there without its other half/),
    })
    expect(await init('--name', 'https://gw.test')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is no host name/),
    })
  })
})

describe('certs client', () => {
  const client = (...more: string[]) => verb('client', '--dir', 'certs', '--name', 'bank', ...more)

  it('makes one with the names that were asked for', async () => {
    await init()
    const made = await client(
      '--dns',
      'hooks.bank.example',
      '--uri',
      'spiffe://bank.example/webhooks',
      '--email',
      'ops@bank.example',
    )
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(await text('bank.crt')).toMatch(
      /DNS:hooks\.bank\.example, URI:spiffe:\/\/bank\.example\/webhooks, email:ops@bank\.example/,
    )
    expect(await text('bank.crt')).toContain('TLS Web Client Authentication')
    expect(mode(path('bank.key'))).toBe(0o600)
    expect(await client('--dns', 'x.example')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is there already'),
    })
    expect((await client('--dns', 'x.example', '--out', 'other.crt')).code).toBe(0)
    expect(existsSync(join(folder.path, 'other.key'))).toBe(true)
  })

  it.each([
    [['--uri', 'no uri'], /is no URI/],
    [['--dns', 'a b'], /is no host name/],
    [['--email', 'x'], /is no address/],
    [[], /no name to allow/],
    [['--name', 'twice', '--dns', 'x.example'], /--name is needed once/],
  ])('refuses %j', async (args, message) => {
    await init()
    const { code, stderr } = await client(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('needs the CA', async () => {
    expect(await client('--dns', 'x.example')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/clients-ca\.crt is missing/),
    })
  })
})

describe('certs revoke', () => {
  it('adds to the CRL and signs it anew, once', async () => {
    await init()
    const check = (name: string) =>
      openssl(['verify', '-crl_check', '-CRLfile', path('clients.crl'), '-CAfile', path('clients-ca.crt'), path(name)])
    expect((await check('client.crt')).code).toBe(0)
    expect((await verb('revoke', '--dir', 'certs', 'certs/client.crt')).stdout).toMatch(/^revoked /)
    expect((await check('client.crt')).stderr).toContain('certificate revoked')
    expect((await check('bridge.crt')).code).toBe(0)
    expect((await verb('revoke', '--dir', 'certs', 'certs/bridge.crt')).code).toBe(0)
    expect((await check('bridge.crt')).stderr).toContain('certificate revoked')
    expect((await check('client.crt')).stderr).toContain('certificate revoked')
    expect((await verb('revoke', '--dir', 'certs', 'certs/client.crt')).stdout).toMatch(/was revoked before/)
    const crl = await openssl(['crl', '-in', path('clients.crl'), '-noout', '-crlnumber'])
    expect(crl.stdout.trim()).toBe('crlNumber=0x03')
  })

  it('refuses a certificate of another CA', async () => {
    await init()
    const { code, stderr } = await verb('revoke', '--dir', 'certs', 'certs/server.crt')
    expect(code).toBe(1)
    expect(stderr).toMatch(/is not issued by the clients' CA/)
  })
})

describe('certs p12', () => {
  const bundle = (...more: string[]) =>
    verb('p12', '--dir', 'certs', '--name', 'client', '--out', 'client.p12', ...more)

  it('bundles certificate, CA and key under a password', async () => {
    await init()
    expect(await bundle('--password', 'env:P12')).toMatchObject({ code: 0, stderr: '' })
    const file = join(folder.path, 'client.p12')
    expect(mode(file)).toBe(0o600)
    const read = (password: string) =>
      openssl(['pkcs12', '-in', file, '-passin', `pass:${password}`, '-info', '-nodes'])
    const { code, stdout, stderr } = await read('p\u00e4ss w\u00f6rd')
    expect(code).toBe(0)
    expect(stderr).toMatch(/MAC: sha256[\s\S]*PBES2, PBKDF2, AES-256-CBC[\s\S]*Shrouded Keybag: PBES2/)
    expect(stdout).toContain('friendlyName: client')
    expect(stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    const key = await openssl(['pkey', '-outform', 'DER'], stdout.slice(stdout.indexOf('-----BEGIN PRIVATE KEY')))
    expect(key.code).toBe(0)
    expect(stdout).toContain(readFileSync(path('client.key'), 'utf8').split('\n')[1])
    expect((await read('wrong')).code).not.toBe(0)
    // What it replaces is kept, unless forced.
    expect(await bundle('--password', 'env:P12')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is there already'),
    })
    expect((await bundle('--password', 'env:P12', '--force')).code).toBe(0)
  })

  it('opens in curl as a client certificate', async () => {
    await init()
    writeFileSync(join(folder.path, 'password'), 'secret\n')
    expect((await bundle('--password', 'file:password')).code).toBe(0)
    const file = join(folder.path, 'client.p12')
    const { stderr } = await run('curl', [
      '-sS',
      '--cert-type',
      'P12',
      '--cert',
      `${file}:secret`,
      'https://127.0.0.1:9/',
    ])
    expect(stderr).toMatch(/Failed to connect|refused/)
  })

  it.each([
    ['hunter2', /takes a reference/],
    ['env:ABSENT', /password of env:ABSENT is missing/],
  ])('refuses the password %s', async (password, message) => {
    await init()
    const { code, stderr } = await bundle('--password', password)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hunter2')
  })
})

describe('certs show', () => {
  it('tells names, uses, days left, fingerprints and the key beside', async () => {
    await init()
    const { code, stdout } = await verb('show', 'certs/server.crt')
    expect(code).toBe(0)
    const { fingerprint256 } = certificate('server.crt')
    expect(stdout).toContain(fingerprint256.replaceAll(':', '').toLowerCase())
    expect(stdout).toMatch(/names +dns localhost\n +ip 127\.0\.0\.1\n +ip ::1\n/)
    expect(stdout).toMatch(/for +servers\n/)
    expect(stdout).toMatch(/\(39[67] days left\)/)
    expect(stdout).toContain('certs/server.key is its key\n')
    const spki = execFileSync('sh', [
      '-c',
      `openssl x509 -in ${path('server.crt')} -pubkey -noout | openssl pkey -pubin -outform DER | openssl sha256`,
    ])
    expect(stdout).toContain(String(spki).trim().split(' ').at(-1))
  })

  it('tells a wrong key and a chain in the wrong order', async () => {
    await init()
    writeFileSync(
      path('odd.crt'),
      readFileSync(path('server.crt'), 'utf8') + readFileSync(path('clients-ca.crt'), 'utf8'),
    )
    writeFileSync(path('odd.key'), readFileSync(path('client.key'), 'utf8'))
    const { code, stderr } = await verb('show', 'certs/odd.crt')
    expect(code).toBe(1)
    expect(stderr).toMatch(/certificate 2 did not issue certificate 1/)
    expect(stderr).toMatch(/odd\.key is not its key/)
  })

  it('shows a CRL', async () => {
    await init()
    await verb('revoke', '--dir', 'certs', 'certs/client.crt')
    const { stdout } = await verb('show', 'certs/clients.crl')
    expect(stdout).toMatch(/CRL of +CN=Sallyport clients CA\n +number +2\n +valid .*\(\d+ days left\)\n +revoked +1\n/)
  })

  it('tells whether a chain is whole', async () => {
    await init()
    const server = readFileSync(path('server.crt'), 'utf8')
    writeFileSync(path('chain.crt'), server + readFileSync(path('ca.crt'), 'utf8'))
    const whole = await verb('show', 'certs/chain.crt')
    expect(whole.stdout).toContain('the chain of 2 is in order, leaf first\nit ends with its root')
    expect((await verb('show', 'certs/server.crt')).stdout).toContain(
      'whoever checks it needs CN=Sallyport server CA\n',
    )
  })

  it('shows a key and what it belongs to, an encrypted one with its password', async () => {
    await init()
    const own = await verb('show', 'certs/client.key')
    expect(own).toMatchObject({ code: 0, stderr: '' })
    expect(own.stdout).toMatch(
      /private key +ec prime256v1\n +spki sha256 +[0-9a-f]{64}\nit is the key of certs\/client\.crt/,
    )
    expect(own.stdout).not.toContain(readFileSync(path('client.key'), 'utf8').split('\n')[1])
    const args = ['pkey', '-in', path('client.key'), '-aes256', '-passout', 'pass:p\u00e4ss w\u00f6rd']
    await openssl([...args, '-out', path('locked.key')])
    expect((await verb('show', 'certs/locked.key')).stdout).toMatch(/private key +encrypted/)
    const opened = await verb('show', '--password', 'env:P12', 'certs/locked.key')
    expect(opened.stdout).toMatch(/private key +ec prime256v1/)
    writeFileSync(path('server.key'), readFileSync(path('client.key')))
    expect(await verb('show', 'certs/server.key')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/it is not the key of certs\/server\.crt/),
    })
  })

  it('shows a bundle, DER and a request', async () => {
    await init()
    const password = ['--password', 'env:P12']
    await verb('p12', '--dir', 'certs', '--name', 'client', '--out', 'client.p12', ...password)
    const bundle = await verb('show', ...password, 'client.p12')
    expect(bundle.stdout).toMatch(
      /names +dns client\.example[\s\S]*the chain of 2 is in order[\s\S]*client\.p12 is its key/,
    )
    expect((await verb('show', 'client.p12')).stderr).toMatch(/mend: where it is a PKCS#12 bundle, name its password/)
    for (const [kind, name] of [
      ['x509', 'server.crt'],
      ['crl', 'clients.crl'],
    ] as const) {
      await openssl([kind, '-in', path(name), '-outform', 'DER', '-out', path('any.der')])
      expect(await verb('show', 'certs/any.der')).toMatchObject({ code: 0, stderr: '' })
    }
    await request('partner', 'subjectAltName=DNS:partner.example')
    const asked = await verb('show', 'certs/partner.csr')
    expect(asked.stdout).toMatch(
      /request of +CN=partner, O=Partner\n +names +dns partner\.example\n[\s\S]*signed +by its own key/,
    )
  }, 30_000)

  it('explains a file that is missing or holds nothing', async () => {
    await init()
    writeFileSync(path('text'), 'text')
    expect(await verb('show', 'certs/text')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/holds no certificate, CRL, request or key\nmend: /),
    })
    expect(await verb('show', 'absent.crt')).toMatchObject({ code: 1, stderr: expect.stringMatching(/ENOENT/) })
  })
})

/** A partner's request, made by openssl. */
async function request(
  name: string,
  extension: string,
  kind: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
) {
  const args = ['-newkey', ...kind, '-nodes', '-subj', `/CN=${name}/O=Partner`, '-addext', extension]
  const { code, stderr } = await openssl([
    'req',
    '-new',
    ...args,
    '-keyout',
    path(`${name}.key`),
    '-out',
    path(`${name}.csr`),
  ])
  expect(code, stderr).toBe(0)
}

describe('certs sign', () => {
  const sign = (...more: string[]) => verb('sign', '--dir', 'certs', '--out', 'certs/partner.crt', ...more)

  it('makes a client certificate of a request, with its names and nothing else of it', async () => {
    await init()
    await request('partner', 'subjectAltName=DNS:partner.example,URI:spiffe://partner.example/in')
    const made = await sign('certs/partner.csr')
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toMatch(
      /for partner\.example, spiffe:\/\/partner\.example\/in, a client's, signed by certs\/clients-ca\.crt/,
    )
    const told = await text('partner.crt')
    expect(told).toMatch(/Subject: CN ?= ?partner\n/)
    expect(told).toContain('TLS Web Client Authentication')
    const verified = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', path('clients-ca.crt')]
    expect((await openssl([...verified, path('partner.crt')])).code).toBe(0)
    expect((await verb('show', 'certs/partner.crt')).stdout).toContain('certs/partner.key is its key')
    expect((await sign('certs/partner.csr')).stderr).toContain('is there already')
  })

  it('a request to be a CA makes none, and the names can be the signer’s', async () => {
    await init()
    await request('partner', 'basicConstraints=critical,CA:TRUE', ['rsa:2048'])
    expect((await sign('certs/partner.csr')).stderr).toMatch(/asks for no name/)
    expect((await sign('--dns', 'given.example', '--for', 'server', 'certs/partner.csr')).code).toBe(0)
    const told = await text('partner.crt')
    expect(told).toMatch(/CA:FALSE/)
    expect(told).toMatch(/DNS:given\.example/)
    expect(told).toContain('TLS Web Server Authentication')
    expect((await openssl(['verify', '-CAfile', path('ca.crt'), path('partner.crt')])).code).toBe(0)
  })

  it('refuses a weak key, a request that its key did not sign, and what is none', async () => {
    await init()
    await request('partner', 'subjectAltName=DNS:partner.example', ['rsa:1024'])
    expect((await sign('certs/partner.csr')).stderr).toMatch(/has a weak key/)
    await request('partner', 'subjectAltName=DNS:partner.example')
    const der = await openssl(['req', '-in', path('partner.csr'), '-outform', 'DER', '-out', path('der')])
    expect(der.code).toBe(0)
    const bytes = readFileSync(path('der'))
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    writeFileSync(
      path('forged.csr'),
      `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
    )
    expect((await sign('certs/forged.csr')).stderr).toMatch(/is not signed by its own key/)
    expect((await verb('show', 'certs/forged.csr')).stdout).toMatch(/signed +by no key of its own/)
    expect((await sign('certs/server.crt')).stderr).toMatch(/is no certificate request/)
    expect(existsSync(path('partner.crt'))).toBe(false)
  })
})

describe('certs renew', () => {
  it('keeps names, key and what follows, and begins a new year', async () => {
    await init()
    await verb(
      'client',
      '--dir',
      'certs',
      '--name',
      'bank',
      '--dns',
      'bank.example',
      '--uri',
      'spiffe://bank.example/a',
    )
    const ca = readFileSync(path('clients-ca.crt'), 'utf8')
    writeFileSync(path('bank.crt'), readFileSync(path('bank.crt'), 'utf8') + ca)
    const before = certificate('bank.crt')
    expect(await verb('renew', '--dir', 'certs', 'certs/bank.crt')).toMatchObject({ code: 0, stderr: '' })
    const after = certificate('bank.crt')
    expect(after.serialNumber).not.toBe(before.serialNumber)
    expect([after.subject, after.subjectAltName]).toEqual([before.subject, before.subjectAltName])
    expect(after.publicKey.equals(before.publicKey)).toBe(true)
    expect(readFileSync(path('bank.crt'), 'utf8').endsWith(ca)).toBe(true)
    expect(
      (await openssl(['verify', '-purpose', 'sslclient', '-CAfile', path('clients-ca.crt'), path('bank.crt')])).code,
    ).toBe(0)
  })

  it('takes a new key where that is asked for, RSA too', async () => {
    await init()
    const before = certificate('server.crt')
    expect((await verb('renew', '--dir', 'certs', '--rsa', 'certs/server.crt')).code).toBe(2)
    expect((await verb('renew', '--dir', 'certs', '--new-key', '--rsa', 'certs/server.crt')).code).toBe(0)
    const after = certificate('server.crt')
    expect(after.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    expect(after.subjectAltName).toBe(before.subjectAltName)
    expect(mode(path('server.key'))).toBe(0o600)
    expect((await verb('show', 'certs/server.crt')).stdout).toContain('certs/server.key is its key')
    expect(
      (await openssl(['verify', '-purpose', 'sslserver', '-CAfile', path('ca.crt'), path('server.crt')])).code,
    ).toBe(0)
  })

  it('refuses what was revoked: its client would be let in again', async () => {
    await init()
    await verb('revoke', '--dir', 'certs', 'certs/client.crt')
    const before = certificate('client.crt').serialNumber
    for (const also of [[], ['--new-key']]) {
      const { code, stderr } = await verb('renew', '--dir', 'certs', ...also, 'certs/client.crt')
      expect(code).toBe(1)
      expect(stderr).toMatch(/client\.crt was revoked\nmend: .*make another certificate with a key of its own/)
    }
    expect(certificate('client.crt').serialNumber).toBe(before)
    expect((await verb('renew', '--dir', 'certs', 'certs/bridge.crt')).code).toBe(0)
  })

  it('refuses a CA and what another CA issued', async () => {
    await init()
    await verb('init', '--dir', 'other')
    expect((await verb('renew', '--dir', 'certs', 'certs/ca.crt')).stderr).toMatch(/ca\.crt is a CA/)
    expect((await verb('renew', '--dir', 'certs', 'other/client.crt')).stderr).toMatch(
      /not issued by .*clients-ca\.crt/,
    )
  })
})

describe('RSA on request', () => {
  it('goes through the whole directory', async () => {
    await init('--rsa')
    for (const name of ['ca', 'server', 'clients-ca', 'client']) {
      expect(certificate(`${name}.crt`).publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072)
    }
    const check = ['verify', '-crl_check', '-CRLfile', path('clients.crl'), '-CAfile', path('clients-ca.crt')]
    expect((await openssl([...check, path('client.crt')])).code).toBe(0)
    await verb('revoke', '--dir', 'certs', 'certs/client.crt')
    expect((await openssl([...check, path('client.crt')])).stderr).toContain('certificate revoked')
    expect((await verb('client', '--dir', 'certs', '--name', 'bank', '--dns', 'b.example')).code).toBe(0)
    expect(certificate('bank.crt').publicKey.asymmetricKeyType).toBe('ec')
    expect((await openssl([...check, path('bank.crt')])).code).toBe(0)
  }, 30_000)
})

it.each([
  [[], /what to do is missing/],
  [['make'], /can't "make"/],
  [['constructor'], /can't/],
  [['init'], /--dir is missing/],
  [['revoke', '--dir', 'x'], /0 file names where 1/],
])('the command line %j is refused', async (args, message) => {
  const { code, stderr } = await verb(...args)
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
  expect(stderr).toContain('\nmend: ')
})

it('loads nothing that issues until it is asked to', async () => {
  const entry = join(import.meta.dirname, '../../src/cli/certs.ts')
  // Both libraries are CommonJS, so what was loaded shows in the module cache.
  const script = `import module from 'node:module'
    await import(${JSON.stringify(entry)})
    console.log(Object.keys(module._cache).filter(name => /peculiar|forge/.test(name)).length)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout.trim()).toBe('0')
})

function certificate(name: string): X509Certificate {
  return new X509Certificate(readFileSync(path(name)))
}
