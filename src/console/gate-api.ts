import { planOf } from '../config/plan.ts'
import { type Nearness, nearnessOf } from '../core/ending.ts'
import type { Expiry } from '../core/resources.ts'
import { mendOf } from '../observe/expiry.ts'
import type { Endpoint } from './api.ts'

/** How the gate stands: `GET /api/gate`. Times are ISO 8601. */
export interface GateReport {
  readonly version: string
  readonly node: string
  readonly now: string
  readonly started: string
  readonly status: string
  readonly file: string
  readonly listeners: readonly { readonly name: string; readonly connections: number; readonly 'in-flight': number }[]
  readonly workers: { readonly running: number; readonly ended: number }
  readonly bridges: readonly {
    readonly route: string
    /** Requests that wait for their turn; null: nothing waits here. */
    readonly waiting: number | null
    readonly retries: number
    readonly breaker: 'closed' | 'half-open' | 'open' | null
    readonly tokens: { readonly fetched: number; readonly failed: number } | null
  }[]
  readonly documents: readonly {
    readonly document: string
    readonly fetched: number
    readonly unchanged: number
    readonly failed: number
    /** Since the server last confirmed the copy; null: there is none. */
    readonly 'age-seconds': number | null
  }[]
  /** The soonest first. */
  readonly expiries: readonly {
    readonly kind: Expiry['kind']
    readonly name: string
    readonly at: string
    /** How near its end is. */
    readonly nearness: Nearness
    readonly remedy: string
  }[]
  /** The latest first. */
  readonly reloads: readonly {
    readonly at: string
    readonly cause: 'start' | 'signal' | 'files'
    readonly files: readonly string[]
    /** Null: it was refused, for the reason given. */
    readonly routes: number | null
    readonly reason: string | null
  }[]
  /** Path and query of the calendar of what ends, relative to the page. */
  readonly calendar: string
  /** Whether what does something, such as sending a capture again, may be asked for: a token is configured. */
  readonly actions: boolean
}

export const gateNow: Endpoint = ({ gateway, views, readiness, guard }) => {
  const { expiries, bridges, documents, reloads } = gateway.readings()
  const now = Date.now()
  const iso = (epochMs: number): string => new Date(epochMs).toISOString()
  const key = guard.calendarKey()
  const report: GateReport = {
    version: views.metrics.version,
    node: process.version,
    now: iso(now),
    started: iso(views.startedAt),
    status: readiness().status,
    file: gateway.config?.file ?? '',
    listeners: (gateway.config?.listeners ?? []).map(({ name }) => {
      const { connections, inFlight } = views.metrics.listener(name)
      return { name, connections, 'in-flight': inFlight }
    }),
    workers: gateway.workers,
    bridges: bridges.map(({ route, waiting = null, retries, breaker = null, tokens = null }) => ({
      route,
      waiting,
      retries,
      breaker,
      tokens,
    })),
    documents: documents.map(({ document, fetched, unchanged, failed, ageMs }) => ({
      document,
      fetched,
      unchanged,
      failed,
      'age-seconds': ageMs === undefined ? null : Math.round(ageMs / 1000),
    })),
    expiries: expiries.map(expiry => ({
      kind: expiry.kind,
      name: expiry.name,
      at: iso(expiry.at),
      nearness: nearnessOf(expiry, now),
      remedy: mendOf(expiry),
    })),
    reloads: reloads.map(({ at, cause, files, routes = null, reason = null }) => ({
      at: iso(at),
      cause,
      files,
      routes,
      reason,
    })),
    calendar: `expiries.ics${key === undefined ? '' : `?key=${key}`}`,
    actions: guard.hasToken,
  }
  return { json: report }
}

/** `GET /api/config`: what `sallyport check --plan --json` tells, of the config in force. */
export const configNow: Endpoint = ({ gateway }) => {
  const { explainable } = gateway
  return explainable === undefined ? 'admin.path' : { json: planOf(explainable.config, explainable.env) }
}
