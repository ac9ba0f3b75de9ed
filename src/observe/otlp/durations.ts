import { BOUNDS, Buckets } from '../buckets.ts'
import { methodOf, type RouteFacts } from './spans.ts'
import type { EndedRequest } from './tracing.ts'
import { type Attributes, keyValues } from './value.ts'

/** More than any config makes of routes, methods and codes; beyond, requests share one series. */
const MOST = 2_000
const CUMULATIVE = 2

interface Series {
  readonly attributes: Attributes
  readonly buckets: Buckets
}

/** `http.server.request.duration`, https://opentelemetry.io/docs/specs/semconv/http/http-metrics/. */
export class Durations {
  readonly #series = new Map<string, Series>()

  add({ record, facts }: EndedRequest, route: RouteFacts | undefined): void {
    const method = methodOf(record.method)
    const key = `${method} ${facts.encrypted} ${facts.version} ${record.status} ${record.code ?? ''} ${route?.pattern ?? ''}`
    let series = this.#series.get(key)
    if (series === undefined) {
      const full = this.#series.size >= MOST
      const attributes = full
        ? { 'otel.metric.overflow': true }
        : {
            'http.request.method': method,
            'url.scheme': facts.encrypted ? 'https' : 'http',
            'network.protocol.version': facts.version,
            'http.response.status_code': record.status === 0 ? undefined : record.status,
            'http.route': route?.pattern,
            'error.type': record.status >= 500 ? (record.code ?? String(record.status)) : undefined,
            'sallyport.code': record.code,
          }
      series = (full ? this.#series.get('') : undefined) ?? { attributes, buckets: new Buckets() }
      this.#series.set(full ? '' : key, series)
    }
    series.buckets.observe(record.totalMs / 1000)
  }

  /** @param times `startTimeUnixNano` and `timeUnixNano` */
  metric(times: { readonly startTimeUnixNano: string; readonly timeUnixNano: string }) {
    return {
      name: 'http.server.request.duration',
      description: 'Duration of HTTP server requests.',
      unit: 's',
      histogram: {
        aggregationTemporality: CUMULATIVE,
        dataPoints: [...this.#series.values()].map(({ attributes, buckets }) => ({
          attributes: keyValues(attributes),
          ...times,
          count: String(buckets.count),
          sum: buckets.sum,
          bucketCounts: buckets.counts().map(String),
          explicitBounds: BOUNDS,
        })),
      },
    }
  }
}
