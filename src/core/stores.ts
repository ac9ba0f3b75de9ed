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

/** What a receiver allows, and how much at once. Times in milliseconds. */
export interface PaceLimits {
  /** Requests a period; infinite where there is no rate. */
  readonly count: number
  readonly period: number
  /** For one more of what may come at once; 0 where there is no rate. */
  readonly interval: number
  readonly burst: number
  /** Requests under way at once; infinite where that is not limited. */
  readonly concurrency: number
}

/**
 * What has been sent to one receiver, as its limits count it. A request counts from when it is sent until a period after
 * its answer: the receiver counted it at some moment between the two, so that its count can't be higher than this one,
 * however long each was on its way. All times are milliseconds, monotonic.
 */
export interface Ledger {
  /** Requests under way now. */
  readonly underWay: number
  /** No request before then. */
  readonly heldUntil: number
  /** Called when there may be room: several queues may share one receiver. */
  readonly wake: Set<() => void>
  /**
   * Counts one more as sent, where it may go now: then it gives a time that is not after `now`. Otherwise when to ask
   * again; infinite where another has to end before, which `wake` tells.
   * @param since when it began to wait
   */
  take(now: number, since: number, limits: PaceLimits): number
  /** What was taken just now is not sent after all. Wakes nobody. */
  untake(limits: PaceLimits): void
  /** Whoever asked waits no more. */
  leave(): void
  /** One more request could go then, for all that is known now; infinite where another has to end before. */
  nextAt(now: number, limits: PaceLimits): number
  /** @param received whether the receiver may have counted it */
  ended(now: number, received: boolean, limits: PaceLimits): void
  hold(until: number): void
  /** No config asks for it any more. */
  close(): void
}

/** Gives each name its one ledger. @throws where there is no room for another */
export type Ledgers = (name: string) => Ledger
