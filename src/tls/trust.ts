import { createHash } from 'node:crypto'
import type { Expiry } from '../core/resources.ts'
import { type Certificate, KEY_USAGE, readCertificate } from './certificate.ts'
import { type Crl, isSignedBy, readCrl } from './crl.ts'
import { formatName } from './distinguished-name.ts'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** Whom a listener trusts to vouch for clients, and what they took back. Made at load, never changed. */
export interface ClientTrust {
  /** The certificates of `client-ca`: the only anchors. */
  readonly anchors: readonly Certificate[]
  /** `undefined` where no `client-crl` is configured; then nothing is revoked. */
  readonly crls: readonly Crl[] | undefined
  /** Why no CRL could be read, for every client certificate's problem text. */
  readonly crlProblem: string | undefined
  /** What the operator should know at load. */
  readonly problems: readonly string[]
  readonly expiries: readonly Expiry[]
  /** The same for the same anchors and CRLs: a reload that changes neither needs no new verdicts. */
  readonly digest: string
}

export interface TrustFiles {
  /** Path as configured, and contents. */
  readonly ca: { readonly path: string; readonly pem: Buffer }
  readonly crl?: { readonly path: string; readonly read: () => Buffer } | undefined
}

/**
 * Reads the clients' CAs and their CRLs. A CRL that is missing or unreadable does not throw: it refuses every client
 * certificate, and routes that ask for none go on. @throws TlsProblem where `client-ca` is no bundle of certificates
 */
export function loadClientTrust(files: TrustFiles, now: number): ClientTrust {
  const { path } = files.ca
  const anchors = readAnchors(path, files.ca.pem)
  const expiries: Expiry[] = anchors.map(ca => ({
    kind: 'certificate',
    name: label(path, ca.subject),
    at: ca.notAfter,
  }))
  const problems = anchors
    .filter(anchor => !anchor.ca)
    .map(anchor => `${label(path, anchor.subject)} is no CA: no client certificate chains to it`)
  if (files.crl === undefined) {
    return {
      anchors,
      crls: undefined,
      crlProblem: undefined,
      problems,
      expiries,
      digest: digestOf(anchors, [], 'none'),
    }
  }
  const { crls, problem } = readCrls(files.crl.path, files.crl.read)
  if (problem !== undefined) problems.push(`${problem}; every client certificate is refused until it can be read`)
  for (const crl of crls) {
    const name = label(files.crl.path, crl.issuer)
    const foreign = !anchors.some(anchor => anchor.subject.equals(crl.issuer))
    const fault = foreign ? contentFault(crl, now) : crlFault(crl, anchors, now)
    if (fault !== undefined) problems.push(`${name} ${fault}; the certificates of this issuer are refused`)
    else if (foreign)
      problems.push(
        `${name} is of no CA of client-ca: it counts only for an intermediate of that name that clients send`,
      )
    if (crl.nextUpdate !== undefined) expiries.push({ kind: 'crl', name, at: crl.nextUpdate })
  }
  for (const anchor of problem === undefined ? anchors : []) {
    if (anchor.ca && !crls.some(crl => crl.issuer.equals(anchor.subject))) {
      problems.push(`${files.crl.path} holds no CRL of ${formatName(anchor.subject)}: its certificates are refused`)
    }
  }
  return { anchors, crls, crlProblem: problem, problems, expiries, digest: digestOf(anchors, crls, problem ?? '') }
}

function digestOf(anchors: readonly Certificate[], crls: readonly Crl[], rest: string): string {
  const hash = createHash('sha256').update(rest)
  for (const { der } of anchors) hash.update('\0anchor').update(der)
  for (const { signed, signature } of crls) hash.update('\0crl').update(signed).update(signature)
  return hash.digest('hex')
}

/** What is wrong with a CRL whose issuer may be any of `issuers`; `undefined` where nothing is. */
export function crlFault(crl: Crl, issuers: readonly Certificate[], now: number): string | undefined {
  const named = issuers.filter(issuer => issuer.subject.equals(crl.issuer))
  if (named.length === 0) return 'is of another issuer than the CAs of client-ca'
  const signers = named.filter(({ keyUsage }) => keyUsage === undefined || (keyUsage & KEY_USAGE.crlSign) !== 0)
  return signers.some(signer => signs(signer, crl)) ? contentFault(crl, now) : 'is not signed by the CA that it names'
}

/** What is wrong with a CRL, whoever signed it. */
function contentFault(crl: Crl, now: number): string | undefined {
  if (crl.unknownCritical.length > 0) return `has extensions that can't be honoured: ${crl.unknownCritical.join(', ')}`
  if (crl.thisUpdate > now) return `is not valid before ${isoDate(crl.thisUpdate)}`
  if (crl.nextUpdate === undefined) return 'does not say when it ends (nextUpdate)'
  return crl.nextUpdate <= now ? `has expired at ${isoDate(crl.nextUpdate)}` : undefined
}

const signatures = new WeakMap<Crl, WeakMap<Certificate, boolean>>()

/** Whether the CA made the CRL: checked once for each pair, because a CRL may be megabytes. */
function signs(signer: Certificate, crl: Crl): boolean {
  const known = signatures.get(crl) ?? new WeakMap<Certificate, boolean>()
  signatures.set(crl, known)
  const before = known.get(signer)
  if (before !== undefined) return before
  const now = isSignedBy(crl, signer.x509.publicKey)
  known.set(signer, now)
  return now
}

/** `2027-01-31T12:00:00Z`. */
export function isoDate(epochMs: number): string {
  return new Date(epochMs).toISOString().replace('.000Z', 'Z')
}

function readAnchors(path: string, pem: Buffer): Certificate[] {
  const blocks = decodePem(pem.toString('latin1')).filter(block => block.label.endsWith('CERTIFICATE'))
  if (blocks.length === 0) {
    throw new TlsProblem(`${path} holds no certificate`, 'put the CA certificates there as PEM (BEGIN CERTIFICATE)')
  }
  return blocks.map(({ der }, index) => {
    try {
      return readCertificate(der)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TlsProblem(
        `${path}: certificate ${index + 1} can not be read: ${reason}`,
        'put a whole CA certificate there',
      )
    }
  })
}

function readCrls(path: string, read: () => Buffer): { crls: Crl[]; problem: string | undefined } {
  try {
    const blocks = decodePem(read().toString('latin1')).filter(block => block.label === 'X509 CRL')
    if (blocks.length === 0) return { crls: [], problem: `${path} holds no CRL` }
    return { crls: blocks.map(({ der }) => readCrl(der)), problem: undefined }
  } catch (error) {
    return { crls: [], problem: `the CRL ${path} can not be read (${error instanceof Error ? error.message : error})` }
  }
}

function label(path: string, name: Buffer): string {
  return `${path} (${formatName(name)})`
}
