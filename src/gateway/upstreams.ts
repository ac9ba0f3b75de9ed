import type { ForwardConfig } from '../forward/config.ts'
import type { OAuth2 } from '../forward/credentials/oauth2.ts'
import { Upstream } from '../forward/upstream.ts'
import type { ClientTls } from '../tls/client.ts'
import { Kept } from './kept.ts'

/** What is kept of upstreams across reloads, so that no connection is opened and no token fetched anew. */
export class Upstreams {
  /** One pool for each origin, TLS and deadlines; one that no config asks for ends with its requests. */
  readonly #pools = new Kept<Upstream>(upstream => upstream.retire())
  readonly #tokens = new Kept<OAuth2>()

  /** @param tls undefined where the upstream is plain HTTP, or what it needs is missing. */
  get(to: string, timeout: ForwardConfig['timeout'], tls: ClientTls | undefined): Upstream {
    const { origin } = new URL(to)
    const key = `${origin} ${timeout.connect} ${timeout.response} ${tls?.id ?? ''}`
    return this.#pools.get(key, () => new Upstream(origin, timeout, { tls }))
  }

  token(key: string, make: () => OAuth2): OAuth2 {
    return this.#tokens.get(key, make)
  }

  /** Before a config is compiled: what it asks for from now on is in use. */
  begin(): void {
    this.#pools.begin()
    this.#tokens.begin()
  }

  /** After a config has taken over. */
  sweep(): void {
    this.#pools.sweep()
    this.#tokens.sweep()
  }

  close(): void {
    for (const upstream of this.#pools.values()) upstream.destroy()
    this.#pools.clear()
  }
}
