import type { SecureContext } from 'node:tls'

const PREFIX = '/.well-known/acme-challenge/'

/** The proofs of orders under way, and of nothing else: what the listeners answer a CA with. */
export class Challenges {
  readonly #tokens = new Map<string, string>()
  readonly #certificates = new Map<string, SecureContext>()

  /** Answers for a token until the returned function is called (RFC 8555 section 8.3). */
  offerToken(token: string, keyAuthorization: string): () => void {
    return offer(this.#tokens, token, keyAuthorization)
  }

  /** Serves a certificate to validations of a name until the returned function is called (RFC 8737). */
  offerCertificate(name: string, context: SecureContext): () => void {
    return offer(this.#certificates, name, context)
  }

  /** The key authorization that a request asks for; `undefined` where it asks for none that is offered now. */
  answerTo(method: string | undefined, target: string | undefined): string | undefined {
    if (this.#tokens.size === 0 || method !== 'GET' || target?.startsWith(PREFIX) !== true) return undefined
    return this.#tokens.get(target.slice(PREFIX.length))
  }

  certificateFor(name: string): SecureContext | undefined {
    return this.#certificates.get(name.toLowerCase())
  }
}

function offer<T>(all: Map<string, T>, key: string, value: T): () => void {
  all.set(key, value)
  return () => {
    if (all.get(key) === value) all.delete(key)
  }
}
