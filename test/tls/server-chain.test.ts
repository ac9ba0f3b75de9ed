import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readCertificate } from '../../src/tls/certificate.ts'
import { type ChainTrust, judgeServerChain } from '../../src/tls/server-chain.ts'
import { CLIENT_AUTH, type Crafted, craft, DAY, SERVER_AUTH } from './craft.ts'

const der = ({ certificate }: Crafted): Buffer => new X509Certificate(certificate).raw
const root = await craft({ subject: 'CN=Root', ca: true })
const intermediate = await craft({ subject: 'CN=Issuing', issuer: root, ca: true })
const server = { dns: ['hooks.example.com'], usage: [SERVER_AUTH] }
const leaf = await craft({ subject: 'CN=leaf', issuer: intermediate, ...server })

const trusting = (more: Partial<ChainTrust> = {}): ChainTrust => ({
  anchors: [readCertificate(der(root))],
  whose: 'the CAs of ca.pem',
  own: true,
  nearby: [],
  ...more,
})

const judge = (sent: readonly Crafted[], trust = trusting(), host = 'hooks.example.com') =>
  judgeServerChain(sent.map(der), host, trust, Date.now())
const causes = (...args: Parameters<typeof judge>) => judge(...args).map(({ level, cause }) => `${level} ${cause}`)

describe('the chain that a server sends', () => {
  it('is fine where it leads to a trusted CA', () => {
    expect(causes([leaf, intermediate])).toEqual(['ok tls.certificate'])
  })

  it('ends soon where less is left than whoever renews it would leave, as the gate warns of its own', async () => {
    const of = async (life: number, left: number) => {
      const dates = { notBefore: Date.now() - (life - left) * DAY, notAfter: Date.now() + left * DAY }
      const issuing = await craft({ subject: 'CN=Issuing', issuer: root, ca: true, ...dates })
      return judge([await craft({ subject: 'CN=leaf', issuer: issuing, ...server, ...dates }), issuing])
    }
    const warned = ['tls.ends-soon', 'tls.issuer-ends-soon']
    for (const [life, left, expected] of [
      [365, 31, ['tls.certificate']],
      [365, 29, warned],
      [60, 29, ['tls.certificate']],
      [60, 6.9, warned],
      [6, 2, ['tls.certificate']],
      [6, 0.9, warned],
      [1, 0.3, ['tls.certificate']],
      [1, 0.15, warned],
    ] as const)
      expect(
        (await of(life, left)).map(({ cause }) => cause),
        `${left} of ${life} days`,
      ).toEqual(expected)
    const [said] = await of(1, 0.15)
    expect(said?.because).toMatch(/^the certificate ends in 3\.6 h, at /)
  })

  it('is fine and says until when', async () => {
    const long = { notAfter: Date.now() + 90 * DAY }
    const issuing = await craft({ subject: 'CN=Issuing', issuer: root, ca: true, ...long })
    const [found, ...rest] = judge([await craft({ subject: 'CN=leaf', issuer: issuing, ...server, ...long }), issuing])
    expect(rest).toEqual([])
    expect(found).toMatchObject({ level: 'ok', cause: 'tls.certificate', evidence: { 'days-left': 89, sent: 2 } })
  })

  it('lacks its intermediate: likely where it is nowhere, proven where it lies near by', () => {
    expect(judge([leaf])[0]).toMatchObject({ cause: 'tls.intermediate-missing', certainty: 'likely', level: 'fail' })
    const nearby = [{ path: 'certs/issuing.pem', certificate: readCertificate(der(intermediate)) }]
    const found = judge([leaf], trusting({ nearby, own: false }))[0]
    expect(found).toMatchObject({ cause: 'tls.intermediate-missing', certainty: 'proven' })
    expect(found?.mend).toContain('certs/issuing.pem')
  })

  it('is of a CA that the public does not know', () => {
    const nearby = [{ path: 'certs/ca.pem', certificate: readCertificate(der(root)) }]
    const strangers = trusting({ anchors: [], own: false, nearby })
    expect(causes([leaf, intermediate], strangers)[0]).toBe('fail tls.private-ca')
    expect(causes([leaf, intermediate, root], strangers)[0]).toBe('fail tls.private-ca')
    expect(causes([leaf], trusting({ anchors: [], own: false }))[0]).toBe('fail tls.private-ca')
  })

  it('is signed by itself', async () => {
    const own = await craft({ subject: 'CN=self', ...server })
    expect(causes([own])[0]).toBe('fail tls.self-signed')
  })

  it('names a CA that did not sign it', async () => {
    const impostor = await craft({ subject: 'CN=Root', ca: true })
    const forged = await craft({ subject: 'CN=leaf', issuer: impostor, ...server })
    expect(causes([forged])[0]).toBe('fail tls.issuer-mismatch')
  })

  it('is in the wrong order, or holds what does not belong to it', async () => {
    const second = await craft({ subject: 'CN=Second', issuer: intermediate, ca: true })
    const deep = await craft({ subject: 'CN=deep', issuer: second, ...server })
    expect(causes([deep, intermediate, second])).toContain('warn tls.order')
    expect(causes([deep, second, intermediate])).not.toContain('warn tls.order')
    const other = await craft({ subject: 'CN=Other', ca: true })
    expect(causes([leaf, intermediate, other])).toContain('warn tls.unrelated-certificate')
  })

  it('has ended, has not begun, or ends soon, at any height', async () => {
    const past = await craft({
      subject: 'CN=leaf',
      issuer: root,
      ...server,
      notBefore: Date.now() - 9 * DAY,
      notAfter: Date.now() - 3 * DAY,
    })
    expect(judge([past])[0]).toMatchObject({ cause: 'tls.expired', level: 'fail' })
    expect(judge([past])[0]?.because).toContain('3 days ago')
    const future = await craft({ subject: 'CN=leaf', issuer: root, ...server, notBefore: Date.now() + DAY })
    expect(causes([future])[0]).toBe('fail tls.not-yet-valid')
    const old = await craft({
      subject: 'CN=Old',
      issuer: root,
      ca: true,
      notBefore: Date.now() - 9 * DAY,
      notAfter: Date.now() - DAY,
    })
    expect(causes([await craft({ subject: 'CN=leaf', issuer: old, ...server }), old])).toContain(
      'fail tls.issuer-expired',
    )
  })

  it('does not name the host', async () => {
    const found = judge([leaf, intermediate], trusting(), 'example.org')[0]
    expect(found).toMatchObject({ cause: 'tls.name-mismatch', evidence: { names: ['hooks.example.com'] } })
    expect(causes([leaf, intermediate], trusting(), '192.0.2.1')[0]).toBe('fail tls.name-mismatch')
  })

  it('is not for servers', async () => {
    expect(
      causes([await craft({ subject: 'CN=leaf', issuer: root, dns: server.dns, usage: [CLIENT_AUTH] })]),
    ).toContain('fail tls.not-for-servers')
  })

  it('is nothing, or nothing that can be read', () => {
    expect(causes([])).toEqual(['fail tls.no-certificate'])
    expect(judgeServerChain([Buffer.from('no')], 'a', trusting(), 0).map(({ cause }) => cause)).toEqual([
      'tls.unreadable',
    ])
  })
})
