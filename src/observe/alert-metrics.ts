import { Counter, Gauge, type Registry } from 'prom-client'

/** What one receiver of alerts has counted. */
export interface AlertCounts {
  delivered: number
  /** Attempts that were not taken, and are made again. */
  retried: number
  /** Given up. */
  failed: number
  /** Pushed out of a full queue. */
  dropped: number
}

export interface AlertReading {
  readonly receivers: Iterable<{ readonly name: string; readonly waiting: number; readonly counts: AlertCounts }>
  /** By rule: how many alerts last. */
  readonly active: ReadonlyMap<string, number>
}

const RESULTS = ['delivered', 'retried', 'failed', 'dropped'] as const

/** @param read at each scrape; `undefined` where no alerts are configured. */
export function addAlertMetrics(registry: Registry, read: () => AlertReading | undefined): void {
  const registers = [registry]
  new Counter({
    name: 'sallyport_alert_messages_total',
    help: 'Messages of alerts by receiver and result: delivered, retried, failed (given up) or dropped (the queue was full).',
    labelNames: ['receiver', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { name, counts } of read()?.receivers ?? [])
        for (const result of RESULTS) this.inc({ receiver: name, result }, counts[result])
    },
  })
  new Gauge({
    name: 'sallyport_alert_messages_waiting',
    help: 'Messages of alerts that wait to be delivered.',
    labelNames: ['receiver'],
    registers,
    collect() {
      this.reset()
      for (const { name, waiting } of read()?.receivers ?? []) this.set({ receiver: name }, waiting)
    },
  })
  new Gauge({
    name: 'sallyport_alerts_active',
    help: 'Alerts that have started and not ended, by rule.',
    labelNames: ['rule'],
    registers,
    collect() {
      this.reset()
      for (const [rule, count] of read()?.active ?? []) this.set({ rule }, count)
    },
  })
}
