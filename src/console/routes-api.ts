import { MINUTES, NOW_MINUTES, type RouteDay, type Span } from '../observe/history.ts'
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
      now: history.spans(route.name)?.now ?? null,
      day: history.spans(route.name)?.day ?? null,
      bars: barsOf(history.day(route.name)),
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

const PLACE: Readonly<Record<string, 1 | 2>> = { refused: 1, failed: 2 }

function barsOf(day: RouteDay | undefined): RouteHealth['bars'] {
  if (day === undefined) return []
  const bars = Array.from({ length: MINUTES / BAR }, (): [number, number, number] => [0, 0, 0])
  for (const { outcome, values } of day.series) {
    const place = PLACE[outcome] ?? 0
    for (const [minute, value] of values.entries()) {
      const bar = bars[Math.floor(minute / BAR)]
      if (bar) bar[place] += value
    }
  }
  return bars
}
