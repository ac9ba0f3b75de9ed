import { usePoll } from './api.js'
import { count, share } from './format.js'

/** @typedef {import('../routes-api.ts').RouteHealth} RouteHealth */
/** @typedef {import('../routes-api.ts').HistoryReport} HistoryReport */
/** @typedef {import('../../observe/history.ts').Span} Span */

/** Milliseconds between two looks. */
const EVERY = 5000

export const useRoutes = () => {
  const poll = usePoll('api/routes', EVERY)
  return /** @type {{ data: import('../routes-api.ts').RoutesReport | undefined, error: string | undefined, at: number }} */ (
    poll
  )
}

/**
 * @param {Span | null} span
 * @returns {{ accepted: number, refused: number, failed: number, codes: { outcome: string, code: string, count: number }[] }}
 */
export function tally(span) {
  const sums = { accepted: 0, refused: 0, failed: 0 }
  for (const { outcome, count } of span?.outcomes ?? [])
    sums[outcome === 'refused' || outcome === 'failed' ? outcome : 'accepted'] += count
  const codes = (span?.outcomes ?? []).filter(({ code }) => code !== '').sort((a, b) => b.count - a.count)
  return { ...sums, codes }
}

/**
 * How a route does, in a word: by what is worst.
 * @param {RouteHealth} route
 * @returns {{ word: string, kind: 'failed' | 'refused' | 'ok' | 'quiet' }}
 */
export function stateOf({ offline, now }) {
  const { accepted, refused, failed } = tally(now)
  const all = accepted + refused + failed
  if (offline !== null) return { word: 'offline', kind: 'failed' }
  if (all === 0) return { word: 'quiet', kind: 'quiet' }
  if (failed > 0) return { word: `failing ${share(failed, all)}`, kind: 'failed' }
  if (refused > 0) return { word: `refusing ${share(refused, all)}`, kind: 'refused' }
  return { word: 'ok', kind: 'ok' }
}

export const routeName = (/** @type {string} */ name) => (name === '' ? '(no route)' : name)

/** What charts show: their name, minutes, and minutes of one bar. */
export const RANGES = /** @type {const} */ ([
  ['1 h', 60, 1],
  ['24 h', 1440, 10],
])
/** @typedef {typeof RANGES[number]} Range */

/**
 * One route by minutes, or all of them together.
 * @param {string | undefined} route
 * @returns {{ data: HistoryReport | undefined }}
 */
export const useHistory = route =>
  usePoll(route === undefined ? 'api/history' : `api/history?route=${encodeURIComponent(route)}`, 2 * EVERY)

/**
 * What a chart of requests is given; `undefined` where nothing has been heard.
 * @param {HistoryReport | undefined} history @param {Range} range
 */
export function requestsOf(history, [name, minutes, bar]) {
  if (history?.from === undefined || history.series === undefined) return undefined
  const all = history.series[0]?.values.length ?? 0
  const first = all - minutes
  const bars = () => Array.from({ length: minutes / bar }, () => 0)
  const sums = { accepted: bars(), refused: bars(), failed: bars() }
  for (const { outcome, values } of history.series) {
    const into = sums[outcome === 'refused' || outcome === 'failed' ? outcome : 'accepted']
    for (const [index, value] of values.slice(first).entries())
      into[Math.floor(index / bar)] = (into[Math.floor(index / bar)] ?? 0) + value
  }
  const lines = /** @type {const} */ (['accepted', 'refused', 'failed']).map(label => ({
    label,
    colour: label === 'accepted' ? '--ok' : `--${label}`,
    values: sums[label],
  }))
  const total = (/** @type {readonly number[]} */ values) => count(values.reduce((sum, value) => sum + value, 0))
  return {
    title: bar === 1 ? `Requests a minute, ${name}` : `Requests in ${bar} minutes, ${name}`,
    summary: lines.map(({ label, values }) => `${total(values)} ${label}`).join(', '),
    from: history.from / 1000 + first * 60,
    step: bar * 60,
    lines,
  }
}
