import { randomHex } from '../../core/random-hex.ts'
import { bounded } from '../text.ts'
import type { EndedRequest } from './tracing.ts'
import { type Attributes, type KeyValue, keyValues, nanos } from './value.ts'

/** Characters of what a sender or a certificate wrote. */
const TEXT = 256
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const SERVER = 2
const CLIENT = 3
const ERROR = 2

/** What of a route stands in spans. */
export interface RouteFacts {
  /** The path, or the prefix and `*`. */
  readonly pattern: string
  /** The upstream's URL, without a query. */
  readonly to: string
  /** Characters of the path that `to` stands for; 0 on an exact route. */
  readonly strip: number
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly traceState?: string
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: KeyValue[]
  readonly status?: { readonly code: number }
}

/** The method of HTTP's semantic conventions, which a stranger can't invent. */
export const methodOf = (method: string): string => (METHODS.has(method) ? method : '_OTHER')

/** How many spans `spansOf` makes of it. */
export const spanCount = ({ facts }: EndedRequest, route: RouteFacts | undefined): number =>
  facts.sentMs === undefined || route === undefined ? 1 : 2

/**
 * The spans of one request: the server's, and the client's where something was sent upstream. Names of attributes are
 * those of https://opentelemetry.io/docs/specs/semconv/http/http-spans/; the gate's own begin with `sallyport.`.
 */
export function spansOf(ended: EndedRequest, route: RouteFacts | undefined): Span[] {
  const { record, trace, endedAt } = ended
  const spanId = randomHex(8)
  const startedAt = endedAt - record.totalMs
  const common = { traceId: trace.traceId, ...(trace.tracestate === undefined ? {} : { traceState: trace.tracestate }) }
  const method = methodOf(record.method)
  const word = method === '_OTHER' ? 'HTTP' : method
  const server: Span = {
    ...common,
    spanId,
    ...(trace.parentId === undefined ? {} : { parentSpanId: trace.parentId }),
    // Sampled; whether the parent is remote is known, and so it is (bits 8 and 9).
    flags: trace.parentId === undefined ? 0x101 : 0x301,
    name: route === undefined ? word : `${word} ${route.pattern}`,
    kind: SERVER,
    startTimeUnixNano: nanos(startedAt),
    endTimeUnixNano: nanos(endedAt),
    attributes: keyValues(serverAttributes(ended, route)),
    ...(record.status >= 500 ? { status: { code: ERROR } } : {}),
  }
  const { sentMs } = ended.facts
  if (sentMs === undefined || route === undefined) return [server]
  const sentAt = startedAt + sentMs
  const { error, attributes } = clientSide(ended, route)
  return [
    server,
    {
      ...common,
      spanId: trace.clientId,
      parentSpanId: spanId,
      flags: 0x101,
      name: word,
      kind: CLIENT,
      startTimeUnixNano: nanos(sentAt),
      endTimeUnixNano: nanos(sentAt + record.upstreamMs),
      attributes: keyValues(attributes),
      ...(error === undefined ? {} : { status: { code: ERROR } }),
    },
  ]
}

function serverAttributes({ record, facts }: EndedRequest, route: RouteFacts | undefined): Attributes {
  const method = methodOf(record.method)
  const { host, port } = hostAndPort(facts.authority)
  const text = (value: string | undefined): string | undefined => value && bounded(value, TEXT)
  return {
    'http.request.method': method,
    'http.request.method_original': method === '_OTHER' ? text(record.method) : undefined,
    'http.response.status_code': record.status === 0 ? undefined : record.status,
    'http.route': route?.pattern,
    'url.path': text(record.path),
    'url.scheme': facts.encrypted ? 'https' : 'http',
    'server.address': text(host),
    'server.port': port,
    'client.address': record.source,
    'network.protocol.name': 'http',
    'network.protocol.version': facts.version,
    'http.request.body.size': record.bytesIn,
    'http.response.body.size': record.bytesOut,
    'error.type': record.status >= 500 ? (record.code ?? String(record.status)) : undefined,
    'sallyport.request_id': record.requestId,
    'sallyport.listener': record.listener,
    'sallyport.route': record.route,
    'sallyport.outcome': record.outcome,
    'sallyport.code': record.code,
    'sallyport.principal': text(record.principal),
    'sallyport.key': text(record.keyName),
    'sallyport.event_id': text(record.eventId),
    'sallyport.queued_ms': record.queuedMs === 0 ? undefined : record.queuedMs,
  }
}

function clientSide(
  { record }: EndedRequest,
  route: RouteFacts,
): { readonly error: string | undefined; readonly attributes: Attributes } {
  const { protocol, hostname, port } = new URL(route.to)
  // What the upstream answered is what the sender was answered, unless the gate answered in its place.
  const status = record.outcome === 'forwarded' && record.status !== 0 ? record.status : undefined
  const error = record.code ?? (status !== undefined && status >= 400 ? String(status) : undefined)
  const rest = route.strip === 0 ? '' : record.path.slice(route.strip)
  const resent = (record.attempts ?? 1) - 1
  const attributes = {
    'http.request.method': methodOf(record.method),
    'http.response.status_code': status,
    'url.full': bounded(route.to + rest, TEXT * 2),
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    'network.protocol.name': 'http',
    'network.protocol.version': '1.1',
    'http.request.resend_count': resent > 0 ? resent : undefined,
    'error.type': error,
    'sallyport.route': record.route,
  }
  return { error, attributes }
}

function hostAndPort(authority: string): { readonly host: string | undefined; readonly port: number | undefined } {
  const { host, port } = /^(?<host>\[[^\]]+\]|[^:]*)(?::(?<port>\d{1,5}))?$/.exec(authority)?.groups ?? {}
  return { host: host?.replace(/^\[|\]$/g, '') || undefined, port: port === undefined ? undefined : Number(port) }
}
