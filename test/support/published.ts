import { webcrypto } from 'node:crypto'
import { peculiar } from '../../src/tls/peculiar.ts'

/** A certificate as a provider publishes it, and what is signed with. */
export interface Published {
  /** PEM. */
  readonly certificate: string
  /** DER (PKCS#8). */
  readonly key: Buffer
}

export interface Publishing {
  readonly dns?: readonly string[]
  readonly bits?: number
  /** Epoch milliseconds. */
  readonly from?: number
  readonly to?: number
}

const YEARS = 10 * 365 * 86_400_000

/** A new RSA certificate for those names, signed by itself. */
export async function publish({ dns = [], bits = 2048, from, to }: Publishing): Promise<Published> {
  const x509 = await peculiar()
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(
    { ...algorithm, modulusLength: bits, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  )
  const names = dns.map(value => new x509.GeneralName('dns', value))
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=published for a test',
    notBefore: new Date(from ?? Date.now() - YEARS),
    notAfter: new Date(to ?? Date.now() + YEARS),
    signingAlgorithm: algorithm,
    keys,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: certificate.toString('pem'), key: Buffer.from(der) }
}
