import type { ClientCertificate } from '../core/client-certificate.ts'
import type { Headers } from '../core/headers.ts'
import type { ClientTrust } from '../tls/trust.ts'
import { Verdicts } from '../tls/verdicts.ts'
import { type ClientCertFormat, readClientCertHeader } from './client-cert-header.ts'
import { PolicyFault } from './policy.ts'

/**
 * Client certificates that a trusted proxy carries in a header. The proxy vouches that the client holds the key; whether
 * the certificate is accepted is judged here, by the CAs and CRLs of the setting.
 */
export class Carried {
  readonly #format: ClientCertFormat
  readonly #field: string
  readonly trust: ClientTrust
  readonly #verdicts: Verdicts

  /** @param field lower case. */
  constructor(format: ClientCertFormat, field: string, trust: ClientTrust) {
    this.#format = format
    this.#field = field
    this.trust = trust
    // Every request of a kept connection brings its certificate again, refused or not.
    this.#verdicts = new Verdicts(trust, 'all')
  }

  /** @param now epoch milliseconds. */
  read(headers: Headers, now: number): ClientCertificate | PolicyFault | undefined {
    const carried = readClientCertHeader(this.#format, this.#field, headers)
    if (carried === undefined || carried instanceof PolicyFault) return carried
    return this.#verdicts.judge(carried.leaf, carried.chain, now).certificate
  }
}
