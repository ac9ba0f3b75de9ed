import type { SecureContext, TLSSocket } from 'node:tls'
import { isEncrypted } from '../encrypted.ts'
import type { Challenges } from './challenges.ts'

/** The protocol by which a CA validates a name in the handshake (RFC 8737 section 3). */
const ACME = 'acme-tls/1'
const HTTP = 'http/1.1'

/** For `ALPNCallback`: this socket's protocol, `undefined` for an alert. */
type Choose = (
  this: unknown,
  offered: { readonly servername: string; readonly protocols: readonly string[] },
) => string | undefined

/** Chooses between HTTP and a validation, and remembers which certificate a validation is served. */
export class Validations {
  readonly #chosen = new WeakMap<TLSSocket, SecureContext>()
  readonly choose: Choose

  constructor(challenges: Challenges) {
    const chosen = this.#chosen
    this.choose = function (this: unknown, { servername, protocols }) {
      if (!protocols.includes(ACME)) return protocols.includes(HTTP) ? HTTP : undefined
      // Before TLS 1.3 the certificate has been chosen by now, and it is the wrong one.
      if (!isEncrypted(this) || this.getProtocol() !== 'TLSv1.3') return undefined
      const context = challenges.certificateFor(servername)
      if (context === undefined) return undefined
      chosen.set(this, context)
      return ACME
    }
  }

  /** The certificate of a handshake that is a validation. */
  of(socket: unknown): SecureContext | undefined {
    return isEncrypted(socket) ? this.#chosen.get(socket) : undefined
  }
}

/** Whether a connection was a validation: it is over with its handshake, and no byte of it is a request. */
export function isValidation(socket: unknown): boolean {
  return isEncrypted(socket) && socket.alpnProtocol === ACME
}
