import type { MetricObjectWithValues, MetricValueWithName } from 'prom-client'
import { type KeyValue, keyValues } from './value.ts'

type Read = MetricObjectWithValues<MetricValueWithName<string>>

interface Times {
  readonly startTimeUnixNano: string
  readonly timeUnixNano: string
}

interface NumberPoint {
  readonly attributes: readonly KeyValue[]
  readonly startTimeUnixNano?: string
  readonly timeUnixNano: string
  readonly asDouble: number
}

export interface Metric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly sum?: {
    readonly aggregationTemporality: number
    readonly isMonotonic: boolean
    readonly dataPoints: readonly NumberPoint[]
  }
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] }
  readonly histogram?: { readonly aggregationTemporality: number; readonly dataPoints: readonly object[] }
}

const CUMULATIVE = 2
const UNITS: Readonly<Record<string, string>> = { seconds: 's', bytes: 'By' }
/** Histograms that would have no noun left without their unit. */
const NAMES: Readonly<Record<string, string>> = {
  'sallyport.request': 'sallyport.request.duration',
  'sallyport.upstream': 'sallyport.upstream.duration',
}

/**
 * What `/metrics` shows of the gate as OTLP metrics, all cumulative: `sallyport_received_bytes_total{route}` is
 * `sallyport.received` in `By` with `sallyport.route`. The process' own are left out: collectors have better ones.
 */
export function metricsOf(all: readonly Read[], times: Times): Metric[] {
  return all.filter(({ name }) => name.startsWith('sallyport_')).flatMap(metric => convert(metric, times))
}

function convert({ name, help, type, values }: Read, times: Times): Metric[] {
  const words = name.replace(/_total$/, '').split('_')
  const unit = UNITS[words.at(-1) ?? '']
  if (unit !== undefined) words.pop()
  const [first = '', ...rest] = words
  const plain = `${first}.${rest.join('_')}`
  const head = { name: NAMES[plain] ?? plain, description: help, unit: unit ?? '1' }
  const kind = String(type)
  if (kind === 'histogram') {
    const dataPoints = histogramPoints(values, times)
    return dataPoints.length === 0 ? [] : [{ ...head, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } }]
  }
  const finite = values.filter(({ value }) => Number.isFinite(value))
  if (finite.length === 0) return []
  if (kind === 'counter') {
    const dataPoints = finite.map(({ labels, value }) => ({
      attributes: attributesOf(labels),
      ...times,
      asDouble: value,
    }))
    return [{ ...head, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } }]
  }
  const { timeUnixNano } = times
  const dataPoints = finite.map(({ labels, value }) => ({
    attributes: attributesOf(labels),
    timeUnixNano,
    asDouble: value,
  }))
  return [{ ...head, gauge: { dataPoints } }]
}

const attributesOf = (labels: Readonly<Partial<Record<string, string | number>>>) =>
  keyValues(Object.fromEntries(Object.entries(labels).map(([name, value]) => [`sallyport.${name}`, value])))

interface Point {
  readonly route: string | number | undefined
  readonly bounds: number[]
  /** Prometheus' buckets hold all below them as well. */
  readonly below: number[]
  sum: number
  count: number
}

function histogramPoints(values: Read['values'], times: Times) {
  const points = new Map<string, Point>()
  for (const { labels, value, metricName = '' } of values) {
    const { route, le } = labels
    const key = String(route)
    const point = points.get(key) ?? { route, bounds: [], below: [], sum: 0, count: 0 }
    points.set(key, point)
    if (metricName.endsWith('_sum')) point.sum = value
    else if (metricName.endsWith('_count')) point.count = value
    else if (le !== '+Inf') {
      point.bounds.push(Number(le))
      point.below.push(value)
    }
  }
  return [...points.values()].map(({ route, bounds, below, sum, count }) => ({
    attributes: attributesOf({ route }),
    ...times,
    count: String(count),
    sum,
    bucketCounts: [...below, count].map((all, i, list) => String(all - (i === 0 ? 0 : (list[i - 1] ?? 0)))),
    explicitBounds: bounds,
  }))
}
