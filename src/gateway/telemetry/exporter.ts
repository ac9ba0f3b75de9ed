import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { quietOf } from '../../forward/receiver-limits.ts'
import type { Timing } from '../../forward/timing.ts'
import type { TelemetryTrouble } from '../../observe/telemetry-metrics.ts'
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

/** One path of an OTLP/HTTP receiver. */
export interface Destination {
  readonly outlet: Pick<Outlet, 'host' | 'post'>
  readonly path: string
  readonly headers: readonly string[]
}

/** How one attempt ended; `wrong` is there where it was not wholly taken. */
interface Attempt {
  readonly again: boolean
  readonly taken: boolean
  readonly afterMs: number
  readonly rejected: number
  readonly wrong?: Omit<TelemetryTrouble, 'to'>
}

/** Sends messages of one kind to where the config in force says. It outlives a reload, with what waits. */
export class Exporter {
  readonly #timing: Timing
  readonly #tried: () => void
  #to: Destination | undefined
  #trouble: TelemetryTrouble | undefined
  #ended = false
  /** Ends the wait before the next attempt. */
  #wake: (() => void) | undefined

  /** @param tried is called after each attempt: whether it works may have changed */
  constructor(timing: Timing, tried: () => void) {
    this.#timing = timing
    this.#tried = tried
  }

  /** Of the last attempt; `undefined`: it works. */
  get trouble(): TelemetryTrouble | undefined {
    return this.#trouble
  }

  /** What waits goes there, and at once: it may be what mends it. @param to `undefined`: nowhere, it is given up */
  use(to: Destination | undefined): void {
    // What was wrong before telemetry was taken out says nothing of where it goes now.
    if (this.#to === undefined) this.#trouble = undefined
    this.#to = to
    this.#wake?.()
  }

  /** What waits is tried a last time. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** Sends a message until it is taken or given up. Does not reject. @param count of what is in it */
  async send(message: object, count: number): Promise<Exported> {
    const body = await compress(JSON.stringify(message))
    const since = this.#timing.monotonic()
    for (let attempt = 0; this.#to !== undefined; attempt++) {
      const to = this.#to
      const { again, taken, afterMs, rejected, wrong } = await this.#attempt(to, body)
      this.#trouble = wrong && { to: `${to.outlet.host}${to.path}`, ...wrong }
      this.#tried()
      if (taken) return { failed: Math.min(count, rejected) }
      const pause = Math.max(afterMs, Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.8 + Math.random() * 0.4))
      if (!again || this.#ended || this.#timing.monotonic() + pause - since > PATIENCE_MS) break
      await this.#wait(pause)
    }
    return { failed: count }
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#timing.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }

  async #attempt({ outlet, path, headers }: Destination, body: Buffer): Promise<Attempt> {
    const all = [...headers, 'Content-Type', 'application/json', 'Content-Encoding', 'gzip']
    const answer = await outlet.post(path, all, body)
    if (!answer.ok) {
      const remedy = `See whether ${outlet.host} is reached from this host, and is an OTLP/HTTP receiver (port 4318 by custom).`
      return { again: true, taken: false, afterMs: 0, rejected: 0, wrong: { said: answer.message, remedy } }
    }
    const { status } = answer
    const text = saidBy(answer)
    if (status >= 200 && status < 300) return { again: false, taken: true, afterMs: 0, ...rejectedBy(text) }
    const afterMs = quietOf(status, answer.headers, this.#timing.now())
    const again = PASSING.has(status)
    const wrong = { said: `it answered ${status}`, remedy: remedyOf(status) }
    return { again, taken: false, afterMs, rejected: 0, wrong }
  }
}

/** What a receiver took in part is not sent again: https://opentelemetry.io/docs/specs/otlp/#partial-success-1. */
function rejectedBy(text: string): Pick<Attempt, 'rejected' | 'wrong'> {
  const part = /"rejected(?:Spans|DataPoints)"\s*:\s*"?(\d{1,9})"?/.exec(text)?.[1]
  const rejected = Number(part ?? 0)
  if (rejected === 0) return { rejected }
  const remedy =
    'What it said tells why, where it gave a reason. The rest was taken, and what was rejected is not sent again.'
  return { rejected, wrong: { said: `it rejected ${rejected}: ${text.slice(0, 500)}`, remedy } }
}

function remedyOf(status: number): string {
  if (status === 401 || status === 403)
    return 'See whether headers, bearer or basic under telemetry.otlp hold what the receiver asks for.'
  return PASSING.has(status)
    ? 'It is sent again for a minute; see to the receiver where this goes on.'
    : 'See whether telemetry.otlp.endpoint is an OTLP/HTTP receiver (port 4318 by custom) that takes JSON.'
}
