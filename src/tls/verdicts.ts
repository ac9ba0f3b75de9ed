import type { ClientCertificate, Issuer, Unverified } from '../core/client-certificate.ts'
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

/** As many certificates as are read of what a client sends; the TLS library bounds their bytes. */
export const MAX_SENT = 10
/** Certificates whose verdicts are kept. */
const KEPT = 1024

/**
 * Verdicts under one trust. Judging a chain costs as much as the whole handshake that brings it, and the same client
 * brings the same chain each time: a verdict stands for the bytes of that chain, for this trust and its span of time.
 */
export class Verdicts {
  readonly #trust: ClientTrust
  readonly #keeps: 'accepted' | 'all'
  readonly #kept = new Map<string, Judged>()

  /** @param keeps `accepted` where strangers could fill the memory with what is refused, and push out what is not. */
  constructor(trust: ClientTrust, keeps: 'accepted' | 'all') {
    this.#trust = trust
    this.#keeps = keeps
  }

  /**
   * Judges a certificate whose key somebody proved to hold.
   * @param der of the certificate, and of the issuers that came with it
   * @param now epoch milliseconds
   */
  judge(der: Buffer, sent: readonly Buffer[], now: number): Judged {
    const chain = [der, ...sent.slice(0, MAX_SENT)]
    const key = chain.map(sha256).join()
    const before = this.#kept.get(key)
    if (before !== undefined && now >= before.from && now < before.until) return before
    const judged = judgeCertificate(der, chain.slice(1), this.#trust, now)
    if (judged.certificate.verified || this.#keeps === 'all') this.#keep(key, judged)
    else this.#kept.delete(key)
    return judged
  }

  #keep(key: string, judged: Judged): void {
    rememberIntermediates(this.#trust, judged.certificate.chain)
    if (this.#kept.size >= KEPT && !this.#kept.has(key)) this.#kept.clear()
    this.#kept.set(key, judged)
  }
}

/** Judges without a memory. Takes what `Verdicts.judge` takes, and the trust. */
export function judgeCertificate(der: Buffer, sent: readonly Buffer[], trust: ClientTrust, now: number): Judged {
  let leaf: Certificate
  try {
    leaf = readCertificate(der)
  } catch (error) {
    const problem = `the certificate can not be read: ${error instanceof Error ? error.message : error}`
    return { from: now, until: Number.POSITIVE_INFINITY, certificate: unreadable(der, problem) }
  }
  const verdict = verifyClientChain(leaf, readSent(sent, trust), trust, now)
  const problem = verdict.ok ? undefined : verdict.problem
  return {
    from: now,
    // A refusal is looked at again after a while, since a CRL's or certificate's first day may have come.
    until: verdict.ok ? verdict.until : now + 60_000,
    certificate: {
      verified: problem === undefined,
      ...(problem === undefined ? {} : { problem, unverified: unverifiedBy(leaf, sent, trust) }),
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

/** Intermediates that accepted clients sent, under each trust: they tell what is missing where another client sends none. */
const intermediates = new WeakMap<ClientTrust, Map<string, Certificate>>()
const MOST_INTERMEDIATES = 64

function rememberIntermediates(trust: ClientTrust, chain: readonly Buffer[]): void {
  if (chain.length === 0) return
  const seen = intermediates.get(trust) ?? new Map<string, Certificate>()
  intermediates.set(trust, seen)
  for (const der of chain) {
    const key = sha256(der)
    if (seen.size < MOST_INTERMEDIATES && !seen.has(key)) seen.set(key, readCertificate(der))
  }
}

function unverifiedBy(leaf: Certificate, sent: readonly Buffer[], trust: ClientTrust): Unverified {
  return {
    sent,
    explain() {
      const certificates = readSent(sent, trust)
      const made = (child: Certificate, by: Certificate): boolean =>
        by.ca && by.subject.equals(child.issuer) && child.x509.verify(by.x509.publicKey)
      const ends = [leaf, ...certificates].filter(each => !certificates.some(other => made(each, other)))
      const seen = [...(intermediates.get(trust)?.values() ?? [])]
      const known = seen.find(each => ends.some(end => made(end, each)))
      return {
        sent: certificates.map(({ subject }) => formatName(subject)),
        anchors: trust.anchors.map(({ subject }) => formatName(subject)),
        known: known && formatName(known.subject),
      }
    },
  }
}

function issuerOf(ca: Certificate, anchor: boolean): Issuer {
  return { subject: formatName(ca.subject), fingerprint: sha256(ca.der), spki: sha256(ca.spki), anchor }
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
