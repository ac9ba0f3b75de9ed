import type { RouteFacts, Span } from '../../observe/otlp/spans.ts'
import { spanCount, spansOf } from '../../observe/otlp/spans.ts'
import type { EndedRequest } from '../../observe/otlp/tracing.ts'
import type { TelemetryCounts } from '../../observe/telemetry-metrics.ts'
import type { Exported } from './exporter.ts'

/** Requests that wait to be sent; one more is dropped. */
const MOST = 8_192
/** Of one message. */
const BATCH = 512
/** Milliseconds that a request waits for others. */
const GATHER_MS = 2_000

type Send = (spans: readonly Span[]) => Promise<Exported>

/** Gathers requests that have ended, and sends their spans in batches, one after the other. */
export class SpanQueue {
  readonly counts: TelemetryCounts = { exported: 0, failed: 0, dropped: 0 }
  readonly #waiting: { readonly ended: EndedRequest; readonly route: RouteFacts | undefined }[] = []
  #send: Send | undefined
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  /** Spans that are being sent, of which nothing is known yet. */
  #underWay = 0

  /** @param send `undefined`: what waits is dropped */
  use(send: Send | undefined): void {
    this.#send = send
  }

  push(ended: EndedRequest, route: RouteFacts | undefined): void {
    if (this.#waiting.length >= MOST) {
      this.counts.dropped += spanCount(ended, route)
      return
    }
    this.#waiting.push({ ended, route })
    if (this.#waiting.length >= BATCH) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref()
  }

  /** Resolves once what waits now has been sent or given up. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined
    })
    await this.#sending
  }

  /** Counts what waits, or has no answer, as failed: the thread ends. */
  giveUp(): void {
    for (const { ended, route } of this.#waiting.splice(0)) this.counts.failed += spanCount(ended, route)
    this.counts.failed += this.#underWay
    this.#underWay = 0
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH)
      try {
        await this.#sendBatch(batch.flatMap(({ ended, route }) => spansOf(ended, route)))
      } catch {
        // A fault of the gate must not end it; the count shows it.
        for (const { ended, route } of batch) this.counts.failed += spanCount(ended, route)
      }
    }
  }

  async #sendBatch(spans: readonly Span[]): Promise<void> {
    if (this.#send === undefined) {
      this.counts.dropped += spans.length
      return
    }
    this.#underWay = spans.length
    const { failed } = await this.#send(spans).catch(() => ({ failed: spans.length }))
    if (this.#underWay === 0) return
    this.#underWay = 0
    this.counts.failed += failed
    this.counts.exported += spans.length - failed
  }
}
