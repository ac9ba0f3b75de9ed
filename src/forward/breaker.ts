import type { UpstreamFailure, UpstreamResult } from './exchange.ts'
import type { Timing } from './timing.ts'

/** Times in milliseconds. */
export interface BreakerSettings {
  /** So many failures ... */
  readonly failures: number
  /** ... within this time open it ... */
  readonly within: number
  /** ... for this long; then one request at a time tries whether the upstream is back. */
  readonly rest: number
}

/** What the answers of an upstream in trouble look like; a 429 or a 500 may be one request's own. */
const TROUBLE: ReadonlySet<number> = new Set([502, 503, 504])

/** Sends an upstream that fails nothing for a while, so that its senders know at once and it can recover. */
export class Breaker {
  readonly #settings: BreakerSettings
  readonly #timing: Timing
  /** When the latest failures were; as many at most as open it. */
  readonly #failures: number[] = []
  #openUntil: number | undefined
  #probing = false

  constructor(settings: BreakerSettings, timing: Timing) {
    this.#settings = settings
    this.#timing = timing
  }

  get state(): 'closed' | 'half-open' | 'open' {
    if (this.#openUntil === undefined) return 'closed'
    return this.#timing.monotonic() < this.#openUntil ? 'open' : 'half-open'
  }

  /** Why a request would not be sent now; `undefined` where it would. */
  refusal(): UpstreamFailure | undefined {
    const { state } = this
    if (state === 'closed' || (state === 'half-open' && !this.#probing)) return undefined
    const left = Math.max(0, (this.#openUntil ?? 0) - this.#timing.monotonic())
    const { failures, within } = this.#settings
    return {
      ok: false,
      code: 'forward.breaker-open',
      message:
        state === 'open' ? `${failures} requests failed within ${within} ms` : 'another request tries the upstream',
      unsent: true,
      evidence: { state, 'left-ms': Math.round(left) },
      headers: [['Retry-After', String(Math.max(1, Math.ceil(left / 1000)))]],
    }
  }

  /** Before a request is sent, where `refusal` gave none. Gives what is to be told of its result. */
  begin(): (result: UpstreamResult) => void {
    const probe = this.#openUntil !== undefined
    if (probe) this.#probing = true
    return result => {
      if (!result.ok && result.bySender) {
        if (probe) this.#probing = false
        return
      }
      const failed = result.ok ? TROUBLE.has(result.status) : true
      if (probe) this.#probed(failed)
      else if (failed) this.#count()
    }
  }

  #probed(failed: boolean): void {
    this.#probing = false
    this.#failures.length = 0
    this.#openUntil = failed ? this.#timing.monotonic() + this.#settings.rest : undefined
  }

  #count(): void {
    // What was under way when it opened says nothing new.
    if (this.#openUntil !== undefined) return
    const now = this.#timing.monotonic()
    const { failures, within, rest } = this.#settings
    this.#failures.push(now)
    if (this.#failures.length > failures) this.#failures.shift()
    if (this.#failures.length === failures && now - (this.#failures[0] ?? 0) <= within) this.#openUntil = now + rest
  }
}
