import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret, SecretRef } from '../../src/core/secret.ts'
import type { CertificateConfig } from '../../src/tls/config.ts'
import { loadServerTls } from '../../src/tls/server.ts'
import { type Crafted, craft, DAY, openssl, SERVER_AUTH, temporaryFolder } from './craft.ts'
import { openGate } from './gate.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const file = (name: string): string => `${folder.path}/${name}`
const PASS = 'correct horse'
const secretOf = (ref: SecretRef): string => new Secret(Buffer.from(ref.name === 'PASS' ? PASS : 'wrong')).text()
const good = new SecretRef('env', 'PASS')
const wrong = new SecretRef('env', 'WRONG')

let root: Crafted
let middle: Crafted
let leaf: Crafted

beforeAll(async () => {
  root = await craft({ subject: 'CN=Root', ca: true })
  middle = await craft({ subject: 'CN=Middle', ca: true, issuer: root })
  leaf = await craft({ subject: 'CN=gate', issuer: middle, usage: [SERVER_AUTH], dns: ['localhost'] })
  folder.write('root.crt', root.certificate)
  folder.write('root.key', root.key)
  folder.write('middle.crt', middle.certificate)
  folder.write('middle.key', middle.key)
  folder.write('leaf.crt', leaf.certificate + middle.certificate)
  folder.write('leaf.key', leaf.key)
  // The issuers come first, so that the order has to be found.
  folder.write('issuers.crt', root.certificate + middle.certificate)
  const rsa = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9', '-subj', '/CN=rsa']
  await openssl([
    ...rsa,
    '-addext',
    'subjectAltName=DNS:localhost',
    '-keyout',
    file('rsa.key'),
    '-out',
    file('rsa.crt'),
  ])
}, 30_000)

const load = (certificate: CertificateConfig) =>
  loadServerTls({ profile: 'intermediate', certificates: [certificate] }, path => readFileSync(path), { secretOf })

async function bundle(name: string, certificate: string, more: readonly string[] = []): Promise<string> {
  const key = file(`${certificate}.key`)
  const args = ['-in', file(`${certificate}.crt`), '-inkey', key, '-passout', `pass:${PASS}`, '-out', file(name)]
  const { code, stderr } = await openssl(['pkcs12', '-export', ...args, ...more])
  expect(code, stderr).toBe(0)
  return file(name)
}

/** What `openssl s_client` sees of a gate with this certificate. */
async function served(certificate: CertificateConfig, args: readonly string[] = []): Promise<string> {
  await using gate = await openGate({ certificates: [certificate] }, { secretOf })
  gate.tls.attend(gate.server)
  const input = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const ran = await openssl(
    ['s_client', '-connect', `127.0.0.1:${gate.port}`, '-ign_eof', '-showcerts', ...args],
    input,
  )
  return ran.stdout
}

describe('a PKCS#12 bundle', () => {
  it.each([
    ['of today', []],
    ['of old Windows', ['-legacy']],
    ['with its certificates in the clear', ['-certpbe', 'NONE']],
  ])('%s is served with its chain in order', async (_, more) => {
    const pkcs12 = await bundle('ec.p12', 'leaf', ['-certfile', file('issuers.crt'), ...more])
    const seen = await served({ pkcs12, passphrase: good }, ['-CAfile', file('root.crt')])
    expect(seen).toContain('HTTP/1.1 200')
    expect(seen).toContain('Verify return code: 0 (ok)')
    expect([...seen.matchAll(/^ *\d s:CN ?= ?(.*)$/gm)].map(match => match[1])).toEqual(['gate', 'Middle', 'Root'])
  })

  it('of an RSA key is served, byte for byte the certificate that went in', async () => {
    const pkcs12 = await bundle('rsa.p12', 'rsa')
    expect(await served({ pkcs12, passphrase: good })).toContain(readFileSync(file('rsa.crt'), 'utf8').trim())
  })

  it('is refused with another passphrase, and neither is quoted', async () => {
    const pkcs12 = await bundle('ec.p12', 'leaf')
    const attempt = () => load({ pkcs12, passphrase: wrong })
    expect(attempt).toThrow(/the passphrase does not open .*ec\.p12$/)
    expect(attempt).not.toThrow(/wrong|horse/)
  })

  it('is refused without a key, and where it is none', async () => {
    const pkcs12 = await bundle('no-key.p12', 'leaf', ['-nokeys'])
    expect(() => load({ pkcs12, passphrase: good })).toThrow(/no-key\.p12 holds 0 private keys where one is needed/)
    expect(() => load({ pkcs12: file('leaf.crt'), passphrase: good })).toThrow(/is no PKCS#12 bundle/)
    expect(() => load({ pkcs12: file('absent.p12'), passphrase: good })).toThrow(/absent\.p12 can not be read/)
  })
})

describe('an encrypted key', () => {
  it.each([
    ['PKCS#8', ['pkey', '-aes256']],
    ['of the old form', ['ec', '-aes256']],
  ])('in PEM, %s, is opened by its passphrase', async (_, how) => {
    const key = file('locked.key')
    await openssl([...how, '-in', file('leaf.key'), '-passout', `pass:${PASS}`, '-out', key])
    const cert = file('leaf.crt')
    expect(readFileSync(key, 'utf8')).toContain('ENCRYPTED')
    expect(await served({ cert, key, passphrase: good })).toContain('HTTP/1.1 200')
    expect(() => load({ cert, key, passphrase: wrong })).toThrow(/the passphrase does not open .*locked\.key$/)
    expect(() => load({ cert, key })).toThrow(/locked\.key is encrypted/)
  })
})

describe('a staple', () => {
  /** An OCSP response of the middle CA on a certificate. */
  async function respond(name: string, status: 'V' | 'R', days = '3', serial = leaf.serial): Promise<string> {
    const index = `${status}\t491231235959Z\t${status === 'R' ? '260101000000Z' : ''}\t${serial.toUpperCase()}\tunknown\t/CN=gate\n`
    writeFileSync(file('index.txt'), index)
    const ca = ['-CA', file('middle.crt'), '-rsigner', file('middle.crt'), '-rkey', file('middle.key')]
    const request = ['-issuer', file('middle.crt'), '-serial', `0x${serial}`, '-reqout', file('request.der')]
    await openssl(['ocsp', ...request])
    const answer = ['-reqin', file('request.der'), '-respout', file(name), '-ndays', days]
    const { code, stderr } = await openssl(['ocsp', '-index', file('index.txt'), ...ca, ...answer])
    expect(code, stderr).toBe(0)
    return file(name)
  }
  const certificate = (staple: string) => ({ cert: file('leaf.crt'), key: file('leaf.key'), staple })
  const status = async (staple: string) => served(certificate(staple), ['-status', '-CAfile', file('root.crt')])

  it('goes with the certificate, and its end is watched', async () => {
    const staple = await respond('good.der', 'V')
    const seen = await status(staple)
    expect(seen).toMatch(/OCSP Response Status: successful/)
    expect(seen).toMatch(/Cert Status: good/)
    const { expiries, warnings } = load(certificate(staple))
    const end = expiries.find(({ kind }) => kind === 'staple')
    expect(end?.name).toBe(staple)
    expect(Math.abs((end?.at ?? 0) - Date.now() - 3 * DAY)).toBeLessThan(60_000)
    expect(warnings).toEqual([])
  })

  it.each([
    ['that calls it revoked', () => respond('revoked.der', 'R'), /does not call the certificate good/],
    ['on another certificate', () => respond('other.der', 'V', '3', '4242'), /a response on another certificate/],
    ['that is none', async () => file('leaf.crt'), /is left out/],
    ['that is missing', async () => file('absent.der'), /ENOENT/],
  ])('%s is left out, and the gate says so', async (_, make, reason) => {
    const staple = await make()
    expect(await status(staple)).toMatch(/OCSP response: no response sent/)
    const { warnings } = load(certificate(staple))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^the staple .* is left out: /)
    expect(warnings[0]).toMatch(reason)
  })

  it('that has ended is left out', async () => {
    const staple = await respond('short.der', 'V')
    const now = Date.now() + 5 * DAY
    const options = { now }
    const { warnings } = loadServerTls(
      { profile: 'intermediate', certificates: [certificate(staple)] },
      path => readFileSync(path),
      options,
    )
    expect(warnings).toEqual([expect.stringMatching(/staple .* has expired/)])
  })
})
