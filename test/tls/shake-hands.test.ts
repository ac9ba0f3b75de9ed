import { X509Certificate } from 'node:crypto'
import { connect } from 'node:net'
import { createServer, type SecureVersion, type TlsOptions } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { formatName } from '../../src/tls/distinguished-name.ts'
import { shakeHands } from '../../src/tls/shake-hands.ts'
import { craft, SERVER_AUTH } from './craft.ts'

const root = await craft({ subject: 'CN=Root', ca: true })
const issuing = await craft({ subject: 'CN=Issuing', issuer: root, ca: true })
const leaf = await craft({ subject: 'CN=leaf', issuer: issuing, dns: ['localhost'], usage: [SERVER_AUTH] })
const CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

async function shaken(options: TlsOptions, client: { minVersion?: SecureVersion; maxVersion?: SecureVersion } = {}) {
  const server = createServer({ key: leaf.key, cert: `${leaf.certificate}\n${issuing.certificate}`, ...options })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const raw = connect(port, '127.0.0.1')
  const result = await shakeHands(raw, { servername: 'localhost', ca: root.certificate, ...client }, 10_000)
  result.socket?.destroy()
  raw.destroy()
  await new Promise(resolve => server.close(resolve))
  return result
}

describe('what a server shows in its handshake', () => {
  const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
  it.each(versions)('%s: its certificates in the order sent, and the CAs that it asks for', async version => {
    const asks = { requestCert: true, rejectUnauthorized: false, ca: [root.certificate, issuing.certificate] }
    const result = await shaken({ ...asks, minVersion: version, maxVersion: version })
    expect(result.version).toBe(version)
    expect(result.untrusted).toBeUndefined()
    expect(result.flight.certificates.map(der => new X509Certificate(der).subject)).toEqual(['CN=leaf', 'CN=Issuing'])
    expect(result.flight.asks?.issuers.map(formatName).toSorted()).toEqual(['CN=Issuing', 'CN=Root'])
  })

  it.each(CIPHERS)('TLS 1.3 under %s', async ciphers => {
    const result = await shaken({ ciphers, minVersion: 'TLSv1.3' })
    expect(result.flight.certificates).toHaveLength(2)
    expect(result.flight.asks).toBeUndefined()
  })

  it('with a second hello, where the server wants another group', async () => {
    const result = await shaken({ ecdhCurve: 'P-521', minVersion: 'TLSv1.3' })
    expect(result.flight.certificates).toHaveLength(2)
  })

  it('says why it is not trusted, and goes on to look', async () => {
    const result = await shaken({ cert: leaf.certificate })
    expect(result.untrusted).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(result.flight.certificates).toHaveLength(1)
  })

  it('says why it failed', async () => {
    const result = await shaken({ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' })
    expect(result.fault?.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    expect(result.socket).toBeUndefined()
  })
})
