import { hash } from 'node:crypto'
import { randomHex } from '../core/random-hex.ts'
import type { ContentRequest } from '../core/request.ts'
import type { Secret } from '../core/secret.ts'
import { MacKey } from '../signing/mac.ts'
import { standardWebhooks } from '../signing/providers/standard-webhooks.ts'
import { carriesCredentials, type ForwardConfig } from './config.ts'
import { namedByConnection } from './hop-by-hop.ts'
import type { StreamedBody } from './streamed-body.ts'
import type { VerifiedRequest } from './verified.ts'
import type { WebSocketOffer } from './websocket-handshake.ts'

/** What is sent upstream: all of it made by the gate. */
export interface Outbound {
  /** The request's id. */
  readonly id: string
  readonly method: string
  readonly path: string
  /** Name, value, name, value, ... Content-Length is written by the client from `body`. */
  readonly headers: string[]
  /** `undefined` where there is nothing to send. */
  readonly body: Buffer | undefined
  /** What `body` was before it was compressed; absent: it was not. */
  readonly uncompressed?: Buffer
  /** On a route that streams: the body as it comes, in place of `body`; the answer is passed on as it comes. */
  readonly streams?: { readonly body: StreamedBody | undefined; readonly upgrade?: WebSocketOffer }
}

/** A route's part of every outbound request, prepared at load. */
export interface ForwardPlan {
  readonly route: string
  readonly origin: string
  readonly basePath: string
  /** The length of the route's prefix: what of the sender's path is replaced; 0 on an exact route. */
  readonly strip: number
  readonly passHeaders: readonly { readonly name: string; readonly lower: string }[]
  readonly passQuery: boolean
  readonly clientCert: boolean
  readonly digest: boolean
  /** Whether the upstream is told of the sender and of the route. */
  readonly context: boolean
  /** Standard Webhooks. */
  readonly signingKey: MacKey | undefined
}

/**
 * The key with which the gate signs what it forwards.
 *
 * @throws SecretFault where the secret is not one of Standard Webhooks.
 */
export function signingKeyOf(secret: Secret): MacKey {
  return new MacKey('sha256', standardWebhooks.secret.parse(secret))
}

/** @param signingKey of `forward.sign`. */
export function planForward(
  route: string,
  prefix: string | undefined,
  config: ForwardConfig,
  signingKey?: MacKey,
): ForwardPlan {
  const url = new URL(config.to)
  return {
    route,
    origin: url.origin,
    basePath: url.pathname,
    strip: prefix?.length ?? 0,
    passHeaders: config['pass-headers'].map(name => ({ name, lower: name.toLowerCase() })),
    passQuery: config['pass-query'],
    clientCert: config['client-cert-header'],
    digest: config.digest,
    context: config['context-headers'] ?? !carriesCredentials(config),
    signingKey,
  }
}

/** Pure: the same verified request gives the same outbound request, but for the trace id and the signature's time. */
export function normalise(
  verified: VerifiedRequest,
  plan: ForwardPlan,
  nowMs: number,
  streams?: Outbound['streams'],
): Outbound {
  const { request, facts } = verified
  const body = request.content.bytes
  let path = plan.strip === 0 ? plan.basePath : plan.basePath + request.path.slice(plan.strip)
  if (plan.passQuery && request.query !== '') path += `?${request.query}`

  const headers = plan.context ? contextFields(verified, plan) : ownFields(request)
  if (request.trace?.tracestate !== undefined) headers.push('tracestate', request.trace.tracestate)
  if (body.length > 0) headers.push('Content-Type', 'application/json')
  if (streams?.body) passType(headers, request)
  if (plan.context) {
    if (facts.principal !== undefined)
      headers.push('Sallyport-Principal', principalOf(facts.principal, facts.principalBy))
    if (facts.eventId !== undefined) headers.push('Sallyport-Event-Id', fieldText(facts.eventId))
  }
  if (plan.passHeaders.length > 0) passFields(headers, plan, request)
  if (plan.clientCert) {
    const certificate = request.clientCertificate()
    if (certificate?.verified) {
      // RFC 9440 section 2: structured-field byte sequences of the DER.
      headers.push('Client-Cert', `:${certificate.der.toString('base64')}:`)
      if (certificate.chain.length > 0)
        headers.push('Client-Cert-Chain', certificate.chain.map(der => `:${der.toString('base64')}:`).join(', '))
    }
  }
  if (plan.digest) headers.push('Sallyport-Content-Digest', `sha-256=:${hash('sha256', request.raw, 'base64')}:`)
  if (plan.signingKey) signStandardWebhooks(headers, plan.signingKey, request.id, body, nowMs)
  const outbound = {
    id: request.id,
    method: request.method,
    path,
    headers,
    body: body.length === 0 ? undefined : body,
  }
  return streams === undefined ? outbound : { ...outbound, streams }
}

function passFields(headers: string[], plan: ForwardPlan, { headers: sent }: ContentRequest): void {
  const named = namedByConnection(sent)
  for (const { name, lower } of plan.passHeaders) {
    const value = sent.one(lower)
    // A field that came twice has no one value to pass.
    if (typeof value === 'string' && !named.includes(lower)) headers.push(name, value)
  }
}

/** A body that nobody reads here keeps what says how to read it. */
function passType(headers: string[], { headers: sent }: ContentRequest): void {
  for (const name of ['Content-Type', 'Content-Encoding']) {
    const value = sent.one(name.toLowerCase())
    if (typeof value === 'string') headers.push(name, value)
  }
}

const ownFields = ({ id, trace }: ContentRequest): string[] => [
  'X-Request-Id',
  id,
  'traceparent',
  trace?.traceparent ?? traceparent(),
]

/** The fields of every request that tells of its sender. */
function contextFields({ request }: VerifiedRequest, plan: ForwardPlan): string[] {
  const source = request.source.text
  const proto = request.encrypted ? 'https' : 'http'
  return [
    'X-Request-Id',
    request.id,
    'traceparent',
    request.trace?.traceparent ?? traceparent(),
    'Forwarded',
    `for=${request.source.family === 6 ? `"[${source}]"` : source};proto=${proto};host="${request.authority}"`,
    'X-Forwarded-For',
    source,
    'X-Forwarded-Proto',
    proto,
    'X-Forwarded-Host',
    request.authority,
    'Sallyport-Route',
    plan.route,
  ]
}

/** Adds the three fields that sign a body (Standard Webhooks). */
export function signStandardWebhooks(headers: string[], key: MacKey, id: string, body: Buffer, nowMs: number): void {
  const timestamp = String(Math.floor(nowMs / 1000))
  const mac = key.mac(`${id}.${timestamp}.`, body, '').toString('base64')
  headers.push('webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', `v1,${mac}`)
}

/** `signature:current`: by which check, and who. */
function principalOf(principal: string, by: string | undefined): string {
  return fieldText(by === undefined ? principal : `${by}:${principal}`)
}

const FIELD_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/

/** Text from a sender or a certificate as a header value: anything but short visible ASCII is percent-encoded. */
export function fieldText(text: string): string {
  return FIELD_TEXT.test(text) ? text : encodeURIComponent(text.slice(0, 256).toWellFormed())
}

/** A new trace (W3C Trace Context): a stranger's trace id is not continued across the trust boundary. */
const traceparent = (): string => `00-${randomHex(16)}-${randomHex(8)}-01`
