import { Counter, type Registry } from 'prom-client'

/** What has become of telemetry, by what it is. */
export interface TelemetryReading {
  readonly spans: TelemetryCounts
  readonly metrics: TelemetryCounts
  /** What is not taken at present, and why; nothing here: all is. */
  readonly trouble: { readonly spans?: TelemetryTrouble; readonly metrics?: TelemetryTrouble }
}

/** Why telemetry of one kind is not delivered. */
export interface TelemetryTrouble {
  /** Host and path of the receiver. */
  readonly to: string
  readonly said: string
  /** The same for the same cause, whatever was said. */
  readonly remedy: string
}

/** Spans, or sendings of metrics. */
export interface TelemetryCounts {
  exported: number
  /** Given up, or not wanted by the receiver. */
  failed: number
  /** Not taken into a full queue. */
  dropped: number
}

const RESULTS = ['exported', 'failed', 'dropped'] as const

/** @param read at each scrape; `undefined` where none is configured. */
export function addTelemetryMetrics(registry: Registry, read: () => TelemetryReading | undefined): void {
  new Counter({
    name: 'sallyport_telemetry_total',
    help: 'Spans and sendings of metrics by OTLP, by result: exported, failed (given up) or dropped (the queue was full).',
    labelNames: ['signal', 'result'],
    registers: [registry],
    collect() {
      this.reset()
      const reading = read()
      if (reading === undefined) return
      for (const signal of ['spans', 'metrics'] as const)
        for (const result of RESULTS) this.inc({ signal, result }, reading[signal][result])
    },
  })
}
