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

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

const newKeys = (modulusLength: number) =>
  webcrypto.subtle.generateKey({ ...ALGORITHM, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }, true, [
    'sign',
    'verify',
  ])

/** A chain of two: a new certificate for those names, and that of the CA between it and a root, which is not sent. */
export async function publishChain(dns: readonly string[]): Promise<Published> {
  const x509 = await peculiar()
  const [root, middle, own] = await Promise.all([newKeys(2048), newKeys(2048), newKeys(2048)])
  const dates = { notBefore: new Date(Date.now() - YEARS), notAfter: new Date(Date.now() + YEARS) }
  const issuer = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: 'CN=CA for a test',
    issuer: 'CN=root for a test',
    publicKey: middle.publicKey,
    signingKey: root.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  const leaf = await x509.X509CertificateGenerator.create({
    ...dates,
    subject: 'CN=published for a test',
    issuer: issuer.subject,
    publicKey: own.publicKey,
    signingKey: middle.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension(dns.map(value => new x509.GeneralName('dns', value)))],
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', own.privateKey)
  return { certificate: `${leaf.toString('pem')}\n${issuer.toString('pem')}\n`, key: Buffer.from(der) }
}

/** A new RSA certificate for those names, signed by itself. */
export async function publish({ dns = [], bits = 2048, from, to }: Publishing): Promise<Published> {
  const x509 = await peculiar()
  const keys = await newKeys(bits)
  const names = dns.map(value => new x509.GeneralName('dns', value))
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=published for a test',
    notBefore: new Date(from ?? Date.now() - YEARS),
    notAfter: new Date(to ?? Date.now() + YEARS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  })
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { certificate: certificate.toString('pem'), key: Buffer.from(der) }
}
