import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'
import type { Sender, UpstreamFailure } from '../exchange.ts'
import type { Outbound } from '../normalise.ts'
import type { Assertion } from './assertion.ts'
import type { OAuth2Config } from './config.ts'
import { type Credential, type Grant, withField } from './credential.ts'
import { noToken, readToken, type Token } from './token-answer.ts'

/** A token is fetched anew so long before its end, at most; of a short-lived one, a tenth of its life. Milliseconds. */
const EARLY_MS = 30_000
/** After a failure the endpoint is left alone so long, and who asks is told of that failure. Milliseconds. */
const REST_MS = 1_000

/** How the client proves to the token endpoint who it is; `undefined`: by its certificate (RFC 8705). */
export type ClientProof = { readonly secret: Secret } | { readonly assertion: Assertion } | undefined

/** What fetches count, for metrics. */
export interface TokenCounts {
  fetched: number
  failed: number
}

/**
 * A bearer token by client credentials (RFC 6749 section 4.4): kept until shortly before its end, and fetched once
 * however many wait for it.
 */
export class OAuth2 implements Credential {
  readonly counts: TokenCounts = { fetched: 0, failed: 0 }
  readonly #config: OAuth2Config
  readonly #proof: ClientProof
  readonly #endpoint: Sender
  readonly #clock: Clock
  #held: Held | undefined
  #fetching: Promise<Grant | UpstreamFailure> | undefined
  #failed: { readonly failure: UpstreamFailure; readonly until: number } | undefined

  /** @param endpoint connections to the origin of the token endpoint */
  constructor(config: OAuth2Config, proof: ClientProof, endpoint: Sender, clock: Clock) {
    this.#config = config
    this.#proof = proof
    this.#endpoint = endpoint
    this.#clock = clock
  }

  grant(): Grant | Promise<Grant | UpstreamFailure> {
    const now = this.#clock.monotonic()
    if (this.#held !== undefined && now < this.#held.until) return this.#held
    if (this.#fetching !== undefined) return this.#fetching
    if (this.#failed !== undefined && now < this.#failed.until) return Promise.resolve(this.#failed.failure)
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<Grant | UpstreamFailure> {
    const asked = this.#clock.monotonic()
    const token = await this.ask()
    if (!token.ok) {
      this.counts.failed++
      this.#failed = { failure: token, until: this.#clock.monotonic() + REST_MS }
      return token
    }
    this.counts.fetched++
    this.#failed = undefined
    const early = Math.min(EARLY_MS, token.lifeMs / 10)
    const held = new Held(token.text, asked + token.lifeMs - early, () => {
      // Others may have had it replaced already: theirs is not thrown away.
      if (this.#held === held) this.#held = undefined
    })
    this.#held = held
    return held
  }

  /** Fetches a token of its own, which is not kept: for whoever wants to know how the endpoint answers. */
  async ask(): Promise<Token | UpstreamFailure> {
    try {
      return readToken(await this.#endpoint.send(await this.#request()))
    } catch (error) {
      // An assertion that can't be made. What the library says of it names no key.
      return noToken(error instanceof Error ? error.message : String(error))
    }
  }

  async #request(): Promise<Outbound> {
    const config = this.#config
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    if (config.scopes.length > 0) form.set('scope', config.scopes.join(' '))
    if (config.audience !== undefined) form.set('audience', config.audience)
    if (config.resource !== undefined) form.set('resource', config.resource)
    const headers = ['Content-Type', 'application/x-www-form-urlencoded', 'Accept', 'application/json']
    const proof = this.#proof
    if (proof !== undefined && 'secret' in proof && config['client-auth'] === 'basic')
      headers.push('Authorization', basicClient(config['client-id'], proof.secret.text()))
    else {
      form.set('client_id', config['client-id'])
      if (proof !== undefined && 'secret' in proof) form.set('client_secret', proof.secret.text())
      else if (proof !== undefined) {
        form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
        form.set('client_assertion', await proof.assertion(this.#clock.now()))
      }
    }
    const { pathname, search } = new URL(config['token-url'])
    return { id: '', method: 'POST', path: pathname + search, headers, body: Buffer.from(form.toString()) }
  }
}

/** One token, for as long as nobody was refused with it. */
class Held implements Grant {
  readonly ok = true
  /** Milliseconds of `clock.monotonic`. */
  readonly until: number
  readonly #value: string
  readonly #drop: () => void

  constructor(text: string, until: number, drop: () => void) {
    this.#value = `Bearer ${text}`
    this.until = until
    this.#drop = drop
  }

  apply(outbound: Outbound): Outbound {
    return withField(outbound, 'Authorization', this.#value)
  }

  refused(): boolean {
    this.#drop()
    return true
  }
}

/** Both are form-encoded before they are joined (RFC 6749 section 2.3.1), so that a colon in one is no end of it. */
function basicClient(id: string, secret: string): string {
  const encoded = [id, secret].map(text => new URLSearchParams({ '': text }).toString().slice(1))
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}
