import { isIP } from 'node:net'
import { endsSoon, timeLeft } from '../core/ending.ts'
import { type Finding, fail, ok, warn } from '../core/finding.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { weakness } from './chain.ts'
import { formatName } from './distinguished-name.ts'
import { issued, linkChain } from './link-chain.ts'
import { isoDate } from './trust.ts'

/** A certificate of a file near by, which may be the one that is missing. */
export interface NearbyCertificate {
  readonly path: string
  readonly certificate: Certificate
}

/** How a server's chain is judged. */
export interface ChainTrust {
  readonly anchors: readonly Certificate[]
  /** Who trusts them, as it ends a sentence: `the CAs of this system`. */
  readonly whose: string
  /** Whether they are the operator's own choice, and not the CAs that the public trusts. */
  readonly own: boolean
  readonly nearby: readonly NearbyCertificate[]
}

const DAY = 86_400_000
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const ANY_USE = '2.5.29.37.0'
const RENEW = 'renew it, with the same names'

/**
 * What is wrong with the certificates of a server as a client sees them, which has nothing but what was sent and the CAs
 * that it trusts; the worst first. One finding that is ok where nothing is.
 * @param sent DER, in the order sent
 * @param host the name, or the address, that the client asked for
 */
export function judgeServerChain(sent: readonly Buffer[], host: string, trust: ChainTrust, now: number): Finding[] {
  const certificates: Certificate[] = []
  for (const der of sent) {
    try {
      certificates.push(readCertificate(der))
    } catch {
      return [
        fail(
          'tls.unreadable',
          `certificate ${certificates.length + 1} of those sent can not be read`,
          'issue it anew, X.509 version 3',
        ),
      ]
    }
  }
  const [leaf] = certificates
  if (leaf === undefined) return [fail('tls.no-certificate', 'the server sent no certificate', 'configure one')]
  const linked = linkChain(leaf, certificates.slice(1), trust)
  const found = [
    ...linked.findings,
    ...nameFindings(leaf, host),
    ...linked.path.flatMap((certificate, index) => dateFindings(certificate, index === 0, now)),
    ...linked.path.flatMap(weakFindings),
    ...useFindings(leaf),
    ...orderFindings(certificates, linked.path),
  ]
  const evidence = {
    subject: formatName(leaf.subject),
    issuer: formatName(leaf.issuer),
    sent: certificates.length,
    until: isoDate(leaf.notAfter),
    'days-left': Math.floor((leaf.notAfter - now) / DAY),
  }
  if (found.length > 0) return found.map(finding => ({ ...finding, evidence: { ...evidence, ...finding.evidence } }))
  const because = `the certificate leads to ${trust.whose}, names ${host} and has ${timeLeft(leaf.notAfter - now)} left`
  return [ok('tls.certificate', because, evidence)]
}

function nameFindings(leaf: Certificate, host: string): Finding[] {
  const { dns, ips } = leaf.names
  const bare = host.replace(/^\[|\]$/g, '')
  const { x509 } = leaf
  const covers = isIP(bare) === 0 ? x509.checkHost(bare, { subject: 'never' }) : x509.checkIP(bare)
  if (covers !== undefined) return []
  const names = [...dns, ...ips]
  return [
    fail(
      'tls.name-mismatch',
      `the certificate does not name ${host}: it is for ${names.slice(0, 5).join(', ') || 'no name at all'}`,
      `issue it with ${host} among its names, or give the sender one of the names that it has`,
      { evidence: { names: names.slice(0, 20) } },
    ),
  ]
}

function dateFindings(certificate: Certificate, isLeaf: boolean, now: number): Finding[] {
  const { notBefore, notAfter } = certificate
  const what = isLeaf ? 'the certificate' : `the issuer ${formatName(certificate.subject)}`
  const kind = isLeaf ? '' : 'issuer-'
  if (notAfter < now)
    return [
      fail(
        `tls.${kind}expired`,
        `${what} expired at ${isoDate(notAfter)}, ${Math.floor((now - notAfter) / DAY)} days ago`,
        isLeaf ? RENEW : 'serve the new intermediate of the CA: fetch the chain anew',
      ),
    ]
  if (notBefore > now)
    return [
      fail(
        `tls.${kind}not-yet-valid`,
        `${what} is not valid before ${isoDate(notBefore)}`,
        'compare the clocks of this machine and of whoever issued it',
      ),
    ]
  // As the gate warns of its own.
  if (!endsSoon({ kind: 'certificate', at: notAfter, since: notBefore }, now)) return []
  return [warn(`tls.${kind}ends-soon`, `${what} ends in ${timeLeft(notAfter - now)}, at ${isoDate(notAfter)}`, RENEW)]
}

function weakFindings(certificate: Certificate): Finding[] {
  // The signature of a certificate under itself proves nothing to anybody.
  const own = certificate.subject.equals(certificate.issuer)
  const weak = weakness(certificate)
  if (weak === undefined || (own && weak.of === 'signature')) return []
  const cause = weak.of === 'key' ? 'tls.weak-key' : 'tls.weak-signature'
  return [
    fail(
      cause,
      `the certificate ${formatName(certificate.subject)} ${weak.says}`,
      'issue it anew, with an ECDSA P-256 key and SHA-256',
    ),
  ]
}

function useFindings({ extendedKeyUsage: uses }: Certificate): Finding[] {
  if (uses === undefined || uses.includes(SERVER_AUTH) || uses.includes(ANY_USE)) return []
  return [
    fail(
      'tls.not-for-servers',
      'the certificate is not for servers: its extendedKeyUsage lacks serverAuth',
      'issue one for server authentication',
    ),
  ]
}

/** TLS 1.2 wants each certificate to certify the one before it (RFC 5246 section 7.4.2); some clients insist. */
function orderFindings(sent: readonly Certificate[], linked: readonly Certificate[]): Finding[] {
  // The root that is trusted may be sent as well: it adds nothing, and does no harm.
  const root = sent.find(
    certificate => !linked.includes(certificate) && linked.some(child => issued(certificate, child)),
  )
  const path = root === undefined ? linked : [...linked, root]
  const used = sent.filter(certificate => path.includes(certificate))
  const ordered = used.every((certificate, index) => certificate === path[index])
  const extra = sent.filter(
    certificate => !path.includes(certificate) && !path.some(own => own.der.equals(certificate.der)),
  )
  const found: Finding[] = []
  if (!ordered)
    found.push(
      warn(
        'tls.order',
        'the certificates are sent in another order than each followed by its issuer',
        'put the leaf first, then its issuer, then the issuer of that',
      ),
    )
  if (extra.length > 0)
    found.push(
      warn(
        'tls.unrelated-certificate',
        `${extra.map(({ subject }) => formatName(subject)).join('; ')} is sent and issued nothing of the chain`,
        'leave it out of the chain that is served',
      ),
    )
  return found
}
