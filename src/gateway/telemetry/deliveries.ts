import type { Timing } from '../../forward/timing.ts'
import type { Log } from '../../observe/log.ts'
import type { TelemetryReading } from '../../observe/telemetry-metrics.ts'

/** While it goes on it is told again so often at most. Milliseconds. */
const AGAIN_MS = 600_000

/**
 * Tells the operator that telemetry is not delivered, and that it is again: one line for all that has one cause, whichever
 * thread met it and whatever it was sending.
 */
export class Deliveries {
  readonly #log: Log
  readonly #timing: Pick<Timing, 'monotonic'>
  /** By remedy: when it was told of. Empty: all is delivered. */
  readonly #told = new Map<string, number>()
  /** Spans that were lost when all was delivered last: a worker tells of the first loss together with its cause. */
  #before = 0
  /** Those that have been told of. */
  #toldLost = 0

  constructor(log: Log, timing: Pick<Timing, 'monotonic'>) {
    this.#log = log
    this.#timing = timing
  }

  /** @param reading of all threads */
  look(reading: TelemetryReading): void {
    const { spans, metrics } = reading.trouble
    if (spans === undefined && metrics === undefined) {
      this.#works(reading)
      return
    }
    const now = this.#timing.monotonic()
    for (const trouble of [spans, metrics]) {
      const at = trouble && this.#told.get(trouble.remedy)
      if (trouble === undefined || (at !== undefined && now - at < AGAIN_MS)) continue
      this.#told.set(trouble.remedy, now)
      this.#tell(trouble, reading)
    }
  }

  /** Tells at the end of what was lost since it was told last. */
  end(reading: TelemetryReading): void {
    const trouble = reading.trouble.spans ?? reading.trouble.metrics
    if (trouble && (this.#told.size === 0 || lostOf(reading) > this.#toldLost)) this.#tell(trouble, reading)
  }

  /** Telemetry is not wanted any more. */
  forget(): void {
    this.#told.clear()
  }

  #tell({ to, said, remedy }: { to: string; said: string; remedy: string }, reading: TelemetryReading): void {
    this.#toldLost = lostOf(reading)
    this.#log.warn('telemetry not delivered', { to, said, 'spans-lost': this.#toldLost - this.#before, remedy })
  }

  #works(reading: TelemetryReading): void {
    const lost = lostOf(reading)
    if (this.#told.size > 0) this.#log.info('telemetry delivered again', { 'spans-lost': lost - this.#before })
    this.#told.clear()
    this.#before = lost
  }
}

const lostOf = ({ spans }: TelemetryReading): number => spans.failed + spans.dropped
