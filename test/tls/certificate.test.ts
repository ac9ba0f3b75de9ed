import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, readCertificate, sha256 } from '../../src/tls/certificate.ts'
import { verifyClientChain } from '../../src/tls/chain.ts'
import { readCrl } from '../../src/tls/crl.ts'
import { DerError, readElement } from '../../src/tls/der.ts'
import { formatName } from '../../src/tls/distinguished-name.ts'
import { readAlternativeNames } from '../../src/tls/general-names.ts'
import { issueCa } from '../../src/tls/issue.ts'
import { decodePem } from '../../src/tls/pem.ts'
import { loadClientTrust } from '../../src/tls/trust.ts'
import { craft, craftCrl, openssl, temporaryFolder } from './craft.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const file = (name: string) => `${folder.path}/${name}`

let ca: { certificate: string; key: string }
beforeAll(async () => {
  ca = await issueCa('Test CA', Date.now())
  folder.write('ca.crt', ca.certificate)
  folder.write('ca.key', ca.key)
})

/** A certificate made by openssl, signed by our CA. */
async function byOpenssl(
  kind: readonly string[],
  subject: string,
  extensions: readonly string[] = [],
): Promise<Buffer> {
  const added = extensions.flatMap(extension => ['-addext', extension])
  const out = ['-keyout', file('x.key'), '-out', file('x.crt')]
  const issuer = ['-CA', file('ca.crt'), '-CAkey', file('ca.key')]
  const { code, stderr } = await openssl([
    'req',
    '-x509',
    '-nodes',
    '-utf8',
    ...kind,
    '-subj',
    subject,
    '-days',
    '5',
    ...issuer,
    ...out,
    ...added,
  ])
  expect(code, stderr).toBe(0)
  const { stdout } = await openssl(['x509', '-in', file('x.crt')])
  return decodePem(stdout)[0]?.der ?? Buffer.alloc(0)
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

describe('reading a certificate', () => {
  it.each([[EC], [['-newkey', 'rsa:2048']], [['-newkey', 'ed25519']]])(
    'agrees with node about one made with %j',
    async kind => {
      const der = await byOpenssl(
        kind,
        '/C=DE/O=Example, Inc./OU=A+B/CN=a.example',
        [
          'subjectAltName=DNS:a.example,URI:spiffe://a.example/x,email:ops@a.example,IP:192.0.2.1,IP:2001:db8::1,otherName:1.2.3.4;UTF8:x',
          'extendedKeyUsage=clientAuth,1.2.3.4',
        ].map(text => text.replace('', '')),
      )
      const read = readCertificate(der)
      const node = new X509Certificate(der)
      expect(read.serial.padStart(read.serial.length + (read.serial.length % 2), '0').toUpperCase()).toBe(
        node.serialNumber,
      )
      expect(new Date(read.notBefore)).toEqual(node.validFromDate)
      expect(new Date(read.notAfter)).toEqual(node.validToDate)
      expect(sha256(read.der)).toBe(node.fingerprint256.replaceAll(':', '').toLowerCase())
      expect(read.spki).toEqual(node.publicKey.export({ type: 'spki', format: 'der' }))
      expect(read.extendedKeyUsage).toEqual(node.keyUsage)
      expect(read.names).toEqual({
        dns: ['a.example'],
        uris: ['spiffe://a.example/x'],
        emails: ['ops@a.example'],
        ips: ['192.0.2.1', '2001:db8::1'],
      })
      const { stdout } = await openssl(['x509', '-in', file('x.crt'), '-noout', '-subject', '-nameopt', 'RFC2253'])
      expect(`subject=${formatName(read.subject)}`).toBe(stdout.trim())
    },
  )

  it('writes names as openssl does, other scripts as they are', async () => {
    const der = await byOpenssl(EC, '/CN= b\u00fccher #1; "x"\\\\y<z> /DC=example/UID=7')
    const { stdout } = await openssl([
      'x509',
      '-in',
      file('x.crt'),
      '-noout',
      '-subject',
      '-nameopt',
      'RFC2253,utf8,-esc_msb',
    ])
    expect(`subject=${formatName(readCertificate(der).subject)}`).toBe(stdout.replace(/\n$/, ''))
  })

  it('refuses whatever is no certificate, and never hangs', async () => {
    const der = await byOpenssl(EC, '/CN=x', ['subjectAltName=DNS:a.example'])
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, octet, end) => {
        const broken = Buffer.from(der)
        broken[at] = octet
        for (const bytes of [broken, der.subarray(0, end)]) {
          try {
            readCertificate(bytes)
          } catch (error) {
            if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error
          }
        }
      }),
      { numRuns: 500 },
    )
    expect(() => readCertificate(Buffer.concat([der, Buffer.from([0])]))).toThrow()
  })
})

describe('DER', () => {
  it.each([
    ['an indefinite length', '3080020101' + '0000'],
    ['a length in more octets than needed', '308103020101'],
    ['a length with a leading zero', '3082000302' + '0101'],
    ['a high tag number', '1f8101020101'],
    ['bytes after it', '02010100'],
    ['an end that is missing', '3005020101'],
    ['nothing', ''],
  ])('%s is refused', (_, hex) => {
    expect(() => readElement(Buffer.from(hex, 'hex'))).toThrow(DerError)
  })
})

describe('alternative names', () => {
  const names = (...parts: [tag: number, value: string][]) => {
    const body = Buffer.concat(
      parts.map(([tag, value]) => {
        const octets = Buffer.from(value, 'latin1')
        return Buffer.concat([Buffer.from([tag, octets.length]), octets])
      }),
    )
    return readAlternativeNames(Buffer.concat([Buffer.from([0x30, body.length]), body]))
  }

  it.each([
    'bank.example\0.evil',
    'b\u00fccher.example',
    'a b',
    ' a',
    'a\n',
    '',
    'a..b',
    '.a',
    'a.',
    'a.*.b',
    '*',
    'x*.a',
    'a/b',
  ])('no DNS name is %j', value => {
    expect(names([0x82, value], [0x82, 'ok.example']).dns).toEqual(['ok.example'])
  })

  it.each(['spiffe://a\0b', 'spiffe://a b', 'http://\u00fc', ''])('no URI is %j', value => {
    expect(names([0x86, value]).uris).toEqual([])
  })

  it('takes an address of 4 or 16 octets only', () => {
    expect(names([0x87, '\x7f\0\0'], [0x87, '\x7f\0\0\x01'], [0x87, '\x7f\0\0\x01\0\0\0\0']).ips).toEqual(['127.0.0.1'])
  })

  it('keeps each kind apart', () => {
    expect(names([0x86, 'a.example'], [0x81, 'b.example'])).toEqual({
      dns: [],
      uris: ['a.example'],
      emails: ['b.example'],
      ips: [],
    })
  })
})

describe('weak certificates', () => {
  it.each([
    [['-newkey', 'rsa:1024', '-sha256'], /a key of 1024 bits/],
    [[...EC, '-sha1'], /signed with SHA-1 or MD5/],
  ])('made with %j are refused', async (kind, problem) => {
    const leaf = readCertificate(await byOpenssl(kind, '/CN=weak', ['basicConstraints=critical,CA:FALSE']))
    const trust = loadClientTrust({ ca: { path: 'ca.crt', pem: Buffer.from(ca.certificate) } }, Date.now())
    expect(verifyClientChain(leaf, [], trust, Date.now())).toEqual({
      ok: false,
      problem: expect.stringMatching(problem),
    })
  })
})

describe('reading a CRL', () => {
  it('agrees with openssl about one that openssl made', async () => {
    await byOpenssl(EC, '/CN=gone')
    folder.write('index.txt', '')
    folder.write('number', '1F\n')
    folder.write(
      'ca.cnf',
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index.txt')}\ncrlnumber=${file('number')}\ndefault_md=sha256\ndefault_crl_days=3\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n`,
    )
    const common = ['ca', '-config', file('ca.cnf'), '-cert', file('ca.crt'), '-keyfile', file('ca.key')]
    expect((await openssl([...common, '-revoke', file('x.crt'), '-crl_reason', 'keyCompromise'])).code).toBe(0)
    expect((await openssl([...common, '-gencrl', '-out', file('x.crl')])).code).toBe(0)
    const { stdout } = await openssl(['crl', '-in', file('x.crl')])
    const crl = readCrl(decodePem(stdout)[0]?.der ?? Buffer.alloc(0))
    const gone: Certificate = readCertificate(
      decodePem((await openssl(['x509', '-in', file('x.crt')])).stdout)[0]?.der ?? Buffer.alloc(0),
    )
    expect([...crl.revoked.keys()]).toEqual([gone.serial])
    expect(crl.number).toBe(0x1fn)
    expect(crl.unknownCritical).toEqual([])
    const pem = Buffer.from(stdout)
    const files = {
      ca: { path: 'ca.crt', pem: Buffer.from(ca.certificate) },
      crls: [{ path: 'x.crl', read: () => pem }],
    }
    const trust = loadClientTrust(files, Date.now())
    expect(trust.problems).toEqual([])
    expect(trust.expiries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'certificate ca.crt (CN=Test CA)',
      'crl x.crl (CN=Test CA)',
    ])
    expect(verifyClientChain(gone, [], trust, Date.now())).toMatchObject({ problem: expect.stringMatching(/revoked/) })
  })

  it('refuses one whose bytes were changed', async () => {
    const root = await craft({ subject: 'CN=Root', ca: true })
    const der = decodePem(await craftCrl(root, { revoked: ['5abc'] }))[0]?.der ?? Buffer.alloc(0)
    const at = der.indexOf(Buffer.from('5abc', 'hex'))
    const changed = Buffer.from(der)
    changed[at] = 0x5b
    const pem = (bytes: Buffer) =>
      Buffer.from(`-----BEGIN X509 CRL-----\n${bytes.toString('base64')}\n-----END X509 CRL-----\n`)
    const problems = (bytes: Buffer) =>
      loadClientTrust(
        {
          ca: { path: 'ca.crt', pem: Buffer.from(root.certificate) },
          crls: [{ path: 'x.crl', read: () => pem(bytes) }],
        },
        Date.now(),
      ).problems
    expect(problems(der)).toEqual([])
    expect(problems(changed)).toEqual([expect.stringMatching(/is not signed by the CA that it names/)])
  })
})
