import type { MessagePort } from 'node:worker_threads'
import type { AuditRecord } from '../../observe/audit.ts'
import type { BridgeReading } from '../../observe/bridge-metrics.ts'
import type { Capture } from '../../observe/captures.ts'
import type { DecisionFeed } from '../../observe/decision-feed.ts'
import type { ListenerCounters, Metrics } from '../../observe/metrics.ts'
import type { RouteTally } from '../../observe/route-counters.ts'
import type { TelemetryReading } from '../../observe/telemetry-metrics.ts'
import type { KeptRequests } from '../kept-requests.ts'
import type { FromWorker, News } from './messages.ts'

/** Milliseconds between two letters, and how many characters of log lines make one at once. */
const EVERY_MS = 100
const LINES = 16_384
/** Records that are told in one letter while somebody watches; what is more is counted. */
const RECORDS = 100

interface Sources {
  readonly metrics: Metrics
  readonly kept: KeptRequests
  readonly feed: DecisionFeed
  bridges(): Iterable<BridgeReading>
  telemetry(): TelemetryReading | undefined
}

/**
 * What a worker tells the gate of: log lines, counts, requests that it has kept. Everything is gathered, so that a
 * request costs no message.
 */
export class Outbox {
  readonly #port: MessagePort
  readonly #fresh = new Set<string>()
  readonly #listeners = new Map<string, string>()
  readonly #timer: NodeJS.Timeout
  #sources: Sources | undefined
  #lines = ''
  /** What was told last. */
  readonly #standing = { bridges: '[]', telemetry: '' }
  #missed = 0
  #records: (readonly [record: AuditRecord, now: number])[] = []
  #lost = 0
  #unwatch: (() => void) | undefined

  constructor(port: MessagePort) {
    this.#port = port
    this.#timer = setInterval(() => this.flush(), EVERY_MS).unref()
  }

  /** Takes finished log lines. */
  write(lines: string): void {
    this.#lines += lines
    if (this.#lines.length >= LINES) this.flush()
  }

  /** Hands in what is told of, once it is there. */
  attend(sources: Sources): void {
    this.#sources = sources
    sources.kept.capturing.watch(id => this.#fresh.add(id))
  }

  /** Tells every record from now on, or no longer. */
  watch(on: boolean): void {
    this.#unwatch?.()
    this.#unwatch = on
      ? this.#sources?.feed.watch((record, now) => {
          if (this.#records.length < RECORDS) this.#records.push([record, now])
          else this.#lost++
        })
      : undefined
  }

  flush(): void {
    const news = this.#gather()
    if (Object.keys(news).length === 0) return
    const message: FromWorker = { news }
    this.#port.postMessage(message)
  }

  close(): void {
    clearInterval(this.#timer)
    this.flush()
  }

  #gather(): News {
    const lines = this.#lines
    this.#lines = ''
    return { ...(lines === '' ? {} : { lines }), ...(this.#sources ? this.#counted(this.#sources) : {}) }
  }

  #counted({ metrics, kept, ...sources }: Sources): News {
    const tallies = [...talliesOf(metrics)]
    const listeners = this.#changedListeners(metrics)
    const bridges = [...sources.bridges()]
    const telemetry = sources.telemetry()
    const captures = [...this.#captures(kept)]
    const decisions = kept.decisions.drain()
    const missed = kept.captures.missed - this.#missed
    this.#missed = kept.captures.missed
    const records = this.#records
    const lost = this.#lost
    this.#records = []
    this.#lost = 0
    return {
      ...(tallies.length > 0 ? { tallies } : {}),
      ...(listeners.length > 0 ? { listeners } : {}),
      ...(this.#isNews('bridges', bridges) ? { bridges } : {}),
      ...(telemetry && this.#isNews('telemetry', telemetry) ? { telemetry } : {}),
      ...(captures.length > 0 ? { captures } : {}),
      ...(decisions.length > 0 ? { decisions } : {}),
      ...(missed > 0 ? { missed } : {}),
      ...(records.length > 0 ? { records } : {}),
      ...(lost > 0 ? { lost } : {}),
    }
  }

  #changedListeners(metrics: Metrics): (readonly [name: string, counters: ListenerCounters])[] {
    const changed: (readonly [name: string, counters: ListenerCounters])[] = []
    for (const [name, { connections, inFlight }] of metrics.listeners()) {
      const now = `${connections} ${inFlight}`
      if (this.#listeners.get(name) === now) continue
      this.#listeners.set(name, now)
      changed.push([name, { connections, inFlight }])
    }
    return changed
  }

  #isNews(what: 'bridges' | 'telemetry', standing: object): boolean {
    const now = JSON.stringify(standing)
    if (now === this.#standing[what]) return false
    this.#standing[what] = now
    return true
  }

  *#captures({ captures }: KeptRequests): Generator<Capture> {
    for (const id of this.#fresh) {
      const capture = captures.get(id, 0)
      if (capture !== undefined) yield alone(capture)
    }
    this.#fresh.clear()
  }
}

function* talliesOf(metrics: Metrics): Generator<readonly [route: string, tally: RouteTally]> {
  const unmatched = metrics.unmatched.drain()
  if (unmatched) yield ['', unmatched]
  for (const [name, counters] of metrics.routes()) {
    const tally = counters.drain()
    if (tally) yield [name, tally]
  }
}

/** A part of a buffer would take all of it along. */
function alone(capture: Capture): Capture {
  const { body, clientCertificates } = capture.request
  const request = {
    ...capture.request,
    body: Buffer.from(new Uint8Array(body).buffer),
    clientCertificates: clientCertificates.map(der => Buffer.from(new Uint8Array(der).buffer)),
  }
  return { ...capture, request }
}
