import { setImmediate } from 'node:timers/promises'

/** Computations over one request, at most. */
export const MOST_TRIED = 5_000
/** Bytes hashed for one request, at most: a tenth of a second or so. */
export const MOST_BYTES = 64 * 1024 * 1024

/** Bytes of work, some milliseconds, after which requests have their turn. */
const TURN_BYTES = 1024 * 1024
/** What a computation costs beside its bytes. */
const EACH_BYTES = 2048

/** What explaining one request may cost. It is counted, not timed, so that the same request always gives the same answer. */
export class Budget {
  tried = 0
  bytes = 0
  /** Since the last turn. */
  #worked = 0
  readonly #mostTried: number
  readonly #mostBytes: number

  constructor(mostTried: number = MOST_TRIED, mostBytes: number = MOST_BYTES) {
    this.#mostTried = mostTried
    this.#mostBytes = mostBytes
  }

  /** Whether there is room for one more computation over so many bytes; if so, it is counted. */
  take(bytes: number): boolean {
    if (this.tried >= this.#mostTried || this.bytes + bytes > this.#mostBytes) return false
    this.tried++
    this.bytes += bytes
    this.#worked += bytes + EACH_BYTES
    return true
  }

  /** Lets the requests that wait have their turn, where it is time: the gate goes on while it explains. */
  async breathe(): Promise<void> {
    if (this.#worked < TURN_BYTES) return
    this.#worked = 0
    await setImmediate()
  }
}
