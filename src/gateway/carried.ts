import type { ClientCertificate } from '../core/client-certificate.ts'
import type { Headers } from '../core/headers.ts'
import { type Judged, judgeCertificate } from '../tls/identity.ts'
import type { ClientTrust } from '../tls/trust.ts'
import { type ClientCertFormat, readClientCertHeader } from './client-cert-header.ts'
import { PolicyFault } from './policy.ts'

/** Certificates whose verdicts are kept. A proxy's clients are few; a stranger's cost no more than being read. */
const KEPT = 256

/**
 * Client certificates that a trusted proxy carries in a header. The proxy vouches that the client holds the key; whether
 * the certificate is accepted is judged here, by the CAs and CRLs of the setting.
 */
export class Carried {
  readonly #format: ClientCertFormat
  readonly #field: string
  readonly trust: ClientTrust
  readonly #judged = new Map<string, Judged>()

  /** @param field lower case. */
  constructor(format: ClientCertFormat, field: string, trust: ClientTrust) {
    this.#format = format
    this.#field = field
    this.trust = trust
  }

  /** @param now epoch milliseconds. */
  read(headers: Headers, now: number): ClientCertificate | PolicyFault | undefined {
    const carried = readClientCertHeader(this.#format, this.#field, headers)
    if (carried === undefined || carried instanceof PolicyFault) return carried
    const key = [carried.leaf, ...carried.chain].map(der => der.toString('latin1')).join('\0\0')
    const before = this.#judged.get(key)
    if (before !== undefined && now >= before.from && now < before.until) return before.certificate
    const judged = judgeCertificate(carried.leaf, carried.chain, this.trust, now)
    if (this.#judged.size >= KEPT) this.#judged.clear()
    this.#judged.set(key, judged)
    return judged.certificate
  }
}
