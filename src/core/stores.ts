/** The contracts of shared state. `store/` holds them in memory; one suite tests every implementation. */

type MaybePromise<T> = T | Promise<T>

export interface RateResult {
  readonly allowed: boolean
  /** Whole requests left in the bucket after this one. */
  readonly remaining: number
  /** Milliseconds until the next request would be allowed; 0 where one is allowed now. */
  readonly retryAfterMs: number
  /** Milliseconds until the bucket is full again. */
  readonly resetMs: number
}

/** Token buckets, exact to the request. */
export interface RateStore {
  /**
   * Takes one token of `key`'s bucket, which holds `burst` and gains one every `intervalMs`.
   * Memory is bounded: when the table is full, keys not in it share one bucket.
   */
  take(key: string, burst: number, intervalMs: number): MaybePromise<RateResult>
}

/** `fresh`: yours now, until `keep` or `release`. `full`: no room to remember, so it must be refused. */
export type Claim = 'fresh' | 'in-flight' | 'delivered' | 'full'

/** Each key is claimed by one request at a time, and remembered once it was delivered. */
export interface ClaimStore {
  /** Claims `key` for at least `ttlMs` milliseconds, in one atomic step. */
  claim(key: string, ttlMs: number): MaybePromise<Claim>
  /** The request was delivered: the key answers `delivered` for `ttlMs` milliseconds from now. */
  keep(key: string, ttlMs: number): MaybePromise<void>
  /** The request was not delivered: the key is fresh again. */
  release(key: string): MaybePromise<void>
}
