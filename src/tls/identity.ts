import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../core/client-certificate.ts'
import type { ClientTrust } from './trust.ts'
import { type Judged, MAX_SENT, Verdicts } from './verdicts.ts'

interface Known extends Pick<Judged, 'from' | 'until'> {
  readonly trust: ClientTrust
  readonly certificate: ClientCertificate | undefined
}

const known = new WeakMap<TLSSocket, Known>()

/** What was judged under a trust; a reload that changes it begins anew. */
const verdicts = new WeakMap<ClientTrust, Verdicts>()

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
  let ofTrust = verdicts.get(trust)
  if (ofTrust === undefined) {
    ofTrust = new Verdicts(trust, 'accepted')
    verdicts.set(trust, ofTrust)
  }
  const judged = ofTrust.judge(x509.raw, issuersSent(x509), now)
  // Asked of each connection: it is about this handshake, and not about the certificate alone.
  const doubt = judged.certificate.verified ? secondOpinion(socket) : undefined
  return doubt === undefined
    ? judged
    : { ...judged, certificate: { ...judged.certificate, verified: false, problem: doubt } }
}

function secondOpinion(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined
  return `the TLS library does not accept the certificate: ${socket.authorizationError ?? 'no reason given'}`
}

/** The DER of what the client sent after its certificate, in that order. */
function issuersSent(leaf: X509Certificate): Buffer[] {
  const sent: Buffer[] = []
  for (let next = leaf.issuerCertificate; next !== undefined && sent.length < MAX_SENT; next = next.issuerCertificate) {
    sent.push(next.raw)
  }
  return sent
}
