import { Counter, Gauge, type Registry } from 'prom-client'

/** What one document by URL has counted. */
export interface RemoteReading {
  /** Its URL without a query. */
  readonly document: string
  /** New copies taken. */
  readonly fetched: number
  /** Asked for, and the same as before. */
  readonly unchanged: number
  /** Not to be had, or not taken. */
  readonly failed: number
  /** Milliseconds since the server last confirmed the copy; `undefined` where there is none. */
  readonly ageMs: number | undefined
}

/** @param read at each scrape. */
export function addRemoteMetrics(registry: Registry, read: () => Iterable<RemoteReading>): void {
  const registers = [registry]
  new Counter({
    name: 'sallyport_document_fetches_total',
    help: 'Fetches of documents by URL (key sets, network feeds) by result: fetched, unchanged or failed.',
    labelNames: ['document', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { document, ...counts } of read())
        for (const result of ['fetched', 'unchanged', 'failed'] as const) this.inc({ document, result }, counts[result])
    },
  })
  new Gauge({
    name: 'sallyport_document_age_seconds',
    help: 'Since the server last confirmed the copy of a document in force.',
    labelNames: ['document'],
    registers,
    collect() {
      this.reset()
      for (const { document, ageMs } of read()) if (ageMs !== undefined) this.set({ document }, ageMs / 1000)
    },
  })
}
