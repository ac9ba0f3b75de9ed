import { createHash } from 'node:crypto'
import type { Expiry } from '../core/resources.ts'
import { type Certificate, KEY_USAGE, readCertificate } from './certificate.ts'
import { type Crl, isSignedBy, readCrl } from './crl.ts'
import { TAG } from './der.ts'
import { formatName } from './distinguished-name.ts'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** Whom a listener trusts to vouch for clients, and what they took back. Made at load, never changed. */
export interface ClientTrust {
  /** The certificates of `client-ca`: the only anchors. */
  readonly anchors: readonly Certificate[]
  /** `undefined` where no `client-crl` is configured; then nothing is revoked. */
  readonly crls: readonly Crl[] | undefined
  /** Which CRLs could not be read, and why: for the problem text of certificates whose CA lacks one. */
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
  /** Absent where no `client-crl` is configured. */
  readonly crls?: readonly CrlFile[] | undefined
}

export interface CrlFile {
  readonly path: string
  readonly read: () => Buffer
}

/**
 * Reads the clients' CAs and their CRLs. A CRL that is missing or unreadable does not throw: the certificates of the CA
 * that it would be of are refused, and routes that ask for none go on.
 * @throws TlsProblem where `client-ca` is no bundle of certificates
 */
export function loadClientTrust(files: TrustFiles, now: number): ClientTrust {
  const { path } = files.ca
  const anchors = readAnchors(path, files.ca.pem)
  const expiries: Expiry[] = anchors.map(ca => ({
    kind: 'certificate',
    name: label(path, ca.subject),
    at: ca.notAfter,
    since: ca.notBefore,
  }))
  const problems = anchors
    .filter(anchor => !anchor.ca)
    .map(anchor => `${label(path, anchor.subject)} is no CA: no client certificate chains to it`)
  if (files.crls === undefined) {
    return {
      anchors,
      crls: undefined,
      crlProblem: undefined,
      problems,
      expiries,
      digest: digestOf(anchors, [], 'none'),
    }
  }
  const crls: Crl[] = []
  const unread: string[] = []
  for (const { path: crlPath, read } of files.crls) {
    const found = readCrls(crlPath, read)
    if (typeof found === 'string') unread.push(found)
    else for (const crl of found) crls.push(look(crlPath, crl))
  }
  const crlProblem = unread.length === 0 ? undefined : unread.join('; ')
  const whose = crls.length === 0 ? 'every client certificate is' : 'the certificates of its issuer are'
  for (const problem of unread) problems.push(`${problem}; ${whose} refused until it can be read`)
  for (const anchor of crls.length === 0 ? [] : anchors) {
    if (anchor.ca && !crls.some(crl => crl.issuer.equals(anchor.subject))) {
      problems.push(`client-crl holds no CRL of ${formatName(anchor.subject)}: its certificates are refused`)
    }
  }
  if (crls.length + unread.length === 0) problems.push('client-crl holds no CRL: every client certificate is refused')
  return { anchors, crls, crlProblem, problems, expiries, digest: digestOf(anchors, crls, crlProblem ?? '') }

  function look(crlPath: string, crl: Crl): Crl {
    const name = label(crlPath, crl.issuer)
    const foreign = !anchors.some(anchor => anchor.subject.equals(crl.issuer))
    const fault = foreign ? contentFault(crl, now) : crlFault(crl, anchors, now)
    if (fault !== undefined) problems.push(`${name} ${fault}; the certificates of this issuer are refused`)
    else if (foreign)
      problems.push(
        `${name} is of no CA of client-ca: it counts only for an intermediate of that name that clients send`,
      )
    if (crl.nextUpdate !== undefined) expiries.push({ kind: 'crl', name, at: crl.nextUpdate, since: crl.thisUpdate })
    return crl
  }
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

/** The CRLs of a file, PEM or DER; a sentence where they can't be read. */
function readCrls(path: string, read: () => Buffer): Crl[] | string {
  try {
    const bytes = read()
    // What authorities publish is DER more often than not; a PEM file starts with text.
    if (bytes[0] === TAG.sequence) return [readCrl(bytes)]
    const blocks = decodePem(bytes.toString('latin1')).filter(block => block.label === 'X509 CRL')
    return blocks.length === 0 ? `${path} holds no CRL` : blocks.map(({ der }) => readCrl(der))
  } catch (error) {
    return `the CRL ${path} can not be read (${error instanceof Error ? error.message : error})`
  }
}

function label(path: string, name: Buffer): string {
  return `${path} (${formatName(name)})`
}
