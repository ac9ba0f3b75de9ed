import { performance } from 'node:perf_hooks'

/** Time, handed in so that tests can freeze it. */
export interface Clock {
  /** Epoch milliseconds, for what senders and certificates say. */
  now(): number
  /** Milliseconds that never step back, for windows and rates. */
  monotonic(): number
}

/** Milliseconds from the start of the process to where this thread's `performance.now` is 0. */
const ORIGIN = origin()

/** What both clocks said when `withTime` began, while it lasts; 0: it does not. */
let heldNow = 0
let heldTick = 0

/** Reads the time of day once for all that `work` does before it returns, which must be little. */
export function withTime(work: () => void): void {
  heldNow = Date.now()
  heldTick = performance.now()
  try {
    work()
  } finally {
    heldNow = heldTick = 0
  }
}

/** `performance.now`, or what it was a moment ago: for what need not be told to the millisecond. */
export const aboutNow = (): number => (heldTick === 0 ? performance.now() : heldTick)

/** `monotonic` counts from the start of the process, in all of its threads. */
export const systemClock: Clock = {
  now: () => (heldNow === 0 ? Date.now() : heldNow),
  monotonic: () => performance.now() + ORIGIN,
}

/** Both clocks are read one after the other; of a few tries, the one that took least is off by under a microsecond. */
function origin(): number {
  let took = Number.POSITIVE_INFINITY
  let best = 0
  for (let i = 0; i < 8; i++) {
    const before = performance.now()
    const uptime = process.uptime() * 1000
    const after = performance.now()
    if (after - before >= took) continue
    took = after - before
    best = uptime - (before + after) / 2
  }
  return best
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
