import type { Evidence } from '../core/decision.ts'
import type { RouteTable } from './match.ts'

const MAX_ROUTES = 200
const MAX_PATH = 128
/** Per second: a stranger who asks for a thousand paths must not cost a thousand comparisons. */
const BUDGET = 20

let second = 0
let left = BUDGET

/** For the log of an unmatched request: the route that its path is nearest to, and what differs. */
export function nearestRoute(table: RouteTable, host: string, path: string, nowMs: number): Evidence {
  const now = Math.floor(nowMs / 1000)
  if (now !== second) {
    second = now
    left = BUDGET
  }
  if (left === 0 || path.length > MAX_PATH) return {}
  left--
  let best: { name: string; says: string; score: number } | undefined
  for (const entry of table.entries.slice(0, MAX_ROUTES)) {
    const score = entry.path.length > MAX_PATH ? Number.POSITIVE_INFINITY : distance(path, entry.path)
    const near =
      path.startsWith(entry.path) ||
      entry.path.startsWith(path) ||
      (entry.path !== '/' && path.endsWith(entry.path)) ||
      (path !== '/' && entry.path.endsWith(path))
    const wanted = `${entry.path}${entry.prefix ? '...' : ''}`
    if (score === 0 && entry.host !== undefined && entry.host !== host)
      return {
        'nearest-route': entry.route.name,
        differs: `the host is ${host || 'absent'}, the route is for ${entry.host}`,
      }
    if (score > Math.max(3, entry.path.length / 2) && !near) continue
    if (best === undefined || score < best.score)
      best = { name: entry.route.name, says: differs(path, entry.path, wanted), score }
  }
  return best ? { 'nearest-route': best.name, differs: best.says } : {}
}

function differs(path: string, wanted: string, shown: string): string {
  if (wanted === `${path}/`) return `the path lacks the slash at its end: the route is ${shown}`
  if (path === `${wanted}/`) return `the path has a slash too many at its end: the route is ${shown}`
  if (path.toLowerCase() === wanted.toLowerCase())
    return `the path differs in upper and lower case: the route is ${shown}`
  if (wanted.startsWith(path)) return `the path lacks the suffix ${wanted.slice(path.length)}: the route is ${shown}`
  if (path.startsWith(wanted)) return `the path has ${path.slice(wanted.length)} too much: the route is ${shown}`
  if (path.endsWith(wanted)) return `the path has ${path.slice(0, -wanted.length)} before it: the route is ${shown}`
  if (wanted.endsWith(path)) return `the path lacks ${wanted.slice(0, -path.length)} before it: the route is ${shown}`
  return `the route is ${shown}`
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1)))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
