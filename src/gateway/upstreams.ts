import type { Ledger, Ledgers } from '../core/stores.ts'
import { Breaker, type BreakerSettings } from '../forward/breaker.ts'
import type { BridgeCounts } from '../forward/bridge.ts'
import type { ForwardConfig } from '../forward/config.ts'
import type { OAuth2 } from '../forward/credentials/oauth2.ts'
import { MAX_QUEUE, MAX_WAIT, type PaceConfig } from '../forward/pace-config.ts'
import { systemTiming } from '../forward/timing.ts'
import { Turnstile } from '../forward/turnstile.ts'
import { type Reach, Upstream } from '../forward/upstream.ts'
import { LocalLedger } from '../store/local-ledger.ts'
import { Kept } from './kept.ts'

/** A way to upstreams; the id is the same for the same way. */
export interface Identified {
  readonly id: string
  readonly reach: Reach
}

/** What is kept of upstreams across reloads, so that no connection is opened, no token fetched and no limit counted anew. */
export class Upstreams {
  /** One pool for each origin, way to it and deadlines; one that no config asks for ends with its requests. */
  readonly #pools = new Kept<Upstream>(upstream => upstream.retire())
  readonly #tokens = new Kept<OAuth2>()
  readonly #ledgers = new Kept<Ledger>(ledger => ledger.close())
  readonly #turnstiles = new Kept<Turnstile>()
  readonly #breakers = new Kept<Breaker>()
  readonly #counts = new Kept<BridgeCounts>()
  readonly #all: readonly { begin(): void; sweep(): void }[] = [
    this.#pools,
    this.#tokens,
    this.#ledgers,
    this.#turnstiles,
    this.#breakers,
    this.#counts,
  ]

  readonly #newLedger: Ledgers

  /** @param ledgers where this thread is not the only one that sends: those that all of them share */
  constructor(ledgers: Ledgers = () => new LocalLedger()) {
    this.#newLedger = ledgers
  }

  get(to: string, timeout: ForwardConfig['timeout'], { id, reach }: Identified): Upstream {
    const { origin } = new URL(to)
    const key = `${origin} ${timeout.connect} ${timeout.response} ${id}`
    return this.#pools.get(key, () => new Upstream(origin, timeout, reach))
  }

  token(key: string, make: () => OAuth2): OAuth2 {
    return this.#tokens.get(key, make)
  }

  turnstile(route: string, pace: PaceConfig | undefined, concurrency = Number.POSITIVE_INFINITY): Turnstile {
    const shared = pace?.shared
    const settings = {
      rate: pace?.rate,
      burst: pace?.burst ?? pace?.rate.count ?? 1,
      concurrency,
      maxWait: pace?.['max-wait'] ?? MAX_WAIT,
      maxQueue: pace?.['max-queue'] ?? MAX_QUEUE,
    }
    const key = JSON.stringify([route, shared, settings])
    // What was sent counts on where a reload changes the limit, as it does for the receiver.
    const ledger = this.#ledger(shared === undefined ? `route ${route}` : `shared ${shared}`)
    // A WebSocket is under way for hours, and is one request of the rate: the two are counted apart.
    const cap = pace !== undefined && concurrency < Number.POSITIVE_INFINITY && this.#ledger(`under way ${route}`)
    return this.#turnstiles.get(key, () => new Turnstile(settings, ledger, systemTiming, cap || undefined))
  }

  #ledger(name: string): Ledger {
    return this.#ledgers.get(name, () => this.#newLedger(name))
  }

  breaker(route: string, settings: BreakerSettings): Breaker {
    return this.#breakers.get(JSON.stringify([route, settings]), () => new Breaker(settings, systemTiming))
  }

  counts(route: string): BridgeCounts {
    return this.#counts.get(route, () => ({ retries: 0 }))
  }

  /** Before a config is compiled: what it asks for from now on is in use. */
  begin(): void {
    for (const kept of this.#all) kept.begin()
  }

  /** After a config has taken over. */
  sweep(): void {
    for (const kept of this.#all) kept.sweep()
  }

  close(): void {
    for (const upstream of this.#pools.values()) upstream.destroy()
    this.#pools.clear()
  }
}
