import { systemClock } from '../core/clock.ts'

/** Time as waits need it, handed in so that tests can compress it. */
export interface Timing {
  /** Milliseconds that never step back. */
  monotonic(): number
  /** Epoch milliseconds, for dates that upstreams write. */
  now(): number
  /** Calls once, so many milliseconds from now; gives how to call it off. */
  after(ms: number, run: () => void): () => void
}

/** Above, a timer of Node fires at once; whoever waits looks again before. */
const LONGEST_MS = 60_000

export const systemTiming: Timing = {
  monotonic: systemClock.monotonic,
  now: systemClock.now,
  after(ms, run) {
    // Who waits holds a socket, which keeps the process alive; the timer alone must not.
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS)).unref()
    return () => clearTimeout(timer)
  },
}
