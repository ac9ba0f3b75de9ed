import { Counter, Gauge, type Registry } from 'prom-client'

/** What one name's certificate over ACME has counted. */
export interface AcmeReading {
  readonly name: string
  readonly obtained: number
  /** Attempts that gave none. */
  readonly failed: number
  /** Whether there is a certificate at all. */
  readonly held: boolean
}

/** @param read at each scrape. */
export function addAcmeMetrics(registry: Registry, read: () => Iterable<AcmeReading>): void {
  const registers = [registry]
  new Counter({
    name: 'sallyport_acme_orders_total',
    help: 'Attempts to obtain a certificate over ACME by result: obtained or failed.',
    labelNames: ['name', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { name, obtained, failed } of read()) {
        this.inc({ name, result: 'obtained' }, obtained)
        this.inc({ name, result: 'failed' }, failed)
      }
    },
  })
  new Gauge({
    name: 'sallyport_acme_certificate',
    help: '1 where the certificate of a name is there, 0 where TLS handshakes for it fail.',
    labelNames: ['name'],
    registers,
    collect() {
      this.reset()
      for (const { name, held } of read()) this.set({ name }, held ? 1 : 0)
    },
  })
}
