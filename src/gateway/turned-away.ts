import type { Clock } from '../core/clock.ts'
import type { Log } from '../observe/log.ts'

/** While it goes on it is told again so often at most. Milliseconds. */
const AGAIN_MS = 600_000

/** Tells of connections that a full listener has closed: no request is read of them, so that nothing else does. */
export class TurnedAway {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'monotonic'>
  /** By listener. */
  readonly #told = new Map<string, { at: number; since: number }>()

  constructor(log: Log, clock: Pick<Clock, 'monotonic'>) {
    this.#log = log
    this.#clock = clock
  }

  /** One more. @param limit how many connections the listener takes at once */
  count(listener: string, limit: number): void {
    const now = this.#clock.monotonic()
    const told = this.#told.get(listener)
    if (told !== undefined) {
      told.since++
      if (now - told.at < AGAIN_MS) return
    }
    this.#log.warn('connections turned away', {
      listener,
      limit,
      ...(told === undefined ? {} : { closed: told.since }),
      remedy:
        'As many are open as are let in. See who holds so many, and whether limits.idle is long; else raise limits.connections of the listener, or add a worker.',
    })
    this.#told.set(listener, { at: now, since: 0 })
  }
}
