import { type Masks, masksOf } from '../gateway/capture-masks.ts'
import { explainCapture } from '../gateway/explainer.ts'
import { type MaskedCapture, maskCapture, outlineOf } from '../gateway/masked-capture.ts'
import { sendAgain } from '../gateway/send-again.ts'
import type { Capture } from '../observe/captures.ts'
import type { ApiRequest, Endpoint } from './api.ts'
import type { AdminCode } from './refusal.ts'

const MOST = 1000

/** One of the list: what a row of a table needs. */
export type CaptureSummary = Pick<
  MaskedCapture,
  'id' | 'time' | 'listener' | 'route' | 'outcome' | 'code' | 'status' | 'would-refuse' | 'source' | 'method' | 'ms'
> & { readonly path: string; readonly bytes: number }

/** `GET /api/captures?route=&code=&since=&limit=` */
export interface CaptureList {
  readonly captures: readonly CaptureSummary[]
  /** How many are kept, their bytes, and how many were not kept because too many like them came at once. */
  readonly kept: number
  readonly bytes: number
  readonly missed: number
}

/** `POST /api/captures/ID/send` */
export interface SendReport {
  readonly 'request-id': string
  readonly outcome: string
  readonly status: number
  readonly code: string | null
  readonly evidence: unknown
  readonly 'would-refuse': unknown
}

export const listCaptures: Endpoint = ({ query, gateway }) => {
  const filter = filterOf(query)
  if (filter === undefined) return 'admin.query'
  const { captures } = gateway
  const list: CaptureList = {
    captures: captures.list(filter, Date.now()).map(summaryOf),
    kept: captures.size,
    bytes: captures.bytes,
    missed: captures.missed,
  }
  return { json: list }
}

export const oneCapture: Endpoint = (request, [, id = '']) =>
  withCapture(request, id, (capture, masks) => ({ json: maskCapture(capture, masks) }))

export const explainOne: Endpoint = (request, [, id = '']) =>
  withCapture(request, id, async (capture, masks) => {
    const { explainable } = request.gateway
    if (explainable === undefined) return 'admin.not-kept'
    return { json: masked(capture.explained ?? (await explainCapture(capture, explainable)), masks) }
  })

export const sendOne: Endpoint = (request, [, id = '']) =>
  withCapture(request, id, async (capture, masks) => {
    const { explainable } = request.gateway
    const at = request.query.get('at') ?? 'now'
    if (at !== 'now' && at !== 'received') return 'admin.query'
    if (explainable === undefined) return 'admin.not-kept'
    const sent = await sendAgain(capture, at, explainable)
    if ('cannot' in sent) return CANNOT[sent.cannot]
    const { requestId, outcome, status, code = null, evidence = null, wouldRefuse = [] } = sent
    const report: SendReport = { 'request-id': requestId, outcome, status, code, evidence, 'would-refuse': wouldRefuse }
    return { json: masked(report, masks) }
  })

const CANNOT = {
  cut: 'admin.cut',
  restored: 'admin.restored',
  'no-request': 'admin.no-request',
} as const satisfies Record<string, AdminCode>

function withCapture<T>(
  { gateway }: ApiRequest,
  id: string,
  use: (capture: Capture, masks: Masks) => T,
): T | 'admin.not-kept' {
  const capture = gateway.captures.get(id, Date.now())
  const { explainable } = gateway
  if (capture === undefined || explainable === undefined) return 'admin.not-kept'
  const { config, env } = explainable
  return use(
    capture,
    masksOf(
      config.routes.find(({ name }) => name === capture.request.route),
      config,
      env,
    ),
  )
}

function filterOf(query: URLSearchParams) {
  const limit = Number(query.get('limit') ?? 100)
  const text = query.get('since')
  const since = text === null ? 0 : Date.parse(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST || Number.isNaN(since)) return undefined
  for (const name of query.keys()) if (!['route', 'code', 'since', 'limit'].includes(name)) return undefined
  return { route: query.get('route') ?? undefined, code: query.get('code') ?? undefined, since, limit }
}

function summaryOf(capture: Capture): CaptureSummary {
  const { request, record } = capture
  return {
    ...outlineOf(capture),
    method: request.method,
    path: record.path,
    bytes: request.bodyBytes,
    ms: Math.round(record.totalMs * 1000) / 1000,
  }
}

/** The same value, with the route's secrets hidden in every text of it. */
function masked(value: unknown, masks: Masks): unknown {
  if (typeof value === 'string') return masks.text(value)
  if (Array.isArray(value)) return value.map(each => masked(each, masks))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, masked(each, masks)]))
}
