import type { UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'

export const RETRIED = ['connect', 429, 502, 503, 504] as const

export interface RetrySettings {
  /** Requests in all. */
  readonly attempts: number
  /** Milliseconds. */
  readonly backoff: { readonly first: number; readonly max: number }
  readonly on: readonly (typeof RETRIED)[number][]
  /** A field by whose value the receiver knows a request that it has done already. */
  readonly 'idempotency-key'?: string | undefined
}

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Decides what is sent again, and when. */
export class Retry {
  readonly #settings: RetrySettings
  readonly #on: ReadonlySet<unknown>
  readonly #random: () => number

  constructor(settings: RetrySettings, random: () => number = Math.random) {
    this.#settings = settings
    this.#on = new Set(settings.on)
    this.#random = random
  }

  /** The request with a key by which the receiver knows it again: the sender's, or its id. */
  keyed(outbound: Outbound): Outbound {
    const name = this.#settings['idempotency-key']
    if (name === undefined || hasField(outbound, name.toLowerCase())) return outbound
    return { ...outbound, headers: [...outbound.headers, name, outbound.id] }
  }

  /**
   * Milliseconds to wait before it is sent again: any number up to a limit that doubles each time, so that many who
   * failed together don't come back together. `undefined`: it is not sent again.
   *
   * @param attempt how many were sent, from 1
   */
  delay(result: UpstreamResult, outbound: Outbound, attempt: number): number | undefined {
    const { attempts, backoff } = this.#settings
    if (attempt >= attempts || !this.#mayRepeat(result, outbound)) return undefined
    return this.#random() * Math.min(backoff.max, backoff.first * 2 ** (attempt - 1))
  }

  #mayRepeat(result: UpstreamResult, outbound: Outbound): boolean {
    if (result.ok) {
      if (!this.#on.has(result.status)) return false
      // By a 429 the receiver says that it has done nothing.
      return result.status === 429 || this.#isRepeatable(outbound)
    }
    if (result.code !== 'forward.unreachable' && !(result.code === 'forward.timeout' && result.unsent)) return false
    return this.#on.has('connect') && (result.unsent === true || this.#isRepeatable(outbound))
  }

  #isRepeatable(outbound: Outbound): boolean {
    const own = this.#settings['idempotency-key'] !== undefined
    return own || IDEMPOTENT.has(outbound.method) || hasField(outbound, 'idempotency-key')
  }
}

function hasField({ headers }: Outbound, lower: string): boolean {
  for (let at = 0; at < headers.length; at += 2) if (headers[at]?.toLowerCase() === lower) return true
  return false
}
