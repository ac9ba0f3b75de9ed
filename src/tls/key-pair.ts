import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Expiry } from '../core/resources.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { formatName } from './distinguished-name.ts'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** A certificate chain and its key, read, matched and looked over. */
export interface KeyPair {
  readonly leaf: Certificate
  /** PEM, for the TLS library. */
  readonly cert: Buffer
  readonly key: Buffer
  readonly expiries: readonly Expiry[]
  readonly warnings: readonly string[]
}

export interface KeyPairFiles {
  /** Paths as configured. */
  readonly cert: string
  readonly key: string
}

/**
 * Reads a PEM chain, leaf first, and its private key. One that has expired is served, as other servers do, and shows as
 * an expiry in the past and a warning. @throws TlsProblem where a file can't be read or the two don't belong together
 */
export function loadKeyPair(
  files: KeyPairFiles,
  readFile: (path: string) => Buffer,
  modeOf: (path: string) => number | undefined,
  now: number,
): KeyPair {
  const cert = readOrExplain(files.cert, readFile)
  const key = readOrExplain(files.key, readFile)
  const chain = readChain(files.cert, cert)
  const [leaf] = chain
  if (!leaf.x509.checkPrivateKey(readKey(files.key, key))) {
    throw new TlsProblem(
      `${files.key} is not the key of ${files.cert}: ${mismatch(chain, files.key, key)}`,
      'configure the two files that were issued together, the chain with its leaf first',
    )
  }
  return {
    leaf,
    cert,
    key,
    expiries: chain.map((certificate, index) => ({
      kind: 'certificate',
      name: index === 0 ? files.cert : `${files.cert} (${formatName(certificate.subject)})`,
      at: certificate.notAfter,
    })),
    warnings: [...chainWarnings(files.cert, chain, now), ...modeWarnings(files.key, modeOf(files.key))],
  }
}

/** The private key of a PEM file. @throws TlsProblem, which never quotes the file */
export function readKey(path: string, pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    throw new TlsProblem(
      `${path} is encrypted`,
      `decrypt it where only the gate can read it: openssl pkey -in ${path} -out NEW`,
    )
  }
  try {
    return createPrivateKey(pem)
  } catch {
    throw new TlsProblem(`${path} holds no private key that can be read`, 'put a PEM key there (BEGIN PRIVATE KEY)')
  }
}

function readChain(path: string, pem: Buffer): [Certificate, ...Certificate[]] {
  const blocks = decodePem(pem.toString('latin1')).filter(({ label }) => label.endsWith('CERTIFICATE'))
  const read = blocks.map(({ der }, index) => {
    try {
      return readCertificate(der)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TlsProblem(`${path}: certificate ${index + 1} can not be read: ${reason}`, 'put the whole chain there')
    }
  })
  const [leaf, ...rest] = read
  if (leaf === undefined) {
    throw new TlsProblem(`${path} holds no certificate`, 'put the certificate chain there as PEM, leaf first')
  }
  return [leaf, ...rest]
}

function mismatch(chain: readonly Certificate[], keyPath: string, key: Buffer): string {
  const place = chain.findIndex(certificate => certificate.x509.checkPrivateKey(readKey(keyPath, key)))
  return place < 0 ? 'their public keys differ' : `it belongs to certificate ${place + 1} of the chain`
}

function chainWarnings(path: string, chain: readonly [Certificate, ...Certificate[]], now: number): string[] {
  const warnings: string[] = []
  for (const certificate of chain) {
    const name = `${path} (${formatName(certificate.subject)})`
    if (certificate.notAfter < now) warnings.push(`${name} has expired: clients refuse it; renew it`)
    if (certificate.notBefore > now) warnings.push(`${name} is not valid yet: look at this machine's clock`)
  }
  chain.slice(1).forEach((issuer, index) => {
    const child = chain[index]
    if (child !== undefined && !child.issuer.equals(issuer.subject)) {
      warnings.push(
        `${path}: certificate ${index + 2} did not issue certificate ${index + 1}; order the chain leaf first`,
      )
    }
  })
  // A CA that says where its certificate is to be fetched is, in practice, an intermediate of a public one.
  if (chain.length === 1 && chain[0].x509.infoAccess?.includes('CA Issuers') === true) {
    const issuer = formatName(chain[0].issuer)
    warnings.push(`${path} holds no intermediate: clients that lack ${issuer} refuse it; append that certificate`)
  }
  const { dns, ips } = chain[0].names
  if (dns.length === 0 && ips.length === 0) {
    warnings.push(`${path} has no DNS name and no address (subjectAltName): clients refuse it`)
  }
  return warnings
}

function modeWarnings(path: string, mode: number | undefined): string[] {
  if (mode === undefined || (mode & 0o077) === 0) return []
  return [`${path} can be read by others than its owner (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}`]
}

function readOrExplain(path: string, readFile: (path: string) => Buffer): Buffer {
  try {
    return readFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(`${path} can not be read: ${reason}`, 'put the file there, readable by the gate')
  }
}
