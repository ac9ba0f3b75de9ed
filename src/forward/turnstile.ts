import type { Rate } from '../core/units.ts'
import type { UpstreamFailure } from './exchange.ts'
import type { Ledger } from './ledger.ts'
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
  /** The request has ended. @param received whether the receiver may have got it; what it did not get is not counted */
  end(received: boolean): void
}

interface Waiter {
  readonly since: number
  readonly resolve: (turn: Turn | UpstreamFailure) => void
}

/** Clocks differ, and round: a period here is longer by this than the receiver's. */
const periodOf = (rate: Rate): number => rate.periodMs * 1.001 + 2

/** Lets requests through in the order they came, never more than the receiver's limit and so many at once. */
export class Turnstile {
  readonly #settings: TurnstileSettings
  readonly #ledger: Ledger
  readonly #timing: Timing
  readonly #queue: Waiter[] = []
  /** Milliseconds, for one more; 0 where there is no rate. */
  readonly #interval: number
  readonly #period: number
  #underWay = 0
  #cancel: (() => void) | undefined
  readonly #look = (): void => this.#advance()

  constructor(settings: TurnstileSettings, ledger: Ledger, timing: Timing) {
    this.#settings = settings
    this.#ledger = ledger
    this.#timing = timing
    this.#interval = settings.rate ? settings.rate.periodMs / settings.rate.count : 0
    this.#period = settings.rate ? periodOf(settings.rate) : 0
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#queue.length
  }

  /** A turn, at once or when it comes; or why there is none. */
  enter(): Turn | UpstreamFailure | Promise<Turn | UpstreamFailure> {
    const now = this.#timing.monotonic()
    if (this.#queue.length === 0 && this.#nextAt(now) <= now) return this.#take(now, now)
    const { maxWait, maxQueue } = this.#settings
    if (this.#queue.length >= maxQueue) return this.#refusal(now, `${maxQueue} requests wait already`)
    if (this.#soonest(now) > now + maxWait) return this.#refusal(now, `its turn would not come within ${maxWait} ms`)
    return new Promise(resolve => {
      this.#queue.push({ since: now, resolve })
      if (this.#queue.length === 1) {
        this.#ledger.wake.add(this.#look)
        this.#arm(now)
      }
    })
  }

  /** The receiver asks for quiet. @param ms from now */
  hold(ms: number): void {
    this.#ledger.hold(this.#timing.monotonic() + ms)
  }

  /** When one more request may go, for all that is known now; infinite where another has to end before. */
  #nextAt(now: number): number {
    const { rate, burst, concurrency } = this.#settings
    const ledger = this.#ledger
    if (this.#underWay >= concurrency) return Number.POSITIVE_INFINITY
    if (rate === undefined) return ledger.heldUntil
    const room = ledger.count(now, this.#period) < rate.count ? 0 : ledger.nextRoom(this.#period)
    return Math.max(room, ledger.heldUntil, ledger.full - (burst - 1) * this.#interval)
  }

  /** No turn of one that comes now can come before: those that wait already go first. */
  #soonest(now: number): number {
    const behind = (this.#queue.length + 1 - this.#settings.burst) * this.#interval
    return Math.max(this.#ledger.heldUntil, now + behind)
  }

  #take(since: number, now: number): Turn {
    const ledger = this.#ledger
    this.#underWay++
    ledger.sent()
    ledger.full = Math.max(ledger.full, now) + this.#interval
    return {
      ok: true,
      waitedMs: now - since,
      end: received => {
        this.#underWay--
        if (!received) ledger.full -= this.#interval
        ledger.ended(this.#timing.monotonic(), received, this.#settings.rate !== undefined)
      },
    }
  }

  #advance(): void {
    if (this.#queue.length === 0) return
    const now = this.#timing.monotonic()
    const { maxWait } = this.#settings
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (this.#nextAt(now) <= now) first.resolve(this.#take(first.since, now))
      else if (first.since + maxWait <= now)
        first.resolve(this.#refusal(now, `its turn did not come within ${maxWait} ms`))
      else break
      this.#queue.shift()
    }
    this.#arm(now)
  }

  /** Looks again when the first may go, or has waited long enough. */
  #arm(now: number): void {
    this.#cancel?.()
    this.#cancel = undefined
    const [first] = this.#queue
    if (first === undefined) {
      this.#ledger.wake.delete(this.#look)
      return
    }
    const at = Math.min(this.#nextAt(now), first.since + this.#settings.maxWait)
    this.#cancel = this.#timing.after(Math.max(1, at - now), this.#look)
  }

  #refusal(now: number, why: string): UpstreamFailure {
    const next = this.#nextAt(now)
    const ms = Math.max(Number.isFinite(next) ? next - now : 0, this.#soonest(now) - now, 1)
    return {
      ok: false,
      code: 'forward.paced',
      message: why,
      unsent: true,
      evidence: { waiting: this.#queue.length, 'under-way': this.#underWay },
      headers: [['Retry-After', String(Math.ceil(ms / 1000))]],
    }
  }
}
