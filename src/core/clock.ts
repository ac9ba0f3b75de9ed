/** Time, handed in so that tests can freeze it. */
export interface Clock {
  /** Epoch milliseconds, for what senders and certificates say. */
  now(): number
  /** Milliseconds that never step back, for windows and rates. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** A clock that stands until `advance` is called. For tests. */
export function frozenClock(epochMs: number): Clock & { advance(ms: number): void } {
  let now = epochMs
  let monotonic = 0
  return {
    now: () => now,
    monotonic: () => monotonic,
    advance(ms) {
      now += ms
      monotonic += ms
    },
  }
}
