import { Counter, Gauge, Registry } from 'prom-client'
import { type AcmeReading, addAcmeMetrics } from './acme-metrics.ts'
import { type AlertReading, addAlertMetrics } from './alert-metrics.ts'
import { addBridgeMetrics, type BridgeReading } from './bridge-metrics.ts'
import type { ExpiryReading } from './expiry.ts'
import { addProcessMetrics } from './process-metrics.ts'
import { addRemoteMetrics, type RemoteReading } from './remote-metrics.ts'
import type { RouteCounters } from './route-counters.ts'
import { addTelemetryMetrics, type TelemetryReading } from './telemetry-metrics.ts'
import { Timings } from './timings.ts'

/** The threads that take requests. */
export interface WorkersReading {
  readonly running: number
  /** That ended, and whose place others have taken. */
  readonly ended: number
}

/** The counts of one gate, read at each scrape. */
export interface Counts {
  readonly version: string
  /** Every route that counts are kept of, those gone with the last reload as well; the empty name is what matched none. */
  all(): Iterable<readonly [route: string, counters: RouteCounters]>
  /** The routes in force, and whether each serves. */
  online(): Iterable<readonly [route: string, online: boolean]>
  listeners(): Iterable<
    readonly [listener: string, counters: { readonly connections: number; readonly inFlight: number }]
  >
  /** `at`: when the config in force was loaded, epoch milliseconds. */
  readonly reloads: { readonly ok: number; readonly failed: number; readonly at: number; readonly successful: boolean }
  expiries(): Iterable<ExpiryReading>
  remotes(): Iterable<RemoteReading>
  bridges(): Iterable<BridgeReading>
  acme(): Iterable<AcmeReading>
  /** `undefined` where none are configured. */
  alerts(): AlertReading | undefined
  /** `undefined` where none is configured. */
  telemetry(): TelemetryReading | undefined
  /** Lines that the log lost. */
  dropped(): number
  workers(): WorkersReading
}

/** Describes the counts in the Prometheus text format. Labels come from the config and the catalogue of codes, never from a request. */
export function createExposition(counts: Counts): Registry {
  const registry = new Registry()
  const registers = [registry]
  function* timings(which: 'total' | 'upstream') {
    for (const [route, counters] of counts.all()) if (counters[which].count > 0) yield [route, counters[which]] as const
  }

  new Counter({
    name: 'sallyport_requests_total',
    help: 'Requests by route, outcome and refusal code; the empty route is what matched none.',
    labelNames: ['route', 'outcome', 'code'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of counts.all())
        for (const [outcome, code, value] of counters.outcomes()) this.inc({ route, outcome, code }, value)
    },
  })
  new Counter({
    name: 'sallyport_upstream_answers_total',
    help: "Requests that the upstream answered, by its answer's status.",
    labelNames: ['route', 'status'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of counts.all())
        for (const [status, { value }] of counters.answers) this.inc({ route, status }, value)
    },
  })
  new Counter({
    name: 'sallyport_would_refuse_total',
    help: 'Requests that a check which only reports (mode: report) would have refused, by the code that it would have given.',
    labelNames: ['route', 'check', 'code'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of counts.all())
        for (const [key, { value }] of counters.wouldRefuse) {
          const [check = '', code = ''] = key.split('\n')
          this.inc({ route, check, code }, value)
        }
    },
  })
  new Timings(registry, 'sallyport_request_seconds', 'From the head of a request to the end of its reply.', () =>
    timings('total'),
  )
  new Timings(registry, 'sallyport_upstream_seconds', "From sending upstream to its answer's end.", () =>
    timings('upstream'),
  )
  new Counter({
    name: 'sallyport_verified_total',
    help: 'Requests by the name of the secret, token or key that verified them.',
    labelNames: ['route', 'key'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of counts.all())
        for (const [key, { value }] of counters.keys) this.inc({ route, key }, value)
    },
  })
  new Gauge({
    name: 'sallyport_secret_last_used_timestamp_seconds',
    help: 'When a secret, token or key last verified a request, Unix time; 0: not since the start.',
    labelNames: ['route', 'key'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of counts.all())
        for (const [key, { usedAt }] of counters.keys) this.set({ route, key }, usedAt / 1000)
    },
  })
  new Gauge({
    name: 'sallyport_workers',
    help: 'Workers that take requests.',
    registers,
    collect() {
      this.set(counts.workers().running)
    },
  })
  new Counter({
    name: 'sallyport_workers_ended_total',
    help: 'Workers that ended of a fault; another takes the place of each.',
    registers,
    collect() {
      this.reset()
      this.inc(counts.workers().ended)
    },
  })
  for (const [name, help, field] of [
    ['sallyport_received_bytes_total', 'Bytes of request bodies.', 'bytesIn'],
    ['sallyport_sent_bytes_total', 'Bytes of reply bodies.', 'bytesOut'],
  ] as const)
    new Counter({
      name,
      help,
      labelNames: ['route'],
      registers,
      collect() {
        this.reset()
        for (const [route, counters] of counts.all()) this.inc({ route }, counters[field])
      },
    })
  for (const [name, help, field] of [
    ['sallyport_open_connections', 'Open connections.', 'connections'],
    ['sallyport_requests_in_flight', 'Requests that are not answered yet.', 'inFlight'],
  ] as const)
    new Gauge({
      name,
      help,
      labelNames: ['listener'],
      registers,
      collect() {
        this.reset()
        for (const [listener, counters] of counts.listeners()) this.set({ listener }, counters[field])
      },
    })
  new Gauge({
    name: 'sallyport_route_online',
    help: '1 where the route serves, 0 where a missing resource keeps it offline (503).',
    labelNames: ['route'],
    registers,
    collect() {
      this.reset()
      for (const [route, online] of counts.online()) this.set({ route }, online ? 1 : 0)
    },
  })
  new Gauge({
    name: 'sallyport_expires_seconds',
    help: 'Seconds until a certificate, CRL, token or secret ends; negative once it has.',
    labelNames: ['kind', 'name'],
    registers,
    collect() {
      this.reset()
      for (const { kind, name, seconds } of counts.expiries()) this.set({ kind, name }, seconds)
    },
  })
  new Gauge({
    name: 'sallyport_lifetime_seconds',
    help: 'Seconds from when a certificate or CRL begins to hold until it ends; of secrets and tokens there is none.',
    labelNames: ['kind', 'name'],
    registers,
    collect() {
      this.reset()
      for (const { kind, name, lifetime } of counts.expiries())
        if (lifetime !== undefined) this.set({ kind, name }, lifetime)
    },
  })
  new Counter({
    name: 'sallyport_config_reloads_total',
    help: 'Reloads by result; a failed one left the old config in force.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset()
      this.inc({ result: 'ok' }, counts.reloads.ok)
      this.inc({ result: 'failed' }, counts.reloads.failed)
    },
  })
  new Gauge({
    name: 'sallyport_config_last_reload_successful',
    help: '1 where the last reload was taken.',
    registers,
    collect() {
      this.set(counts.reloads.successful ? 1 : 0)
    },
  })
  new Gauge({
    name: 'sallyport_config_last_reload_success_timestamp_seconds',
    help: 'When the config in force was loaded, Unix time.',
    registers,
    collect() {
      this.set(counts.reloads.at / 1000)
    },
  })
  new Counter({
    name: 'sallyport_log_lines_dropped_total',
    help: 'Log lines lost because their reader stalled or has gone.',
    registers,
    collect() {
      this.reset()
      this.inc(counts.dropped())
    },
  })
  new Gauge({
    name: 'sallyport_build_info',
    help: 'Always 1; its labels tell what runs.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: counts.version, node: process.versions.node }, 1)
  addRemoteMetrics(registry, () => counts.remotes())
  addAcmeMetrics(registry, () => counts.acme())
  addBridgeMetrics(registry, () => counts.bridges())
  addAlertMetrics(registry, () => counts.alerts())
  addTelemetryMetrics(registry, () => counts.telemetry())
  addProcessMetrics(registry)
  return registry
}
