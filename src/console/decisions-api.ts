import type { ServerResponse } from 'node:http'
import type { AuditRecord } from '../observe/audit.ts'
import type { DecisionFeed } from '../observe/decision-feed.ts'
import { auditLine } from '../observe/recorder.ts'
import { HEADERS } from './answer.ts'
import type { Endpoint } from './api.ts'

/** Pages that watch at once. */
const WATCHERS = 16
/** Milliseconds between two handfuls, and how many decisions are in one at most: what is more is counted. */
const FLUSH_MS = 250
const HANDFUL = 50
/** Milliseconds between two signs of life; whether the session still holds is looked at then. */
const BEAT_MS = 15_000
const FILTERS: ReadonlySet<string> = new Set(['route', 'outcome', 'code', 'text'])

/**
 * `GET /api/decisions?route=&outcome=&code=&text=`: an event stream (the HTML standard, server-sent events) of what is
 * decided from now on. `decisions` holds a list of the log's own lines, `dropped` how many were not sent because they
 * came too fast for it or for whoever reads.
 */
export const watchDecisions: Endpoint = ({ query, gateway, alive }) => {
  for (const name of query.keys()) if (!FILTERS.has(name)) return 'admin.query'
  if (gateway.feed.watchers >= WATCHERS) return 'admin.watchers'
  const matches = filterOf(query)
  return { stream: response => stream(response, gateway.feed, matches, alive) }
}

function stream(
  response: ServerResponse,
  feed: DecisionFeed,
  matches: (record: AuditRecord) => boolean,
  alive: () => boolean,
): void {
  let lines: string[] = []
  let dropped = 0
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
  response.write(': watching\n\n')
  const stop = feed.watch(
    (record, now) => {
      if (!matches(record)) return
      if (lines.length >= HANDFUL || response.writableNeedDrain) dropped++
      else lines.push(auditLine(record, now).slice(0, -1))
    },
    // Whether they would have matched is not known.
    count => {
      dropped += count
    },
  )
  const flush = setInterval(() => {
    if (response.writableNeedDrain) return
    if (lines.length > 0) response.write(`event: decisions\ndata: [${lines.join(',')}]\n\n`)
    if (dropped > 0) response.write(`event: dropped\ndata: ${dropped}\n\n`)
    lines = []
    dropped = 0
  }, FLUSH_MS)
  const beat = setInterval(() => {
    if (!alive()) response.end()
    else if (!response.writableNeedDrain) response.write(': beat\n\n')
  }, BEAT_MS)
  response.once('close', () => {
    stop()
    clearInterval(flush)
    clearInterval(beat)
  })
}

/** Every filter that is given has to match: route and outcome whole, code from its start, text anywhere. */
function filterOf(query: URLSearchParams): (record: AuditRecord) => boolean {
  const [route, outcome, code, text] = ['route', 'outcome', 'code', 'text'].map(name => query.get(name) || undefined)
  const part = text?.toLowerCase()
  return record => {
    if (route !== undefined && (record.route ?? '') !== route) return false
    if (outcome !== undefined && record.outcome !== outcome) return false
    if (code !== undefined && !record.code?.startsWith(code)) return false
    if (part === undefined) return true
    const { source, path, principal, keyName, eventId, requestId, method } = record
    return [source, path, principal, keyName, eventId, requestId, method].some(each =>
      each?.toLowerCase().includes(part),
    )
  }
}
