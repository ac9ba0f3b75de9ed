import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Expiry } from '../core/resources.ts'
import type { SecretRef } from '../core/secret.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import type { CertificateConfig } from './config.ts'
import { formatName } from './distinguished-name.ts'
import { decodePem, privateKeysIn } from './pem.ts'
import { TlsProblem } from './problem.ts'
import { readPkcs12 } from './read-pkcs12.ts'
import { readStaple, type Staple } from './staple.ts'

/** A certificate chain and its key, read, matched and looked over. */
export interface KeyPair {
  readonly leaf: Certificate
  /** PEM, for the TLS library. */
  readonly cert: Buffer
  readonly key: Buffer
  readonly staple: Staple | undefined
  readonly expiries: readonly Expiry[]
  readonly warnings: readonly string[]
}

/** What a pair is loaded with. */
export interface PairReader {
  readonly readFile: (path: string) => Buffer
  /** The permission bits of a file; `undefined` where there are none. */
  readonly modeOf: (path: string) => number | undefined
  /** @throws where the secret is missing */
  readonly secretOf: (ref: SecretRef) => string
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * Reads a chain, leaf first, and its private key: PEM, encrypted or not, or a PKCS#12 bundle. One that has expired is
 * served, as other servers do, and shows as an expiry in the past and a warning.
 * @throws TlsProblem where a file can't be read or opened, or the two don't belong together
 */
export function loadKeyPair(config: CertificateConfig, reader: PairReader): KeyPair {
  const { modeOf, now } = reader
  const keyPath = 'pkcs12' in config ? config.pkcs12 : config.key
  const path = 'pkcs12' in config ? config.pkcs12 : config.cert
  const { cert, key } = 'pkcs12' in config ? openBundle(config, reader) : openFiles(config, reader)
  const chain = readChain(path, cert)
  const [leaf] = chain
  if (!leaf.x509.checkPrivateKey(key)) {
    throw new TlsProblem(
      `${keyPath} is not the key of ${path}: ${mismatch(chain, key)}`,
      'configure the two files that were issued together, the chain with its leaf first',
    )
  }
  const stapled = config.staple === undefined ? undefined : loadStaple(config.staple, leaf, reader)
  return {
    leaf,
    // What was read, and not the file: OpenSSL takes less than what is a PEM file here.
    cert: Buffer.from(chain.map(({ x509 }) => x509.toString()).join('')),
    key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })),
    staple: stapled?.staple,
    expiries: [
      ...chain.map((certificate, index) => ({
        kind: 'certificate' as const,
        name: index === 0 ? path : `${path} (${formatName(certificate.subject)})`,
        at: certificate.notAfter,
        since: certificate.notBefore,
      })),
      ...(stapled?.expiries ?? []),
    ],
    warnings: [
      ...chainWarnings(path, chain, now),
      ...modeWarnings(keyPath, modeOf(keyPath)),
      ...(stapled?.warnings ?? []),
    ],
  }
}

type Files = Extract<CertificateConfig, { readonly cert: string }>
type Bundle = Extract<CertificateConfig, { readonly pkcs12: string }>

function openFiles({ cert, key, passphrase }: Files, { readFile, secretOf }: PairReader) {
  const pem = readOrExplain(key, readFile)
  return {
    cert: readOrExplain(cert, readFile),
    key: readKey(key, pem, passphrase && secretOf(passphrase)),
  }
}

function openBundle({ pkcs12, passphrase }: Bundle, { readFile, secretOf }: PairReader) {
  const { certificates, key } = readPkcs12(pkcs12, readOrExplain(pkcs12, readFile), secretOf(passphrase))
  return { cert: Buffer.from(certificates), key }
}

/**
 * The private key of a PEM file.
 * @param passphrase of one that is encrypted
 * @throws TlsProblem, which never quotes the file or the passphrase
 */
export function readKey(path: string, pem: Buffer, passphrase?: string): KeyObject {
  const encrypted = pem.includes('ENCRYPTED')
  if (encrypted && passphrase === undefined) {
    throw new TlsProblem(
      `${path} is encrypted`,
      `name its passphrase beside it, passphrase: { env: NAME }, or decrypt it where only the gate can read it: openssl pkey -in ${path} -out NEW`,
    )
  }
  const [written = pem] = privateKeysIn(pem.toString('latin1'))
  try {
    return createPrivateKey(passphrase === undefined ? written : { key: written, passphrase })
  } catch {
    if (encrypted) {
      throw new TlsProblem(`the passphrase does not open ${path}`, 'correct the secret that passphrase names')
    }
    throw new TlsProblem(`${path} holds no private key that can be read`, 'put a PEM key there (BEGIN PRIVATE KEY)')
  }
}

/** A staple that can't be used is left out, and said: clients do without where the certificate doesn't demand one. */
function loadStaple(
  path: string,
  leaf: Certificate,
  { readFile, now }: PairReader,
): { staple: Staple | undefined; expiries: Expiry[]; warnings: string[] } {
  let staple: Staple
  try {
    staple = readStaple(readFile(path), leaf)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { staple: undefined, expiries: [], warnings: [`the staple ${path} is left out: ${reason}`] }
  }
  const ended = staple.nextUpdate !== undefined && staple.nextUpdate < now
  return {
    staple,
    expiries:
      staple.nextUpdate === undefined
        ? []
        : [{ kind: 'staple', name: path, at: staple.nextUpdate, since: staple.thisUpdate }],
    warnings: ended ? [`the staple ${path} is left out: it has expired; fetch it anew (openssl ocsp -respout)`] : [],
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

function mismatch(chain: readonly Certificate[], key: KeyObject): string {
  const place = chain.findIndex(certificate => certificate.x509.checkPrivateKey(key))
  return place < 0 ? 'their public keys differ' : `it belongs to certificate ${place + 1} of the chain`
}

function chainWarnings(path: string, chain: readonly [Certificate, ...Certificate[]], now: number): string[] {
  const warnings: string[] = []
  for (const certificate of chain) {
    const name = `${path} (${formatName(certificate.subject)})`
    if (certificate.notAfter < now) warnings.push(`${name} has expired: clients refuse it; renew it`)
    if (certificate.notBefore > now) warnings.push(`${name} is not valid yet: look at this machine's clock`)
  }
  warnings.push(...linkWarnings(path, chain))
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

/** Where a certificate is not followed by its issuer, and what mends it. */
function linkWarnings(path: string, chain: readonly [Certificate, ...Certificate[]]): string[] {
  const linked = linkedFrom(chain)
  return chain.slice(1).flatMap((next, index) => {
    const child = chain[index] ?? chain[0]
    // What does not belong to the chain has been told where it follows.
    if (child.issuer.equals(next.subject) || !linked.has(child)) return []
    const says = `${path}: certificate ${index + 2} did not issue certificate ${index + 1}`
    if (linked.has(next)) return [`${says}; order the chain leaf first`]
    if (chain.some(({ subject }) => subject.equals(child.issuer))) return [`${says}; take it out`]
    const issuer = formatName(child.issuer)
    return [
      `${says}, and ${issuer}, which did, is missing: clients that lack it refuse the chain; put it between the two`,
    ]
  })
}

/** The leaf, its issuer, the issuer's issuer, wherever they stand. */
function linkedFrom(chain: readonly [Certificate, ...Certificate[]]): ReadonlySet<Certificate> {
  const linked = new Set<Certificate>()
  let here: Certificate | undefined = chain[0]
  while (here !== undefined) {
    linked.add(here)
    const issuer: Buffer = here.issuer
    here = chain.find(each => !linked.has(each) && each.subject.equals(issuer))
  }
  return linked
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
