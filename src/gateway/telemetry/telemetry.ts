import { hostname } from 'node:os'
import type { GatewayConfig } from '../../config/model.ts'
import type { Clock } from '../../core/clock.ts'
import { requestId } from '../../core/request-id.ts'
import { Offline } from '../../core/resources.ts'
import type { Timing } from '../../forward/timing.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { OtlpConfig } from '../../observe/otlp/config.ts'
import { Durations } from '../../observe/otlp/durations.ts'
import { metricsOf } from '../../observe/otlp/metrics.ts'
import type { RouteFacts, Span } from '../../observe/otlp/spans.ts'
import { Tracing } from '../../observe/otlp/tracing.ts'
import { type KeyValue, keyValues, nanos, scopeOf } from '../../observe/otlp/value.ts'
import type { TelemetryCounts, TelemetryReading } from '../../observe/telemetry-metrics.ts'
import { TlsProblem } from '../../tls/problem.ts'
import type { Loading } from '../loading.ts'
import { Outlet } from '../outlet.ts'
import { Deliveries } from './deliveries.ts'
import { type Destination, Exporter } from './exporter.ts'
import { SpanQueue } from './span-queue.ts'

/** Of the names of attributes: https://opentelemetry.io/docs/specs/otel/schemas/. */
const SCHEMA = 'https://opentelemetry.io/schemas/1.27.0'

export interface TelemetryOptions {
  readonly clock: Clock
  readonly timing: Timing
  readonly log: Log
  readonly metrics: Metrics
  /** What requests took is sent, and not the gate's metrics: another thread sends those of all, and tells what is missing. */
  readonly requestsOnly?: boolean | undefined
  /** How that of other threads stands, which this one tells of with its own. */
  readonly others?: (() => TelemetryReading | undefined) | undefined
}

export interface PreparedTelemetry {
  /** For the listeners; `undefined` where nothing is traced. */
  readonly tracing: Tracing | undefined
  commit(): void
}

/** One config's way out. */
interface Way {
  readonly config: OtlpConfig
  readonly outlet: Outlet
  readonly spans: Destination
  readonly metrics: Destination
  readonly resource: { readonly attributes: KeyValue[] }
}

/** Sends the decisions of a gate by OTLP. */
export class Telemetry {
  readonly #options: TelemetryOptions
  readonly #queue = new SpanQueue()
  readonly #exporters: { readonly spans: Exporter; readonly metrics: Exporter }
  readonly #counts: TelemetryCounts = { exported: 0, failed: 0, dropped: 0 }
  readonly #durations = new Durations()
  readonly #deliveries: Deliveries
  readonly #instance: string
  readonly #startedAt: string
  #way: Way | undefined
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined

  constructor(options: TelemetryOptions) {
    const { log, timing } = options
    this.#options = options
    const look = (): void => this.look()
    this.#exporters = { spans: new Exporter(timing, look), metrics: new Exporter(timing, look) }
    this.#deliveries = new Deliveries(log, timing)
    const now = options.clock.now()
    this.#instance = requestId(now)
    this.#startedAt = nanos(now)
  }

  /** Of this thread. */
  reading(): TelemetryReading {
    const { spans, metrics } = this.#exporters
    const trouble = {
      ...(spans.trouble && { spans: spans.trouble }),
      ...(metrics.trouble && { metrics: metrics.trouble }),
    }
    return { spans: this.#queue.counts, metrics: this.#counts, trouble }
  }

  /** Of all threads: requests are sent by the others where there are any, and metrics by this one. */
  total(): TelemetryReading {
    const own = this.reading()
    const others = this.#options.others?.()
    return others ? { spans: others.spans, metrics: own.metrics, trouble: { ...others.trouble, ...own.trouble } } : own
  }

  /** Tells once for all threads of what is not delivered, or is again. A worker leaves that to the gate. */
  look(): void {
    if (this.#options.requestsOnly || this.#way === undefined) return
    this.#deliveries.look(this.total())
  }

  /** Opens what a config asks for; nothing changes before `commit`. */
  prepare(config: GatewayConfig, loading: Loading): PreparedTelemetry {
    const otlp = config.telemetry?.otlp
    const way = otlp && this.#open(otlp, loading)
    const commit = (): void => this.#commit(way)
    if (way === undefined) return { tracing: undefined, commit }
    const { traces, metrics } = way.config
    const routes = new Map(config.routes.map(route => [route.name, factsOf(route)]))
    const tracing = new Tracing(traces === false ? 0 : traces.sample, ended => {
      const route = routes.get(ended.record.route ?? '')
      if (metrics !== false) this.#durations.add(ended, route)
      if (traces !== false && ended.trace.sampled) this.#queue.push(ended, route)
    })
    return { tracing, commit }
  }

  /** Sends what there is, within so many milliseconds. */
  async close(ms: number): Promise<void> {
    clearInterval(this.#timer)
    if (this.#way === undefined) return
    const late = new Promise<void>(resolve => setTimeout(resolve, ms).unref())
    this.#exporters.spans.end()
    this.#exporters.metrics.end()
    await Promise.race([Promise.all([this.#queue.flush(), this.#sendMetrics()]), late])
    this.#queue.giveUp()
    if (!this.#options.requestsOnly) this.#deliveries.end(this.total())
    this.#way.outlet.retire()
  }

  /** @returns `undefined` where something that it needs is missing */
  #open(config: OtlpConfig, loading: Loading): Way | undefined {
    const { log, metrics, requestsOnly } = this.#options
    try {
      const headers = headersOf(config, loading)
      const outlet = new Outlet(config.endpoint, loading, 'telemetry')
      const base = new URL(config.endpoint).pathname.replace(/\/$/, '')
      const attributes = keyValues({
        'service.name': 'sallyport',
        'service.version': metrics.version,
        'service.instance.id': this.#instance,
        'host.name': hostname(),
        ...config.resource,
      })
      return {
        config,
        outlet,
        spans: { outlet, path: `${base}/v1/traces`, headers },
        metrics: { outlet, path: `${base}/v1/metrics`, headers },
        resource: { attributes },
      }
    } catch (error) {
      if (!(error instanceof Offline || error instanceof TlsProblem)) throw error
      if (!requestsOnly) log.error('telemetry offline', { reason: error.message, remedy: error.mend })
      return undefined
    }
  }

  #commit(way: Way | undefined): void {
    const before = this.#way
    this.#way = way
    if (way === undefined) this.#deliveries.forget()
    this.#queue.use(way && (spans => this.#sendSpans(way, spans)))
    this.#exporters.spans.use(way?.spans)
    this.#exporters.metrics.use(way?.metrics)
    clearInterval(this.#timer)
    const every = way?.config.metrics
    this.#timer = every ? setInterval(() => void this.#sendMetrics(), every.every).unref() : undefined
    before?.outlet.retire()
  }

  #sendSpans({ resource }: Way, spans: readonly Span[]) {
    const scope = scopeOf(this.#options.metrics.version)
    const message = { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }], schemaUrl: SCHEMA }] }
    return this.#exporters.spans.send(message, spans.length)
  }

  #sendMetrics(): Promise<void> {
    // What is cumulative loses nothing where one sending is left out.
    this.#sending ??= this.#sendMetricsNow()
      .catch(error => {
        this.#counts.failed++
        this.#options.log.error('fault', { where: 'telemetry', error: String(error) })
      })
      .finally(() => {
        this.#sending = undefined
      })
    return this.#sending
  }

  async #sendMetricsNow(): Promise<void> {
    const way = this.#way
    if (way === undefined || way.config.metrics === false) return
    const { clock, metrics: gate, requestsOnly } = this.#options
    const times = { startTimeUnixNano: this.#startedAt, timeUnixNano: nanos(clock.now()) }
    const gates = requestsOnly ? [] : metricsOf(await gate.read(), times)
    const metrics = [this.#durations.metric(times), ...gates]
    const scope = scopeOf(gate.version)
    const message = {
      resourceMetrics: [{ resource: way.resource, scopeMetrics: [{ scope, metrics }], schemaUrl: SCHEMA }],
    }
    const { failed } = await this.#exporters.metrics.send(message, 1)
    this.#counts[failed > 0 ? 'failed' : 'exported']++
  }
}

/** @throws Offline where a secret is missing */
function headersOf({ headers, bearer, basic }: OtlpConfig, loading: Loading): string[] {
  const fields = Object.entries(headers).flatMap(([name, ref]) => [name, loading.secret(ref).text()])
  if (bearer) fields.push('Authorization', `Bearer ${loading.secret(bearer).text()}`)
  if (basic) {
    const pair = `${basic.username}:${loading.secret(basic.password).text()}`
    fields.push('Authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  return fields
}

function factsOf({ match, forward }: GatewayConfig['routes'][number]): RouteFacts {
  const { path, pathPrefix } = match
  return { pattern: path ?? `${pathPrefix}*`, to: forward.to, strip: pathPrefix?.length ?? 0 }
}
