import { type KeyObject, X509Certificate } from 'node:crypto'
import { RemoteFault } from '../core/remote.ts'
import type { Resources } from '../core/resources.ts'
import { fault, type SignatureVerdict } from './scheme.ts'

const FEWEST_BITS = 2048
const MOST_BITS = 8192
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const NOT_THEIRS = 'whoever sent this is not the provider'

/** A certificate that a provider signs with and publishes. Times are epoch milliseconds. */
export interface PublishedCertificate {
  readonly key: KeyObject
  readonly from: number
  readonly to: number
}

/** Whose certificates are taken. */
export interface Publisher {
  /** The whole URL, with both ends anchored: its hosts and its folder. */
  readonly url: RegExp
  /** A DNS name of the certificate. */
  readonly host: RegExp
}

/** Verifies with the key of the certificate; `nowMs` is the moment at which it is there. */
export type Judge = (key: KeyObject, nowMs: number) => SignatureVerdict

/**
 * Reads a certificate in PEM, or a chain of them, the signer first. It must hold an RSA key that is strong enough and a
 * DNS name of the publisher, and each certificate behind it must be that of its issuer. Where the chain ends is not
 * looked at: that the publisher's own server handed it out over TLS is what the trust rests on.
 */
export function readPublished(bytes: Buffer, host: RegExp): PublishedCertificate | RemoteFault {
  const chain = certificatesOf(bytes)
  const [leaf] = chain ?? []
  if (chain === undefined || leaf === undefined) return new RemoteFault('is no certificate in PEM', NOT_THEIRS)
  for (const [index, issuer] of chain.slice(1).entries()) {
    const issued = chain[index]
    if (!issuer.ca || !issued?.checkIssued(issuer) || !issued.verify(issuer.publicKey))
      return new RemoteFault('is a chain in which one certificate did not issue the one before it', NOT_THEIRS)
  }
  if (!dnsNames(leaf).some(name => host.test(name)))
    return new RemoteFault('is the certificate of another host', NOT_THEIRS)
  const { publicKey: key, validFromDate, validToDate } = leaf
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa' || bits < FEWEST_BITS || bits > MOST_BITS)
    return new RemoteFault(`holds no RSA key of ${FEWEST_BITS} to ${MOST_BITS} bits`, NOT_THEIRS)
  return { key, from: validFromDate.getTime(), to: validToDate.getTime() }
}

/** One route's certificates of a publisher. At once where the certificate is there, else when it has been fetched. */
export function certificatesBy({ url, host }: Publisher, { remoteSet, clock }: Resources) {
  const set = remoteSet({ admits: ({ href }) => url.test(href), parse: bytes => readPublished(bytes, host) })
  return (at: string, judge: Judge): SignatureVerdict | Promise<SignatureVerdict> => {
    const verdict = (certificate: PublishedCertificate | RemoteFault): SignatureVerdict => {
      if (certificate instanceof RemoteFault)
        return fault('signature.unavailable', { certificate: at, because: certificate.message })
      const now = clock.now()
      if (now < certificate.from || now > certificate.to)
        return fault('signature.mismatch', { certificate: at, why: 'the certificate is not valid at this time' })
      return judge(certificate.key, now)
    }
    const certificate = set.get(at)
    return certificate instanceof Promise ? certificate.then(verdict) : verdict(certificate)
  }
}

function certificatesOf(bytes: Buffer): readonly X509Certificate[] | undefined {
  try {
    return (bytes.toString('latin1').match(PEM) ?? []).map(pem => new X509Certificate(pem))
  } catch {
    return undefined
  }
}

/** In lower case. Node quotes a name that holds a comma or a quote, so that what is quoted is no name of a host. */
function dnsNames({ subjectAltName = '' }: X509Certificate): readonly string[] {
  if (subjectAltName.includes('"')) return []
  return subjectAltName
    .split(', ')
    .filter(name => name.startsWith('DNS:'))
    .map(name => name.slice(4).toLowerCase())
}
