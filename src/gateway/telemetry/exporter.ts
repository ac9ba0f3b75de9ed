import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { quietOf } from '../../forward/receiver-limits.ts'
import type { Timing } from '../../forward/timing.ts'
import type { Log } from '../../observe/log.ts'
import { type Outlet, saidBy } from '../outlet.ts'

const compress = promisify(gzip)
const FIRST_MS = 1_000
const LONGEST_MS = 30_000
/** A batch is given up after this time. Milliseconds. */
const PATIENCE_MS = 60_000
/** Statuses after which the same may be sent again: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** How many of a batch were not taken. */
export interface Exported {
  readonly failed: number
}

/** Sends batches to one path of an OTLP/HTTP receiver. */
export class Exporter {
  readonly #outlet: Outlet
  readonly #path: string
  readonly #headers: readonly string[]
  readonly #log: Log
  readonly #timing: Timing
  /** One line tells that it does not work, and one that it works again. */
  #failing = false
  #ended = false

  constructor(outlet: Outlet, path: string, headers: readonly string[], log: Log, timing: Timing) {
    this.#outlet = outlet
    this.#path = path
    this.#headers = headers
    this.#log = log
    this.#timing = timing
  }

  /** No more attempts after those under way. */
  end(): void {
    this.#ended = true
  }

  /** Sends a message until it is taken or given up. Does not reject. @param count of what is in it */
  async send(message: object, count: number): Promise<Exported> {
    const body = await compress(JSON.stringify(message))
    const since = this.#timing.monotonic()
    for (let attempt = 0; ; attempt++) {
      const { again, said, afterMs, rejected } = await this.#attempt(body)
      if (said === undefined) {
        this.#works()
        return { failed: Math.min(count, rejected) }
      }
      this.#fails(said)
      const pause = Math.max(afterMs, Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.8 + Math.random() * 0.4))
      if (!again || this.#ended || this.#timing.monotonic() + pause - since > PATIENCE_MS) return { failed: count }
      await new Promise<void>(resolve => this.#timing.after(pause, resolve))
    }
  }

  async #attempt(body: Buffer): Promise<{
    readonly again: boolean
    readonly said: string | undefined
    readonly afterMs: number
    readonly rejected: number
  }> {
    const headers = [...this.#headers, 'Content-Type', 'application/json', 'Content-Encoding', 'gzip']
    const answer = await this.#outlet.post(this.#path, headers, body)
    if (!answer.ok) return { again: true, said: answer.message, afterMs: 0, rejected: 0 }
    const { status } = answer
    const text = saidBy(answer)
    if (status >= 200 && status < 300)
      return { again: false, said: undefined, afterMs: 0, rejected: this.#rejected(text) }
    const afterMs = quietOf(status, answer.headers, this.#timing.now())
    return { again: PASSING.has(status), said: `it answered ${status}`, afterMs, rejected: 0 }
  }

  /** What a receiver took in part is not sent again: https://opentelemetry.io/docs/specs/otlp/#partial-success-1. */
  #rejected(text: string): number {
    const part = /"rejected(?:Spans|DataPoints)"\s*:\s*"?(\d{1,9})"?/.exec(text)?.[1]
    const rejected = Number(part ?? 0)
    if (rejected > 0) this.#fails(`it rejected ${rejected}: ${text.slice(0, 500)}`)
    return rejected
  }

  #fails(said: string): void {
    if (this.#failing) return
    this.#failing = true
    this.#log.warn('telemetry not delivered', {
      to: `${this.#outlet.host}${this.#path}`,
      said,
      remedy: 'See whether telemetry.otlp.endpoint is an OTLP/HTTP receiver (port 4318 by custom) that takes JSON.',
    })
  }

  #works(): void {
    if (!this.#failing) return
    this.#failing = false
    this.#log.info('telemetry delivered again', { to: `${this.#outlet.host}${this.#path}` })
  }
}
