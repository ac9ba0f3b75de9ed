import type { Ledger, PaceLimits } from '../core/stores.ts'
import type { Rate } from '../core/units.ts'
import type { UpstreamFailure } from './exchange.ts'
import type { Timing } from './timing.ts'

export interface TurnstileSettings {
  /** How many requests a period the receiver allows; absent: any. */
  readonly rate: Rate | undefined
  /** How many may go at once. */
  readonly burst: number
  /** Requests under way at once. */
  readonly concurrency: number
  /** Milliseconds that a request waits for its turn at most. */
  readonly maxWait: number
  /** Requests that wait at most. */
  readonly maxQueue: number
}

/** The leave to send one request. */
export interface Turn {
  readonly ok: true
  /** Milliseconds that it took to come. */
  readonly waitedMs: number
  /** The receiver has answered a request that stays under way, so that `end` need not come before its period runs. */
  answered(): void
  /** The request has ended. @param received whether the receiver may have got it; what it did not get is not counted */
  end(received: boolean): void
}

interface Waiter {
  readonly since: number
  readonly resolve: (turn: Turn | UpstreamFailure) => void
}

/** Clocks differ, and round: a period here is longer by this than the receiver's. */
const periodOf = (rate: Rate): number => rate.periodMs * 1.001 + 2

/** What a ledger that others share counts; the cap on what is under way is the route's own. */
const NO_RATE = { count: Number.POSITIVE_INFINITY, period: 0, interval: 0, burst: 1 }

/** Lets requests through in the order they came, never more than the receiver's limit and so many at once. */
export class Turnstile {
  readonly #settings: TurnstileSettings
  readonly #ledger: Ledger
  readonly #limits: PaceLimits
  /** Where the ledger is shared with other routes: what the route itself has under way. */
  readonly #cap: Ledger | undefined
  readonly #capLimits: PaceLimits
  readonly #timing: Timing
  readonly #queue: Waiter[] = []
  #cancel: (() => void) | undefined
  readonly #look = (): void => this.#advance()

  /** @param cap counts what is under way, where the ledger counts that of other routes too */
  constructor(settings: TurnstileSettings, ledger: Ledger, timing: Timing, cap?: Ledger) {
    const { rate, burst, concurrency } = settings
    this.#settings = settings
    this.#ledger = ledger
    this.#timing = timing
    this.#cap = concurrency === Number.POSITIVE_INFINITY ? undefined : cap
    this.#limits = {
      ...(rate ? { count: rate.count, period: periodOf(rate), interval: rate.periodMs / rate.count, burst } : NO_RATE),
      concurrency: this.#cap ? Number.POSITIVE_INFINITY : concurrency,
    }
    this.#capLimits = { ...NO_RATE, concurrency }
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#queue.length
  }

  /** A turn, at once or when it comes; or why there is none. */
  enter(): Turn | UpstreamFailure | Promise<Turn | UpstreamFailure> {
    const now = this.#timing.monotonic()
    const { maxWait, maxQueue } = this.#settings
    const isFirst = this.#queue.length === 0
    const at = isFirst ? this.#takeAt(now, now) : now
    if (isFirst && at <= now) return this.#turn(now, now)
    const why =
      this.#queue.length >= maxQueue
        ? `${maxQueue} requests wait already`
        : this.#soonest(now) > now + maxWait
          ? `its turn would not come within ${maxWait} ms`
          : undefined
    if (why !== undefined) {
      if (isFirst) this.#leave()
      return this.#refusal(now, why)
    }
    return new Promise(resolve => {
      this.#queue.push({ since: now, resolve })
      if (!isFirst) return
      this.#ledger.wake.add(this.#look)
      this.#cap?.wake.add(this.#look)
      this.#arm(now, at)
    })
  }

  /** The receiver asks for quiet. @param ms from now */
  hold(ms: number): void {
    this.#ledger.hold(this.#timing.monotonic() + ms)
  }

  /** When one more request may go, for all that is known now; infinite where another has to end before. */
  #nextAt(now: number): number {
    const at = this.#ledger.nextAt(now, this.#limits)
    return this.#cap ? Math.max(at, this.#cap.nextAt(now, this.#capLimits)) : at
  }

  /** No turn of one that comes now can come before: those that wait already go first. */
  #soonest(now: number): number {
    const behind = (this.#queue.length + 1 - this.#settings.burst) * this.#limits.interval
    return Math.max(this.#ledger.heldUntil, now + behind)
  }

  /** Counts one as sent where it may go now; otherwise gives when to ask again. */
  #takeAt(now: number, since: number): number {
    const capped = this.#cap?.take(now, since, this.#capLimits) ?? now
    if (capped > now) {
      // It waits for another of its route, and must not hold up other routes.
      this.#ledger.leave()
      return capped
    }
    const at = this.#ledger.take(now, since, this.#limits)
    if (at > now) this.#cap?.untake(this.#capLimits)
    return at
  }

  #turn(since: number, now: number): Turn {
    let counted = false
    const count = (received: boolean): void => {
      if (!counted) this.#ledger.ended(this.#timing.monotonic(), received, this.#limits)
      counted = true
    }
    return {
      ok: true,
      waitedMs: now - since,
      answered: () => {
        // Where nothing else counts what is under way, the ledger has to until the end.
        if (this.#limits.concurrency === Number.POSITIVE_INFINITY) count(true)
      },
      end: received => {
        this.#cap?.ended(this.#timing.monotonic(), received, this.#capLimits)
        count(received)
      },
    }
  }

  #advance(): void {
    if (this.#queue.length === 0) return
    const now = this.#timing.monotonic()
    const { maxWait } = this.#settings
    let at = now
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      at = this.#takeAt(now, first.since)
      if (at <= now) first.resolve(this.#turn(first.since, now))
      else if (first.since + maxWait <= now)
        first.resolve(this.#refusal(now, `its turn did not come within ${maxWait} ms`))
      else break
      this.#queue.shift()
    }
    this.#arm(now, at)
  }

  /** Looks again when the first may go, or has waited long enough. */
  #arm(now: number, at: number): void {
    this.#cancel?.()
    this.#cancel = undefined
    const [first] = this.#queue
    if (first === undefined) {
      this.#leave()
      this.#ledger.wake.delete(this.#look)
      this.#cap?.wake.delete(this.#look)
      return
    }
    const next = Math.min(at, first.since + this.#settings.maxWait)
    this.#cancel = this.#timing.after(Math.max(1, next - now), this.#look)
  }

  #leave(): void {
    this.#ledger.leave()
    this.#cap?.leave()
  }

  #refusal(now: number, why: string): UpstreamFailure {
    const next = this.#nextAt(now)
    const ms = Math.max(Number.isFinite(next) ? next - now : 0, this.#soonest(now) - now, 1)
    const { underWay } = this.#cap ?? this.#ledger
    return {
      ok: false,
      code: 'forward.paced',
      message: why,
      unsent: true,
      evidence: { waiting: this.#queue.length, 'under-way': underWay },
      headers: [['Retry-After', String(Math.ceil(ms / 1000))]],
    }
  }
}
