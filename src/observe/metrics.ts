import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client'
import { type Clock, systemClock } from '../core/clock.ts'
import type { AcmeReading } from './acme-metrics.ts'
import type { AlertReading } from './alert-metrics.ts'
import type { AuditRecord } from './audit.ts'
import type { BridgeReading } from './bridge-metrics.ts'
import type { ExpiryReading } from './expiry.ts'
import type { Counts, WorkersReading } from './exposition.ts'
import type { RemoteReading } from './remote-metrics.ts'
import { RouteCounters, type RouteTally } from './route-counters.ts'
import type { TelemetryReading } from './telemetry-metrics.ts'

/** Counted by whoever holds the sockets; plain numbers, so that counting costs nothing. */
export interface ListenerCounters {
  /** Open connections. */
  connections: number
  /** Requests that are not answered yet. */
  inFlight: number
}

export interface Metrics {
  /** Counts one finished request. @param now epoch milliseconds */
  record(record: AuditRecord, now?: number): void
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
  /** What each route has counted, those gone with the last reload as well. */
  routes(): Iterable<readonly [route: string, counters: RouteCounters]>
  /** What the requests that matched no route have counted. */
  readonly unmatched: RouteCounters
  /** The counters of a listener, made when first asked for. */
  listener(name: string): ListenerCounters
  /** Every listener that has counters. */
  listeners(): Iterable<readonly [name: string, counters: ListenerCounters]>
  /** Drops listeners that are no longer there. */
  setListeners(names: Iterable<string>): void
  reloaded(ok: boolean): void
  /** Hands in where to read what ends when, at each scrape. */
  watchExpiries(read: () => Iterable<ExpiryReading>): void
  /** Hands in where to read the documents by URL. */
  watchRemotes(read: () => Iterable<RemoteReading>): void
  /** Hands in where to read how bridges stand. */
  watchBridges(read: () => Iterable<BridgeReading>): void
  /** Hands in where to read the certificates over ACME. */
  watchAcme(read: () => Iterable<AcmeReading>): void
  /** Hands in where to read how alerts stand. */
  watchAlerts(read: () => AlertReading | undefined): void
  /** Hands in where to read what has been sent by OTLP. */
  watchTelemetry(read: () => TelemetryReading | undefined): void
  /** Hands in where to read how many workers there are. */
  watchWorkers(read: () => WorkersReading): void
  /** Hands in what to wait for before anything is read; `undefined`: nothing. */
  watchSync(sync: () => Promise<void> | undefined): void
  /** Adds what another thread has counted of a route; the empty name: of no route. */
  merge(route: string, tally: RouteTally): void
  /** Hands in where to read the lines that the log lost. */
  watchLog(dropped: () => number): void
  readonly contentType: string
  /** The Prometheus text format. */
  render(): Promise<string>
  /** The same as data. */
  read(): Promise<readonly MetricObjectWithValues<MetricValueWithName<string>>[]>
  /** Of the gate. */
  readonly version: string
}

export interface MetricsOptions {
  readonly version: string
  readonly clock?: Clock
}

/** The metrics of one gate. Labels come from the config and the catalogue of codes, never from a request. */
export function createMetrics({ version, clock = systemClock }: MetricsOptions): Metrics {
  // Requests that matched no route count under the empty name.
  const unmatched = new RouteCounters()
  let routes = new Map<string, RouteCounters>()
  let current = new Set<string>()
  const listeners = new Map<string, ListenerCounters>()
  const reloads = { ok: 0, failed: 0, at: clock.now(), successful: true }
  let expiries: () => Iterable<ExpiryReading> = () => []
  let remotes: () => Iterable<RemoteReading> = () => []
  let bridges: () => Iterable<BridgeReading> = () => []
  let acme: () => Iterable<AcmeReading> = () => []
  let alerts: () => AlertReading | undefined = () => undefined
  let telemetry: () => TelemetryReading | undefined = () => undefined
  let dropped = () => 0
  let workers = (): WorkersReading => ({ running: 1, ended: 0 })
  let sync: () => Promise<void> | undefined = () => undefined

  const counts: Counts = {
    version,
    *all() {
      yield ['', unmatched]
      yield* routes
    },
    *online() {
      for (const route of current) yield [route, routes.get(route)?.online === true]
    },
    listeners: () => listeners,
    reloads,
    expiries: () => expiries(),
    remotes: () => remotes(),
    bridges: () => bridges(),
    acme: () => acme(),
    alerts: () => alerts(),
    telemetry: () => telemetry(),
    dropped: () => dropped(),
    workers: () => workers(),
  }
  let registry: Promise<Registry> | undefined
  // prom-client is loaded with the first scrape: a gate starts that much sooner.
  function described(): Promise<Registry> {
    registry ??= import('./exposition.ts').then(({ createExposition }) => createExposition(counts))
    return registry
  }

  return {
    version,
    unmatched,
    record(record, now = clock.now()) {
      const counters = record.route === undefined ? unmatched : (routes.get(record.route) ?? unmatched)
      counters.add(record, now)
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
    routes: () => routes,
    listener(name) {
      const known = listeners.get(name)
      if (known) return known
      const counters = { connections: 0, inFlight: 0 }
      listeners.set(name, counters)
      return counters
    },
    listeners: () => listeners,
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
    watchAcme(read) {
      acme = read
    },
    watchAlerts(read) {
      alerts = read
    },
    watchTelemetry(read) {
      telemetry = read
    },
    watchLog(read) {
      dropped = read
    },
    watchWorkers(read) {
      workers = read
    },
    watchSync(wait) {
      sync = wait
    },
    merge(route, tally) {
      const counters = route === '' ? unmatched : routes.get(route)
      counters?.merge(tally)
    },
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    async render() {
      await sync()
      return (await described()).metrics()
    },
    async read() {
      await sync()
      return (await described()).getMetricsAsJSON()
    },
  }
}
