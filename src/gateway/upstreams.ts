import type { ForwardConfig } from '../forward/config.ts'
import { Upstream } from '../forward/upstream.ts'
import type { ClientTls } from '../tls/client.ts'

/** The connection pools: one for each origin, TLS and deadlines, kept across reloads so that none is opened anew. */
export class Upstreams {
  readonly #pools = new Map<string, Upstream>()
  #used = new Set<string>()

  /** @param tls undefined where the upstream is plain HTTP, or what it needs is missing. */
  get(config: ForwardConfig, tls: ClientTls | undefined): Upstream {
    const origin = new URL(config.to).origin
    const key = `${origin} ${config.timeout.connect} ${config.timeout.response} ${tls?.id ?? ''}`
    const known = this.#pools.get(key)
    this.#used.add(key)
    if (known) return known
    const upstream = new Upstream(origin, config.timeout, { tls })
    this.#pools.set(key, upstream)
    return upstream
  }

  /** Before a config is compiled: what it asks for from now on is in use. */
  begin(): void {
    this.#used = new Set()
  }

  /** After a config has taken over: what it did not ask for is closed once its requests have ended. */
  sweep(): void {
    for (const [key, upstream] of this.#pools) {
      if (this.#used.has(key)) continue
      this.#pools.delete(key)
      void upstream.close()
    }
  }

  close(): void {
    for (const upstream of this.#pools.values()) upstream.destroy()
    this.#pools.clear()
  }
}
