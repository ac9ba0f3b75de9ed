import { createSecureContext, type SecureContext } from 'node:tls'

const PREFIX = '/.well-known/acme-challenge/'

/** What proves to a CA that a name is ours. */
export type Offer =
  /** RFC 8555 section 8.3. */
  | { readonly token: string; readonly keyAuthorization: string }
  /** RFC 8737: a certificate and its key, PEM. */
  | { readonly name: string; readonly cert: string; readonly key: string }

/** The proofs of orders under way, and of nothing else: what the listeners answer a CA with. */
export class Challenges {
  readonly #offers = new Set<Offer>()
  readonly #tokens = new Map<string, string>()
  readonly #certificates = new Map<string, SecureContext>()
  #spread: () => Promise<void> = () => Promise.resolve()

  /** What is offered now. */
  get offers(): readonly Offer[] {
    return [...this.#offers]
  }

  /** Hands in who else answers CAs: is told of each change, and awaited before a CA is. */
  attend(spread: () => Promise<void>): void {
    this.#spread = spread
  }

  /** Answers with a proof until the returned function is called. */
  async offer(offer: Offer): Promise<() => void> {
    this.#offers.add(offer)
    this.#put(offer)
    await this.#spread()
    return () => {
      this.#offers.delete(offer)
      this.replace(this.offers)
      void this.#spread()
    }
  }

  /** Answers with these and no others. Of two for one name the later counts. */
  replace(offers: readonly Offer[]): void {
    this.#offers.clear()
    this.#tokens.clear()
    this.#certificates.clear()
    for (const offer of offers) {
      this.#offers.add(offer)
      this.#put(offer)
    }
  }

  /** The key authorization that a request asks for; `undefined` where it asks for none that is offered now. */
  answerTo(method: string | undefined, target: string | undefined): string | undefined {
    if (this.#tokens.size === 0 || method !== 'GET' || target?.startsWith(PREFIX) !== true) return undefined
    return this.#tokens.get(target.slice(PREFIX.length))
  }

  certificateFor(name: string): SecureContext | undefined {
    return this.#certificates.get(name.toLowerCase())
  }

  #put(offer: Offer): void {
    if ('token' in offer) this.#tokens.set(offer.token, offer.keyAuthorization)
    else {
      const { name, cert, key } = offer
      this.#certificates.set(name.toLowerCase(), createSecureContext({ minVersion: 'TLSv1.3', cert, key }))
    }
  }
}
