import { Counter, Gauge, Registry } from 'prom-client'
import { type Clock, systemClock } from '../core/clock.ts'
import type { AuditRecord } from './audit.ts'
import { addBridgeMetrics, type BridgeReading } from './bridge-metrics.ts'
import type { ExpiryReading } from './expiry.ts'
import { addProcessMetrics } from './process-metrics.ts'
import { addRemoteMetrics, type RemoteReading } from './remote-metrics.ts'
import { RouteCounters } from './route-counters.ts'
import { Timings } from './timings.ts'

/** Counted by whoever holds the sockets; plain numbers, so that counting costs nothing. */
export interface ListenerCounters {
  /** Open connections. */
  connections: number
  /** Requests that are not answered yet. */
  inFlight: number
}

export interface Metrics {
  /** Counts one finished request. */
  record(record: AuditRecord): void
  /** Names the routes in force. The counts of a route stay for one reload after it has gone. */
  setRoutes(
    routes: Iterable<{
      readonly name: string
      readonly online: boolean
      /** The names of its secrets, tokens and keys. */
      readonly keys?: readonly string[]
    }>,
  ): void
  /** How often a key of a route was used since `countingSince`, and when last; `undefined` where it is not told apart. */
  keyUse(route: string, key: string): { readonly uses: number; readonly usedAt: number | undefined } | undefined
  /** Epoch milliseconds. */
  readonly countingSince: number
  /** The counters of a listener, made when first asked for. */
  listener(name: string): ListenerCounters
  /** Drops listeners that are no longer there. */
  setListeners(names: Iterable<string>): void
  reloaded(ok: boolean): void
  /** Hands in where to read what ends when, at each scrape. */
  watchExpiries(read: () => Iterable<ExpiryReading>): void
  /** Hands in where to read the documents by URL. */
  watchRemotes(read: () => Iterable<RemoteReading>): void
  /** Hands in where to read how bridges stand. */
  watchBridges(read: () => Iterable<BridgeReading>): void
  /** Hands in where to read the lines that the log lost. */
  watchLog(dropped: () => number): void
  readonly contentType: string
  /** The Prometheus text format. */
  render(): Promise<string>
}

export interface MetricsOptions {
  readonly version: string
  readonly clock?: Clock
}

/** The metrics of one gate. Labels come from the config and the catalogue of codes, never from a request. */
export function createMetrics({ version, clock = systemClock }: MetricsOptions): Metrics {
  const registry = new Registry()
  const registers = [registry]
  // Requests that matched no route count under the empty name.
  const unmatched = new RouteCounters()
  let routes = new Map<string, RouteCounters>()
  let current = new Set<string>()
  const listeners = new Map<string, ListenerCounters>()
  const reloads = { ok: 0, failed: 0, at: clock.now(), successful: true }
  let expiries: () => Iterable<ExpiryReading> = () => []
  let remotes: () => Iterable<RemoteReading> = () => []
  let bridges: () => Iterable<BridgeReading> = () => []
  let dropped = () => 0

  function* all(): Generator<readonly [route: string, counters: RouteCounters]> {
    yield ['', unmatched]
    yield* routes
  }
  function* timings(which: 'total' | 'upstream') {
    for (const [route, counters] of all()) if (counters[which].count > 0) yield [route, counters[which]] as const
  }

  new Counter({
    name: 'sallyport_requests_total',
    help: 'Requests by route, outcome and refusal code; the empty route is what matched none.',
    labelNames: ['route', 'outcome', 'code'],
    registers,
    collect() {
      this.reset()
      for (const [route, counters] of all())
        for (const [outcome, code, value] of counters.outcomes()) this.inc({ route, outcome, code }, value)
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
      for (const [route, counters] of all())
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
      for (const [route, counters] of all())
        for (const [key, { usedAt }] of counters.keys) this.set({ route, key }, usedAt / 1000)
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
        for (const [route, counters] of all()) this.inc({ route }, counters[field])
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
        for (const [listener, counters] of listeners) this.set({ listener }, counters[field])
      },
    })
  new Gauge({
    name: 'sallyport_route_online',
    help: '1 where the route serves, 0 where a missing resource keeps it offline (503).',
    labelNames: ['route'],
    registers,
    collect() {
      this.reset()
      for (const route of current) this.set({ route }, routes.get(route)?.online ? 1 : 0)
    },
  })
  new Gauge({
    name: 'sallyport_expires_seconds',
    help: 'Seconds until a certificate, CRL, token or secret ends; negative once it has.',
    labelNames: ['kind', 'name'],
    registers,
    collect() {
      this.reset()
      for (const { kind, name, seconds } of expiries()) this.set({ kind, name }, seconds)
    },
  })
  new Counter({
    name: 'sallyport_config_reloads_total',
    help: 'Reloads by result; a failed one left the old config in force.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset()
      this.inc({ result: 'ok' }, reloads.ok)
      this.inc({ result: 'failed' }, reloads.failed)
    },
  })
  new Gauge({
    name: 'sallyport_config_last_reload_successful',
    help: '1 where the last reload was taken.',
    registers,
    collect() {
      this.set(reloads.successful ? 1 : 0)
    },
  })
  new Gauge({
    name: 'sallyport_config_last_reload_success_timestamp_seconds',
    help: 'When the config in force was loaded, Unix time.',
    registers,
    collect() {
      this.set(reloads.at / 1000)
    },
  })
  new Counter({
    name: 'sallyport_log_lines_dropped_total',
    help: 'Log lines lost because their reader stalled or has gone.',
    registers,
    collect() {
      this.reset()
      this.inc(dropped())
    },
  })
  new Gauge({
    name: 'sallyport_build_info',
    help: 'Always 1; its labels tell what runs.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.versions.node }, 1)
  addRemoteMetrics(registry, () => remotes())
  addBridgeMetrics(registry, () => bridges())
  addProcessMetrics(registry)

  return {
    record(record) {
      const counters = record.route === undefined ? unmatched : (routes.get(record.route) ?? unmatched)
      counters.add(record, clock.now())
    },
    setRoutes(named) {
      const next = new Map<string, RouteCounters>()
      for (const name of current) next.set(name, routes.get(name) ?? new RouteCounters())
      current = new Set()
      for (const { name, online, keys = [] } of named) {
        const counters = routes.get(name) ?? new RouteCounters()
        counters.online = online
        counters.expectKeys(keys)
        next.set(name, counters)
        current.add(name)
      }
      routes = next
    },
    keyUse(route, key) {
      const found = routes.get(route)?.keys.get(key)
      return found && { uses: found.value, usedAt: found.usedAt === 0 ? undefined : found.usedAt }
    },
    countingSince: reloads.at,
    listener(name) {
      const known = listeners.get(name)
      if (known) return known
      const counters = { connections: 0, inFlight: 0 }
      listeners.set(name, counters)
      return counters
    },
    setListeners(names) {
      const kept = new Set(names)
      for (const name of listeners.keys()) if (!kept.has(name)) listeners.delete(name)
    },
    reloaded(ok) {
      reloads[ok ? 'ok' : 'failed']++
      reloads.successful = ok
      if (ok) reloads.at = clock.now()
    },
    watchExpiries(read) {
      expiries = read
    },
    watchBridges(read) {
      bridges = read
    },
    watchRemotes(read) {
      remotes = read
    },
    watchLog(read) {
      dropped = read
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  }
}
