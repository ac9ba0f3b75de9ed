import type { Ledger, PaceLimits } from '../core/stores.ts'
import { ANSWERED, ANSWERS, FULL, HELD, type LedgerViews, SETTLED, TAKEN, TOP, WRITTEN } from './ledger-memory.ts'
import { Lock } from './lock.ts'
import type { Seat } from './seats.ts'

/** Answers of a rate up to this are told apart; those of a higher one, by so many parts of its period. */
const PARTS = 1000

/** Milliseconds that another worker's request has to have waited longer, to go first: below, none stands idle for order. */
const FAIR_MS = 20
/** Milliseconds that a worker may be late to look, before it is passed by. */
const GRACE_MS = 50
const YIELD_MS = 2

// Nobody wakes another worker: whoever waits looks again after an eighth of its wait, within these milliseconds.
const POLL_MS = { first: 2, last: 25 }

/**
 * What several threads send to one receiver. Each has what it has under way at its seat, so that it counts as answered
 * when the thread dies: it may have been received. A thread may die between any two writes: what is sent is counted
 * before, and what has been answered is written before it ceases to be under way, so that nothing is ever counted less.
 */
export class SharedLedger implements Ledger {
  readonly #views: LedgerViews
  readonly #seat: Seat
  readonly #lock: Lock
  readonly wake = new Set<() => void>()

  constructor(views: LedgerViews, seat: Seat) {
    this.#views = views
    this.#seat = seat
    this.#lock = new Lock(views.lock, 0, seat)
    this.#enter()
    this.#settle()
    views.lives[seat.number] = seat.life
    if (seat.number >= this.#word(TOP)) views.head[TOP] = seat.number + 1
    this.#lock.release()
  }

  get underWay(): number {
    let sum = 0
    const top = this.#word(TOP)
    for (let seat = 0; seat < top; seat++) sum += this.#views.underWay[seat] ?? 0
    return sum
  }

  get heldUntil(): number {
    return this.#views.numbers[HELD] ?? 0
  }

  take(now: number, since: number, limits: PaceLimits): number {
    const { numbers, underWay, lives, looksAt, since: waiting } = this.#views
    const me = this.#seat.number
    this.#enter()
    // Also where it has been closed: those who still wait come under a config that is no more.
    lives[me] = this.#seat.life
    let at = this.#nextAt(now, limits)
    if (at <= now && this.#isBehind(now, since)) at = now + YIELD_MS
    if (at <= now) {
      underWay[me] = (underWay[me] ?? 0) + 1
      numbers[FULL] = Math.max(numbers[FULL] ?? 0, now) + limits.interval
      waiting[me] = 0
    } else {
      at = Math.min(at, now + Math.min(POLL_MS.last, Math.max(POLL_MS.first, (now - since) / 8)))
      looksAt[me] = at
      waiting[me] = since
    }
    this.#lock.release()
    return at
  }

  untake({ interval }: PaceLimits): void {
    this.#enter()
    this.#end()
    this.#views.numbers[FULL] = (this.#views.numbers[FULL] ?? 0) - interval
    this.#lock.release()
  }

  leave(): void {
    this.#views.since[this.#seat.number] = 0
  }

  nextAt(now: number, limits: PaceLimits): number {
    this.#enter()
    const at = this.#nextAt(now, limits)
    this.#lock.release()
    return at
  }

  ended(now: number, received: boolean, limits: PaceLimits): void {
    if (received) {
      this.#enter()
      if (limits.interval > 0) this.#answer(now, 1, limits)
      this.#end()
      this.#lock.release()
    } else this.untake(limits)
    for (const wake of this.wake) wake()
  }

  hold(until: number): void {
    this.#enter()
    if (until > this.heldUntil) this.#views.numbers[HELD] = until
    this.#lock.release()
  }

  close(): void {
    const { lives, underWay } = this.#views
    this.leave()
    if (underWay[this.#seat.number] === 0) lives[this.#seat.number] = 0
  }

  /** Requests that count now. */
  counted(now: number, period: number): number {
    this.#enter()
    this.#forget(now, period)
    const sum = this.#word(ANSWERED) + this.underWay
    this.#lock.release()
    return sum
  }

  #word(at: number): number {
    return this.#views.head[at] ?? 0
  }

  #enter(): void {
    if (this.#lock.acquire()) this.#repair()
    if (this.#word(SETTLED) !== this.#seat.seats.deaths) this.#settle()
  }

  #nextAt(now: number, { count, period, interval, burst, concurrency }: PaceLimits): number {
    const { numbers, times } = this.#views
    const underWay = this.underWay
    if (underWay >= concurrency) return Number.POSITIVE_INFINITY
    if (interval === 0) return this.heldUntil
    this.#forget(now, period)
    let room = 0
    if (this.#word(ANSWERED) + underWay >= count) {
      const taken = this.#word(TAKEN)
      room = taken === this.#word(WRITTEN) ? Number.POSITIVE_INFINITY : (times[taken & (ANSWERS - 1)] ?? 0) + period
    }
    return Math.max(room, this.heldUntil, (numbers[FULL] ?? 0) - (burst - 1) * interval)
  }

  /** Whether another worker's request has waited longer, and that worker is there to send it. */
  #isBehind(now: number, since: number): boolean {
    const { since: waiting, looksAt } = this.#views
    const top = this.#word(TOP)
    for (let seat = 0; seat < top; seat++) {
      const other = waiting[seat] ?? 0
      if (other === 0 || other + FAIR_MS >= since || seat === this.#seat.number) continue
      if (now <= (looksAt[seat] ?? 0) + GRACE_MS) return true
    }
    return false
  }

  #end(): void {
    const { underWay } = this.#views
    const me = this.#seat.number
    underWay[me] = (underWay[me] ?? 0) - 1
  }

  /** @param now when they came; one noted after a later one counts from that, so that the first to go is the oldest */
  #answer(now: number, answers: number, { count, period }: Pick<PaceLimits, 'count' | 'period'>): void {
    const { head, times, counts } = this.#views
    const written = this.#word(WRITTEN)
    const length = (written - this.#word(TAKEN)) | 0
    const last = (written - 1) & (ANSWERS - 1)
    const before = length > 0 ? (times[last] ?? 0) : 0
    const part = period / PARTS
    const time = Math.max(before, count <= ANSWERS ? now : Math.ceil(now / part) * part)
    if (length > 0 && (time === before || length === ANSWERS)) {
      times[last] = time
      counts[last] = (counts[last] ?? 0) + answers
    } else {
      const next = written & (ANSWERS - 1)
      times[next] = time
      counts[next] = answers
      head[WRITTEN] = written + 1
    }
    head[ANSWERED] = this.#word(ANSWERED) + answers
  }

  #forget(now: number, period: number): void {
    const { head, times, counts } = this.#views
    for (let taken = this.#word(TAKEN); taken !== this.#word(WRITTEN); taken = this.#word(TAKEN)) {
      const oldest = taken & (ANSWERS - 1)
      if ((times[oldest] ?? 0) + period > now) return
      head[ANSWERED] = this.#word(ANSWERED) - (counts[oldest] ?? 0)
      head[TAKEN] = taken + 1
    }
  }

  /** What the dead had under way was answered when they died. */
  #settle(): void {
    const { head, since, underWay, lives } = this.#views
    const { seats } = this.#seat
    const { deaths } = seats
    const top = this.#word(TOP)
    for (let seat = 0; seat < top; seat++) {
      if (lives[seat] === 0 || lives[seat] === seats.lifeOf(seat)) continue
      const left = underWay[seat] ?? 0
      if (left > 0) this.#answer(seats.diedAt(seat), left, EACH)
      underWay[seat] = 0
      since[seat] = 0
      lives[seat] = 0
    }
    head[SETTLED] = deaths
  }

  /** What is made of the rest. */
  #repair(): void {
    const { head, counts } = this.#views
    let sum = 0
    for (let entry = this.#word(TAKEN); entry !== this.#word(WRITTEN); entry = (entry + 1) | 0)
      sum += counts[entry & (ANSWERS - 1)] ?? 0
    head[ANSWERED] = sum
  }
}

/** Answers that are told apart. */
const EACH = { count: 1, period: 0 }
