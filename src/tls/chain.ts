import { CLIENT_AUTH } from '../core/client-certificate.ts'
import { type Certificate, KEY_USAGE } from './certificate.ts'
import { formatName } from './distinguished-name.ts'
import { type ClientTrust, crlFault, isoDate } from './trust.ts'

/** A chain that holds, or the sentence why none does. */
export type Verdict =
  | {
      readonly ok: true
      readonly intermediates: readonly Certificate[]
      readonly anchor: Certificate
      readonly until: number
    }
  | { readonly ok: false; readonly problem: string }

/** Certificates between the leaf and the anchor. */
const MAX_INTERMEDIATES = 5
/** A sender chooses the chain, so the signatures that one connection can make us check are counted. */
const MAX_SIGNATURES = 24

/**
 * Finds a chain from `leaf` over `sent` to one of the trust's anchors and checks it as RFC 5280 section 6.1 says: issuers'
 * names, keys and signatures, validity, basicConstraints, path length, keyUsage, extended key usage, critical extensions
 * and, where CRLs are configured, the revocation of every certificate below the anchor.
 */
export function verifyClientChain(
  leaf: Certificate,
  sent: readonly Certificate[],
  trust: ClientTrust,
  now: number,
): Verdict {
  const fault = leafFault(leaf, now)
  return fault === undefined ? new Search(trust, now).from([leaf], sent) : { ok: false, problem: fault }
}

function leafFault(leaf: Certificate, now: number): string | undefined {
  if (leaf.notBefore > now) return `the certificate is not valid before ${isoDate(leaf.notBefore)}`
  if (leaf.notAfter < now) return `the certificate has expired at ${isoDate(leaf.notAfter)}`
  if (leaf.unknownCritical.length > 0) {
    return `the certificate has a critical extension that is not understood: ${leaf.unknownCritical.join(', ')}`
  }
  if (leaf.keyUsage !== undefined && (leaf.keyUsage & KEY_USAGE.digitalSignature) === 0) {
    return 'the certificate is not for signatures (keyUsage)'
  }
  if (!isForClients(leaf)) return 'the certificate is not for client authentication (extendedKeyUsage)'
  const weak = weakness(leaf)
  return weak === undefined ? undefined : `the certificate ${weak.says}`
}

// MD5 and SHA-1 with RSA, DSA and ECDSA: a second certificate with the same signature can be made.
const FORGEABLE: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.3.14.3.2.29',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
])

export interface Weakness {
  readonly of: 'signature' | 'key'
  /** As it follows the certificate's name. */
  readonly says: string
}

/** Says what the TLS library refuses without naming it. */
export function weakness({ x509, signatureAlgorithm }: Certificate): Weakness | undefined {
  if (FORGEABLE.has(signatureAlgorithm))
    return { of: 'signature', says: 'is signed with SHA-1 or MD5, which can be forged' }
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength
  return bits !== undefined && bits < 2048
    ? { of: 'key', says: `has a key of ${bits} bits, where 2048 are the least` }
    : undefined
}

function isForClients({ extendedKeyUsage }: Certificate): boolean {
  return extendedKeyUsage === undefined || extendedKeyUsage.includes(CLIENT_AUTH)
}

class Search {
  readonly #trust: ClientTrust
  readonly #now: number
  #signatures = 0
  /** The most telling reason so far: a chain that was nearly whole says more than one that never began. */
  #problem: string | undefined

  constructor(trust: ClientTrust, now: number) {
    this.#trust = trust
    this.#now = now
  }

  /** Extends `path` (leaf first) by one issuer, anchors first, until an anchor holds. */
  from(path: readonly [Certificate, ...Certificate[]], sent: readonly Certificate[]): Verdict {
    const child = path.at(-1) ?? path[0]
    for (const anchor of this.#trust.anchors) {
      if (!this.#links(child, anchor, path)) continue
      const revoked = this.#revocations([...path, anchor])
      if (revoked === undefined) return this.#hold(path, anchor)
      this.#problem = revoked
    }
    for (const issuer of path.length > MAX_INTERMEDIATES ? [] : sent) {
      if (path.includes(issuer) || issuer.subject.equals(issuer.issuer) || !this.#links(child, issuer, path)) continue
      const verdict = this.from([...path, issuer], sent)
      if (verdict.ok) return verdict
    }
    // Set where the chain that was sent ends: what stands below it has its issuer.
    this.#problem ??= `${path.length === 1 ? 'its issuer' : `the issuer of ${formatName(child.subject)}`}, ${formatName(child.issuer)}, is not in client-ca${sent.some(each => each.subject.equals(child.issuer)) ? '' : ', and no CA of that name was sent'}`
    return { ok: false, problem: this.#problem }
  }

  #links(child: Certificate, issuer: Certificate, path: readonly Certificate[]): boolean {
    if (!issuer.subject.equals(child.issuer)) return false
    const { authorityKeyId } = child
    const otherKey = authorityKeyId !== undefined && issuer.subjectKeyId?.equals(authorityKeyId) === false
    if (otherKey || this.#signatures >= MAX_SIGNATURES)
      return this.#note(child, 'is not signed by a CA of that name here')
    this.#signatures += 1
    if (!child.x509.verify(issuer.x509.publicKey)) {
      return this.#note(child, 'is not signed by a CA of that name here')
    }
    const fault = this.#issuerFault(issuer, path)
    if (fault !== undefined) this.#problem = fault
    return fault === undefined
  }

  #note(child: Certificate, what: string): false {
    this.#problem ??= `the certificate names ${formatName(child.issuer)} as its issuer, but ${what}`
    return false
  }

  #issuerFault(issuer: Certificate, path: readonly Certificate[]): string | undefined {
    const name = formatName(issuer.subject)
    const below = path.slice(1).filter(({ subject, issuer: by }) => !subject.equals(by)).length
    if (!issuer.ca) return `its issuer, ${name}, is no CA`
    if (issuer.keyUsage !== undefined && (issuer.keyUsage & KEY_USAGE.keyCertSign) === 0) {
      return `its issuer, ${name}, may not sign certificates (keyUsage)`
    }
    if (issuer.pathLength !== undefined && below > issuer.pathLength) {
      return `the chain is longer than ${name} allows (path length ${issuer.pathLength})`
    }
    if (issuer.unknownCritical.length > 0) return `its issuer, ${name}, has a critical extension that is not understood`
    if (!isForClients(issuer)) return `its issuer, ${name}, is not for client certificates (extendedKeyUsage)`
    const weak = issuer.subject.equals(issuer.issuer) ? undefined : weakness(issuer)
    if (weak !== undefined) return `its issuer, ${name}, ${weak.says}`
    if (issuer.notBefore > this.#now) return `its issuer, ${name}, is not valid before ${isoDate(issuer.notBefore)}`
    return issuer.notAfter < this.#now ? `its issuer, ${name}, has expired at ${isoDate(issuer.notAfter)}` : undefined
  }

  /** Asked only of a whole chain, so that nobody makes us check a large CRL's signature under a CA of their own making. */
  #revocations(chain: readonly Certificate[]): string | undefined {
    return chain
      .slice(1)
      .map((issuer, index) => this.#revocation(chain[index] ?? issuer, issuer))
      .find(fault => fault !== undefined)
  }

  #revocation(child: Certificate, issuer: Certificate): string | undefined {
    const { crls, crlProblem } = this.#trust
    if (crls === undefined) return undefined
    const own = crls.filter(crl => crl.issuer.equals(issuer.subject))
    const valid = own.filter(crl => crlFault(crl, [issuer], this.#now) === undefined)
    for (const crl of valid) {
      const at = crl.revoked.get(child.serial)
      if (at !== undefined) return `the certificate was revoked at ${isoDate(at)}`
    }
    if (valid.length > 0) return undefined
    const first = own[0]
    const fault = first === undefined ? 'is missing' : crlFault(first, [issuer], this.#now)
    const unread = first === undefined && crlProblem !== undefined ? ` (${crlProblem})` : ''
    return `whether it is revoked is unknown: the CRL of ${formatName(issuer.subject)} ${fault ?? 'is missing'}${unread}`
  }

  #hold(path: readonly [Certificate, ...Certificate[]], anchor: Certificate): Verdict {
    const issuers = [...path.slice(1), anchor]
    const ends = [...path, anchor].map(({ notAfter }) => notAfter)
    for (const { issuer, thisUpdate, nextUpdate } of this.#trust.crls ?? []) {
      if (!issuers.some(({ subject }) => subject.equals(issuer))) continue
      // A list that begins later may revoke what stands until then.
      if (thisUpdate > this.#now) ends.push(thisUpdate)
      if (nextUpdate !== undefined && nextUpdate > this.#now) ends.push(nextUpdate)
    }
    return { ok: true, intermediates: path.slice(1), anchor, until: Math.min(...ends) }
  }
}
