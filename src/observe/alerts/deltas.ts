import type { RouteCounters } from '../route-counters.ts'

/** What one route has counted between two looks. */
export interface Delta {
  /** Let in: verified, whatever the upstream made of it. */
  readonly verified: number
  /** By refusal code; only those that grew. */
  readonly refused: readonly (readonly [code: string, count: number])[]
  /** Answered by the upstream, and not with a 5xx. */
  readonly delivered: number
  /** Answered by the upstream with a 4xx, by status; only those that grew. */
  readonly rejected: readonly (readonly [status: string, count: number])[]
  /** Failed for the upstream's sake, by code; `5xx` for its own answers. */
  readonly undelivered: readonly (readonly [code: string, count: number])[]
}

interface Seen {
  verified: number
  forwarded: number
  serverErrors: number
  readonly refused: Map<string, number>
  readonly failed: Map<string, number>
  readonly answers: Map<number, number>
}

/** Failures that say something of the upstream; others are the gate's own pace or one request's form. */
const DOWN: ReadonlySet<string> = new Set([
  'forward.unreachable',
  'forward.malformed',
  'forward.timeout',
  'forward.address',
  'forward.no-token',
  'forward.breaker-open',
])

/** Reads cumulative counters now and then, so that counting costs a request nothing more than it does. */
export class Deltas {
  #seen = new Map<string, Seen>()
  #began = false

  /** What has moved since the last look, the first of which tells nothing; routes that did not move are left out. */
  take(routes: Iterable<readonly [route: string, counters: RouteCounters]>): ReadonlyMap<string, Delta> {
    const moved = new Map<string, Delta>()
    const next = new Map<string, Seen>()
    for (const [route, counters] of routes) {
      const seen = this.#seen.get(route) ?? NOTHING()
      next.set(route, seen)
      const delta = step(seen, counters)
      if (delta && this.#began) moved.set(route, delta)
    }
    this.#seen = next
    this.#began = true
    return moved
  }
}

const NOTHING = (): Seen => ({
  verified: 0,
  forwarded: 0,
  serverErrors: 0,
  refused: new Map(),
  failed: new Map(),
  answers: new Map(),
})

function step(seen: Seen, counters: RouteCounters): Delta | undefined {
  const { forwarded, duplicate, replied } = counters
  const serverErrors = counters.answered(5)
  const refused = grown(seen.refused, counters.refused)
  const failed = grown(seen.failed, counters.failed)
  const rejected = grown(seen.answers, counters.answers).flatMap(([status, count]) =>
    status >= 400 && status < 500 ? [[String(status), count] as const] : [],
  )
  // A failure of the gate itself is no request that was let in.
  const sent = failed.reduce((sum, [code, count]) => (code.startsWith('forward.') ? sum + count : sum), 0)
  const answered = forwarded + duplicate + replied
  // A route that went and came again counts from nothing.
  const fresh = answered < seen.verified
  const verified = (fresh ? answered : answered - seen.verified) + sent
  const went = fresh ? forwarded : forwarded - seen.forwarded
  const errors = fresh ? serverErrors : serverErrors - seen.serverErrors
  seen.verified = answered
  seen.forwarded = forwarded
  seen.serverErrors = serverErrors
  if (verified === 0 && refused.length === 0 && failed.length === 0) return undefined
  const undelivered = failed.filter(([code]) => DOWN.has(code))
  if (errors > 0) undelivered.push(['5xx', errors])
  return { verified, refused, delivered: went - errors, rejected, undelivered }
}

function grown<Name>(
  seen: Map<Name, number>,
  counts: ReadonlyMap<Name, { readonly value: number }>,
): (readonly [Name, number])[] {
  const found: (readonly [Name, number])[] = []
  for (const [code, { value }] of counts) {
    const before = seen.get(code) ?? 0
    if (value === before) continue
    found.push([code, value > before ? value - before : value])
    seen.set(code, value)
  }
  return found
}
