import { type History, NOW_MINUTES, type RouteDay, type Span } from '../observe/history.ts'
import type { Endpoint } from './api.ts'

/** Minutes of one bar of a route's row. */
const BAR = 30

/** How a route does: `GET /api/routes`. The empty name is of the requests that fit none. */
export interface RouteHealth {
  readonly name: string
  /** Where it listens; null: on every listener. */
  readonly listener: string | null
  /** Its path or prefix, and its host. */
  readonly match: string
  /** Why it is offline; null: it is not. */
  readonly offline: string | null
  /** Requests under way or done in the last five minutes; null: it has heard nothing since the start, or in a day. */
  readonly now: Span | null
  readonly day: Span | null
  /** Accepted, refused and failed, half an hour each, the last one running. */
  readonly bars: readonly (readonly [accepted: number, refused: number, failed: number])[]
}

export interface RoutesReport {
  readonly 'now-minutes': number
  readonly 'bar-minutes': number
  readonly routes: readonly RouteHealth[]
}

/** `GET /api/history?route=NAME`; without a route all of them together, by outcome alone. */
export interface HistoryReport extends Partial<RouteDay> {
  readonly route: string | null
}

export const routesNow: Endpoint = ({ gateway, views: { history } }) => {
  history.look(Date.now())
  const offline = new Map(gateway.offline().map(({ route, reason }) => [route, reason]))
  const named = (gateway.config?.routes ?? []).map(({ name, listener, match }) => ({
    name,
    listener: listener ?? null,
    match: `${match.host ?? ''}${match.path ?? `${match.pathPrefix}*`}`,
  }))
  const unmatched = history.spans('') ? [{ name: '', listener: null, match: '' }] : []
  const report: RoutesReport = {
    'now-minutes': NOW_MINUTES,
    'bar-minutes': BAR,
    routes: [...named, ...unmatched].map(route => ({
      ...route,
      offline: offline.get(route.name) ?? null,
      ...(history.spans(route.name) ?? { now: null, day: null }),
      bars: barsOf(history, route.name),
    })),
  }
  return { json: report }
}

export const routeHistory: Endpoint = ({ query, views: { history } }) => {
  history.look(Date.now())
  const route = query.get('route')
  if (query.size !== (route === null ? 0 : 1)) return 'admin.query'
  const report: HistoryReport = { route, ...(route === null ? history.total() : history.day(route)) }
  return { json: report }
}

function barsOf(history: History, route: string): RouteHealth['bars'] {
  return history.bars(route, BAR).map(bar => {
    const [refused, failed] = [bar.get('refused') ?? 0, bar.get('failed') ?? 0]
    return [[...bar.values()].reduce((sum, count) => sum + count, 0) - refused - failed, refused, failed] as const
  })
}
