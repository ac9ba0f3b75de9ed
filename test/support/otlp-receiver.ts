import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'

/** OpenTelemetry's definitions, out of the last of its packages that has them as they are written. */
const DEFINITIONS = join(
  dirname(createRequire(import.meta.url).resolve('@opentelemetry/otlp-grpc-exporter-base/package.json')),
  'build/protos',
)

export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code: number }
  /** By name, without their types. */
  readonly attributes: Readonly<Record<string, string | boolean>>
}

export interface OtlpMetric {
  readonly name: string
  readonly unit: string
  readonly sum?: OtlpData
  readonly gauge?: OtlpData
  readonly histogram?: OtlpData
}

interface OtlpData {
  readonly isMonotonic?: boolean
  readonly dataPoints: readonly {
    readonly asDouble?: number
    readonly count?: string
    readonly sum?: number
    readonly bucketCounts?: readonly string[]
    readonly explicitBounds?: readonly number[]
    readonly attributes: readonly { readonly key: string; readonly value: object }[]
  }[]
}

export interface OtlpReceiver {
  readonly url: string
  readonly spans: OtlpSpan[]
  /** Of the latest sending, by name. */
  readonly metrics: Map<string, OtlpMetric>
  readonly requests: {
    readonly path: string
    readonly headers: Readonly<Record<string, unknown>>
    readonly resource: Readonly<Record<string, unknown>>
  }[]
  /** Answers to the next requests in place of 200. */
  readonly answers: {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }[]
  /** What did not fit the definitions. */
  readonly faults: string[]
  close(): Promise<void>
}

type Json = Readonly<Record<string, unknown>>

/** An OTLP/HTTP receiver of JSON that holds every message against the published definitions. */
export async function startOtlpReceiver(prefix = ''): Promise<OtlpReceiver> {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => join(DEFINITIONS, target)
  await root.load(['trace', 'metrics'].map(each => `opentelemetry/proto/collector/${each}/v1/${each}_service.proto`))
  // What version 1.1 of the definitions added, after that package.
  root.lookupType('opentelemetry.proto.trace.v1.Span').add(new protobuf.Field('flags', 16, 'fixed32'))
  const types = {
    [`${prefix}/v1/traces`]: root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest'),
    [`${prefix}/v1/metrics`]: root.lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest'),
  }
  const receiver: Omit<OtlpReceiver, 'url' | 'close'> = {
    spans: [],
    metrics: new Map(),
    requests: [],
    answers: [],
    faults: [],
  }
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const type = types[req.url ?? '']
      const answer = receiver.answers.shift()
      if (answer)
        return res
          .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
          .end(answer.body ?? '{}')
      if (type === undefined || req.method !== 'POST' || req.headers['content-type'] !== 'application/json')
        return res.writeHead(404).end()
      const body = Buffer.concat(chunks)
      const text = req.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
      const message = JSON.parse(text.toString('utf8')) as Json
      receiver.faults.push(...faultsOf(message, type, ''))
      const [resource] = list(message.resourceSpans ?? message.resourceMetrics)
      receiver.requests.push({
        path: req.url ?? '',
        headers: req.headers,
        resource: flat((resource?.resource as Json | undefined)?.attributes),
      })
      for (const { scopeSpans, scopeMetrics } of list(message.resourceSpans ?? message.resourceMetrics)) {
        for (const { spans } of list(scopeSpans))
          for (const span of list(spans))
            receiver.spans.push({ ...span, attributes: flat(span.attributes) } as unknown as OtlpSpan)
        for (const { metrics } of list(scopeMetrics)) {
          receiver.metrics.clear()
          for (const metric of list(metrics)) receiver.metrics.set(String(metric.name), metric as unknown as OtlpMetric)
        }
      }
      return res.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    ...receiver,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const list = (value: unknown): Json[] => (Array.isArray(value) ? value : [])

function flat(attributes: unknown): Record<string, string | boolean> {
  return Object.fromEntries(
    list(attributes).map(({ key, value }) => [String(key), Object.values(value as Json)[0] as string | boolean]),
  )
}

/** Names and types that a message's JSON must not have: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. */
function faultsOf(value: Json, type: protobuf.Type, path: string): string[] {
  return Object.entries(value).flatMap(([name, entry]) => {
    const field = type.fields[name]?.resolve()
    const here = `${path}.${name}`
    if (field === undefined) return [`${here}: ${type.name} has no such field`]
    if (field.repeated !== Array.isArray(entry)) return [`${here}: is ${field.repeated ? 'no' : 'a'} list`]
    return (field.repeated ? (entry as unknown[]) : [entry]).flatMap((each, i) =>
      faultsOfValue(each, field, `${here}[${i}]`),
    )
  })
}

function faultsOfValue(value: unknown, field: protobuf.Field, path: string): string[] {
  if (field.resolvedType instanceof protobuf.Type) return faultsOf(value as Json, field.resolvedType, path)
  if (field.resolvedType instanceof protobuf.Enum)
    return field.resolvedType.valuesById[Number(value)] === undefined ? [`${path}: no number of ${field.type}`] : []
  const fits: Readonly<Record<string, (value: unknown) => boolean>> = {
    string: each => typeof each === 'string',
    bool: each => typeof each === 'boolean',
    // In this encoding, unlike in others of protobuf, ids are hex.
    bytes: each => /^(?:[0-9a-f]{32}|[0-9a-f]{16})$/.test(String(each)),
    double: each => typeof each === 'number',
    uint32: each => Number.isInteger(each),
    fixed32: each => Number.isInteger(each),
    fixed64: each => /^\d+$/.test(String(each)) && typeof each === 'string',
    int64: each => /^-?\d+$/.test(String(each)) && typeof each === 'string',
  }
  return fits[field.type]?.(value) === true ? [] : [`${path}: ${JSON.stringify(value)} is no ${field.type}`]
}
