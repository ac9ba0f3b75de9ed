import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { ClientCertificate, Issuer } from '../core/client-certificate.ts'
import { type Certificate, readCertificate, sha256 } from './certificate.ts'
import { verifyClientChain } from './chain.ts'
import { formatName } from './distinguished-name.ts'
import type { ClientTrust } from './trust.ts'

/** A verdict on one certificate. */
export interface Judged {
  /** Epoch milliseconds: the span in which the verdict stands. */
  readonly from: number
  readonly until: number
  readonly certificate: ClientCertificate
}

interface Known extends Pick<Judged, 'from' | 'until'> {
  readonly trust: ClientTrust
  readonly certificate: ClientCertificate | undefined
}

const known = new WeakMap<TLSSocket, Known>()

/** As many certificates as are read of what a client sends; the TLS library bounds their bytes. */
const MAX_SENT = 10

/**
 * The certificate whose key this client proved to hold, `undefined` where it sent none. It's verified only where our own
 * check of the chain and the TLS library's agree. Computed once a connection, and again when the trust was reloaded or
 * a certificate or CRL that the verdict stands on has ended.
 * @param now epoch milliseconds
 */
export function clientCertificateOf(
  socket: TLSSocket,
  trust: ClientTrust,
  now: number = Date.now(),
): ClientCertificate | undefined {
  const before = known.get(socket)
  if (before !== undefined && before.trust === trust && now >= before.from && now < before.until) {
    return before.certificate
  }
  const verdict = judge(socket, trust, now)
  known.set(socket, { trust, ...verdict })
  return verdict.certificate
}

/**
 * Whether the client of an open connection came with a certificate that `trust` does not accept, and that was accepted
 * before or never asked about.
 * @param now epoch milliseconds
 */
export function isDistrusted(socket: TLSSocket, trust: ClientTrust, now: number = Date.now()): boolean {
  if (known.get(socket)?.certificate?.verified === false) return false
  return clientCertificateOf(socket, trust, now)?.verified === false
}

function judge(socket: TLSSocket, trust: ClientTrust, now: number): Omit<Known, 'trust'> {
  const x509 = socket.getPeerX509Certificate()
  if (x509 === undefined) return { from: now, until: Number.POSITIVE_INFINITY, certificate: undefined }
  return judgeCertificate(x509.raw, peerChain(socket).slice(1), trust, now, () => secondOpinion(socket))
}

/**
 * Judges a certificate whose key somebody proved to hold.
 * @param der of the certificate, and of the issuers that came with it
 * @param doubt asked last, where the chain holds: a reason not to accept it all the same
 */
export function judgeCertificate(
  der: Buffer,
  sent: readonly Buffer[],
  trust: ClientTrust,
  now: number,
  doubt: () => string | undefined = () => undefined,
): Judged {
  let leaf: Certificate
  try {
    leaf = readCertificate(der)
  } catch (error) {
    const problem = `the certificate can not be read: ${error instanceof Error ? error.message : error}`
    return { from: now, until: Number.POSITIVE_INFINITY, certificate: unreadable(der, problem) }
  }
  const verdict = verifyClientChain(leaf, readSent(sent.slice(0, MAX_SENT), trust), trust, now)
  const problem = verdict.ok ? doubt() : verdict.problem
  return {
    from: now,
    // A refusal is looked at again after a while, since a CRL's or certificate's first day may have come.
    until: verdict.ok ? verdict.until : now + 60_000,
    certificate: {
      verified: problem === undefined,
      ...(problem === undefined ? {} : { problem }),
      subject: formatName(leaf.subject),
      issuer: formatName(leaf.issuer),
      serial: leaf.serial,
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
      ...leaf.names,
      fingerprint: sha256(leaf.der),
      spki: sha256(leaf.spki),
      extendedKeyUsage: leaf.extendedKeyUsage,
      der: leaf.der,
      chain: verdict.ok ? verdict.intermediates.map(certificate => certificate.der) : [],
      issuers: verdict.ok
        ? [...verdict.intermediates.map(ca => issuerOf(ca, false)), issuerOf(verdict.anchor, true)]
        : [],
    },
  }
}

function issuerOf(ca: Certificate, anchor: boolean): Issuer {
  return { subject: formatName(ca.subject), fingerprint: sha256(ca.der), spki: sha256(ca.spki), anchor }
}

function secondOpinion(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  return `the TLS library does not accept the certificate: ${socket.authorizationError ?? 'no reason given'}`
}

/** The DER of the client's certificate and of the issuers that the TLS library linked to it, in order. */
function peerChain(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  // The last of a chain is its own issuer.
  while (next?.raw !== undefined && chain.length < MAX_SENT && !chain.some(der => der.equals(next?.raw ?? der))) {
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}

/** Issuers that the client sent. One that can't be read is left out: no chain leads over it. */
function readSent(ders: readonly Buffer[], trust: ClientTrust): Certificate[] {
  const sent: Certificate[] = []
  for (const der of ders) {
    if (trust.anchors.some(anchor => anchor.der.equals(der))) continue
    try {
      sent.push(readCertificate(der))
    } catch {}
  }
  return sent
}

function unreadable(der: Buffer, problem: string): ClientCertificate {
  return {
    verified: false,
    problem,
    subject: '',
    issuer: '',
    serial: '',
    notBefore: 0,
    notAfter: 0,
    dns: [],
    uris: [],
    emails: [],
    ips: [],
    fingerprint: sha256(der),
    spki: '',
    extendedKeyUsage: undefined,
    der,
    chain: [],
    issuers: [],
  }
}
