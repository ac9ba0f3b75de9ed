import type { ForwardConfig } from '../forward/config.ts'
import { Upstream } from '../forward/upstream.ts'

/** The connection pools: one for each origin and deadlines, kept across reloads so that none is opened anew. */
export class Upstreams {
  readonly #pools = new Map<string, Upstream>()
  #used = new Set<string>()

  get(config: ForwardConfig): Upstream {
    const origin = new URL(config.to).origin
    const key = `${origin} ${config.timeout.connect} ${config.timeout.response}`
    const known = this.#pools.get(key)
    this.#used.add(key)
    if (known) return known
    const upstream = new Upstream(origin, config.timeout)
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
