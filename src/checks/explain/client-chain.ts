import type { ClientCertificate } from '../../core/client-certificate.ts'
import type { Finding } from '../../core/finding.ts'
import { likely, listed, possible, proven } from './finding.ts'

const SEND_CHAIN =
  'have the sender send its intermediates: one PEM file, its own certificate first (curl --cert, ssl_certificate of nginx)'
const ADD_CA = 'add the root of its CA to client-ca, if the sender is genuine'

/** Why the chain of a client's certificate does not hold, and which end mends it. */
export function untrusted(certificate: ClientCertificate): readonly Finding[] {
  const { problem = '', subject, issuer, unverified } = certificate
  const evidence = { subject, issuer, problem, 'sent-intermediates': unverified?.sent.length ?? 0 }
  const tell = (make: typeof proven, cause: string, because: string, mend: string): Finding =>
    make({ cause: `client-cert.${cause}`, because, evidence, mend })
  if (/revoked at|certificate revoked/i.test(problem))
    return [
      tell(
        proven,
        'revoked',
        `the certificate ${subject} was revoked by its CA`,
        'have the sender use its new certificate',
      ),
    ]
  if (/\bcrl\b/i.test(problem))
    return [
      tell(
        likely,
        'crl',
        `the revocation list of its CA can not be used: ${problem}`,
        'fetch a current CRL from the CA, and set a job that does so',
      ),
    ]
  if (/has expired/i.test(problem))
    return [
      tell(
        likely,
        'chain-expired',
        `a certificate of its chain has expired: ${problem}`,
        'renew the CA certificate in client-ca, or the intermediate that the sender sends',
      ),
    ]
  if (subject === issuer || /self.signed certificate$/i.test(problem))
    return [
      tell(
        likely,
        'self-signed',
        `the certificate ${subject} is self-signed`,
        'have your CA sign one for the sender; or add this one to client-ca, if it is marked as a CA',
      ),
    ]
  if (/not signed by a CA of that name/.test(problem))
    return [
      tell(
        likely,
        'ca-renewed',
        `client-ca holds a CA of the name ${issuer} with another key: that CA was made anew, or is another of that name`,
        'add its new certificate to client-ca, beside the old one until all senders have changed',
      ),
    ]
  if (/is not in client-ca|unable to get (local )?issuer|unable to verify/i.test(problem)) return gap(certificate, tell)
  return [
    tell(
      likely,
      'untrusted',
      `its chain does not hold: ${problem}`,
      'compare the CA of the certificate with client-ca: sallyport certs show',
    ),
  ]
}

type Tell = (make: typeof proven, cause: string, because: string, mend: string) => Finding

/** The chain ends before a CA of client-ca: what is missing, or whose CA it is. */
function gap({ issuer, unverified }: ClientCertificate, tell: Tell): readonly Finding[] {
  const { sent = [], anchors = [], known } = unverified?.explain() ?? {}
  if (known !== undefined)
    return [
      tell(
        proven,
        'intermediate-missing',
        `the intermediate ${known} was not sent with it, as other senders of that CA do`,
        SEND_CHAIN,
      ),
    ]
  if (sent.length > 0 && !sent.includes(issuer))
    return [
      tell(
        likely,
        'intermediate-other',
        `it is of ${issuer}, and what was sent with it is another: ${listed(sent.slice(0, 3))}`,
        'have the sender send the intermediate that made its certificate; after a renewal that is often a new one',
      ),
    ]
  if (sent.length > 0)
    return [
      tell(
        likely,
        'other-ca',
        `it is of ${issuer}, and the chain that was sent leads to no CA of client-ca (${listed(anchors.slice(0, 3))})`,
        ADD_CA,
      ),
    ]
  const relative = anchors.find(anchor => areRelated(anchor, issuer))
  const missing = (make: typeof proven, why: string): Finding =>
    tell(
      make,
      'intermediate-missing',
      `it is of ${issuer}, which client-ca does not hold, and the sender sent no intermediate certificate${why}`,
      `${SEND_CHAIN}; or add ${issuer} to client-ca`,
    )
  const other = (make: typeof proven): Finding =>
    tell(make, 'other-ca', `it is of ${issuer}, and client-ca holds other CAs (${listed(anchors.slice(0, 3))})`, ADD_CA)
  if (relative !== undefined)
    return [missing(likely, `; by its name it is an intermediate of ${relative}`), other(possible)]
  return anchors.length > 0
    ? [other(likely), missing(possible, ': its CA may be an intermediate of one of these')]
    : [missing(likely, ': its chain is not whole'), other(possible)]
}

/** Words that tell no CA from another. */
const COMMON =
  /^(ca|root|issuing|intermediate|sub|subordinate|policy|client|clients|server|servers|user|users|device|devices|tls|ssl|auth|authority|authentication|certificate|certification|trust|global|the|of|for|and|services?|internal|partners?|public|private|key|infrastructure|pki|rsa|ecc|ecdsa|sha\d*|[a-z]?\d+)$/

/** Whether two names of CAs are of one organization, by their text. */
export function areRelated(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)]
  if (a.organization !== undefined && b.organization !== undefined) return a.organization === b.organization
  return a.words.some(word => b.words.includes(word))
}

function partsOf(name: string): { readonly organization: string | undefined; readonly words: readonly string[] } {
  const values = (type: string): string[] =>
    [...name.matchAll(new RegExp(`(?:^|[,+])${type}=((?:\\\\.|[^,+\\\\])*)`, 'g'))].map(match =>
      (match[1] ?? '').toLowerCase(),
    )
  const words = [...values('CN'), ...values('O')]
    .flatMap(text => text.split(/[^\p{L}\p{N}]+/u))
    .filter(word => word !== '' && !COMMON.test(word))
  return { organization: values('O')[0], words }
}
