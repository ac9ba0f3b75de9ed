import type { BridgeReading } from '../../observe/bridge-metrics.ts'
import type { Capture } from '../../observe/captures.ts'
import type { DecisionFeed } from '../../observe/decision-feed.ts'
import type { Log } from '../../observe/log.ts'
import type { ListenerCounters, Metrics } from '../../observe/metrics.ts'
import type { TelemetryReading } from '../../observe/telemetry-metrics.ts'
import type { KeptRequests } from '../kept-requests.ts'
import type { News } from './messages.ts'

export interface InboxOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly kept: KeptRequests
  readonly feed: DecisionFeed
  /** Is called where a worker has told how its telemetry stands. */
  readonly telemetryTold: () => void
}

/** What a worker counts that is as it stands, and not since it last told. */
interface Standing {
  readonly listeners: Map<string, ListenerCounters>
  bridges: readonly BridgeReading[]
  telemetry: TelemetryReading | undefined
}

/** Puts together what workers tell, so that it is read as if one had counted it all. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #standing = new Map<object, Standing>()
  /** By route: what workers have counted that have ended since. */
  readonly #ended = new Map<string, BridgeReading>()

  /** The same of telemetry. */
  #sent: TelemetryReading | undefined

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** @param worker who tells */
  take(worker: object, news: News): void {
    const { log, metrics, kept, feed } = this.#options
    if (news.lines !== undefined) log.lines(news.lines)
    for (const [route, tally] of news.tallies ?? []) metrics.merge(route, tally)
    for (const decision of news.decisions ?? []) kept.decisions.put(decision)
    for (const capture of news.captures ?? []) kept.capturing.take(received(capture))
    kept.captures.missed += news.missed ?? 0
    for (const [record, now] of news.records ?? []) feed.tell?.(record, now)
    if (news.lost !== undefined) feed.lose(news.lost)
    const { listeners = [], bridges, telemetry } = news
    const standing = this.#standingOf(worker)
    if (telemetry !== undefined) {
      standing.telemetry = telemetry
      this.#options.telemetryTold()
    }
    if (bridges !== undefined) standing.bridges = bridges
    for (const [name, counters] of listeners) standing.listeners.set(name, counters)
    for (const [name] of listeners) this.#sum(name)
  }

  /** What a worker that has ended has counted stays; what it held is gone. */
  forget(worker: object): void {
    const standing = this.#standing.get(worker)
    if (standing === undefined) return
    this.#standing.delete(worker)
    for (const name of standing.listeners.keys()) this.#sum(name)
    if (standing.telemetry)
      this.#sent = { ...sumOf([standing.telemetry, ...(this.#sent ? [this.#sent] : [])]), trouble: {} }
    for (const reading of standing.bridges) {
      const gone: BridgeReading = { ...reading, breaker: undefined, waiting: undefined }
      const before = this.#ended.get(reading.route)
      this.#ended.set(reading.route, before ? together(before, gone) : gone)
    }
  }

  /** How the bridges of all workers stand, one reading a route: a breaker that is open for one is told as open. */
  bridges(): Iterable<BridgeReading> {
    const sums = new Map<string, BridgeReading>()
    for (const { bridges } of this.#standing.values())
      for (const reading of bridges) {
        const before = sums.get(reading.route) ?? this.#ended.get(reading.route)
        sums.set(reading.route, before ? together(before, reading) : reading)
      }
    return sums.values()
  }

  /** What has become of the telemetry of all workers; `undefined` where there is none. */
  telemetry(): TelemetryReading | undefined {
    const readings = [...this.#standing.values()].flatMap(({ telemetry }) => telemetry ?? [])
    if (this.#sent) readings.push(this.#sent)
    return readings.length === 0 ? undefined : sumOf(readings)
  }

  #standingOf(worker: object): Standing {
    const known = this.#standing.get(worker)
    if (known) return known
    const standing: Standing = { listeners: new Map(), bridges: [], telemetry: undefined }
    this.#standing.set(worker, standing)
    return standing
  }

  #sum(name: string): void {
    const sum = this.#options.metrics.listener(name)
    sum.connections = 0
    sum.inFlight = 0
    for (const { listeners } of this.#standing.values()) {
      const counters = listeners.get(name)
      sum.connections += counters?.connections ?? 0
      sum.inFlight += counters?.inFlight ?? 0
    }
  }
}

const BREAKERS = ['closed', 'half-open', 'open'] as const

function together(a: BridgeReading, b: BridgeReading): BridgeReading {
  const worst = BREAKERS.findLast(state => a.breaker === state || b.breaker === state)
  const tokens = a.tokens && b.tokens
  return {
    route: a.route,
    waiting: a.waiting === undefined && b.waiting === undefined ? undefined : (a.waiting ?? 0) + (b.waiting ?? 0),
    retries: a.retries + b.retries,
    breaker: worst,
    tokens: tokens
      ? { fetched: (a.tokens?.fetched ?? 0) + tokens.fetched, failed: (a.tokens?.failed ?? 0) + tokens.failed }
      : (a.tokens ?? b.tokens),
  }
}

/** What several threads have sent, and what the last of them that has trouble says of it. */
function sumOf(readings: Iterable<TelemetryReading>): TelemetryReading {
  const sum = { spans: { exported: 0, failed: 0, dropped: 0 }, metrics: { exported: 0, failed: 0, dropped: 0 } }
  let trouble: TelemetryReading['trouble'] = {}
  for (const reading of readings) {
    trouble = { ...trouble, ...reading.trouble }
    for (const signal of ['spans', 'metrics'] as const)
      for (const result of ['exported', 'failed', 'dropped'] as const) sum[signal][result] += reading[signal][result]
  }
  return { ...sum, trouble }
}

/** A message brings bytes as plain arrays of them. */
function received(capture: Capture): Capture {
  const { body, clientCertificates } = capture.request
  const request = { ...capture.request, body: bytes(body), clientCertificates: clientCertificates.map(bytes) }
  return { ...capture, request }
}

const bytes = (array: Uint8Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
