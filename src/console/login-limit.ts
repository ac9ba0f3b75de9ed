import type { Clock } from '../core/clock.ts'

/** Wrong tokens allowed to one source in a minute. */
const WRONG = 10
const MINUTE = 60_000
/** Sources remembered; when there are more in one minute, the rest share one count. */
const SOURCES = 1000

export interface LoginLimit {
  locked(source: string): boolean
  /** Counts a wrong token. */
  wrong(source: string): void
}

/** Counts wrong tokens by source, in whole minutes, in bounded memory. */
export function createLoginLimit(clock: Clock): LoginLimit {
  let counts = new Map<string, number>()
  let until = clock.monotonic() + MINUTE

  function current(): Map<string, number> {
    if (clock.monotonic() < until) return counts
    counts = new Map()
    until = clock.monotonic() + MINUTE
    return counts
  }

  const keyOf = (source: string): string => (current().has(source) || counts.size < SOURCES ? source : '')

  return {
    locked: source => (current().get(keyOf(source)) ?? 0) >= WRONG,
    wrong(source) {
      const key = keyOf(source)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
  }
}
