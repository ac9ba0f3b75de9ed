import { type Clock, systemClock } from '../core/clock.ts'
import type { Evidence, EvidenceValue } from '../core/decision.ts'
import { RepeatedText } from '../core/repeated-text.ts'
import type { AuditRecord } from './audit.ts'
import type { DecisionFeed } from './decision-feed.ts'
import type { Decisions } from './decisions.ts'
import { plain } from './fields.ts'
import type { Level, Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { bounded, escapeDeceptive, quote } from './text.ts'
import { timestamp } from './timestamp.ts'

export type Recorder = (record: AuditRecord) => void

const LEVEL: Readonly<Record<AuditRecord['outcome'], Level>> = {
  forwarded: 'info',
  duplicate: 'info',
  replied: 'info',
  refused: 'warn',
  failed: 'error',
}
/** What an upstream refuses or fails is no trouble of the gate's, and somebody's all the same. */
const levelOf = ({ outcome, status }: AuditRecord): Level =>
  outcome === 'forwarded' && status >= 400 ? 'warn' : LEVEL[outcome]

// Characters. A sender writes its path, method and event id; a certificate names its holder.
const PATH = 512
const NAME = 256
const METHOD = 32
/** Of a piece of evidence, as `plain` bounds it or below. */
const TEXT = 1024
const ITEMS = 32
/** Levels of a list of refusals, each with its evidence. */
const DEEP = 6

/**
 * Tells the one record of a request: one log line, one count in each metric. The line is put together by hand, because
 * a general serialiser costs several times as much and this runs once a request.
 */
export function createRecorder({
  log,
  metrics,
  decisions,
  feed,
  clock = systemClock,
}: {
  readonly log: Log
  readonly metrics: Metrics
  readonly decisions?: Decisions
  readonly feed?: DecisionFeed
  readonly clock?: Clock
}): Recorder {
  const writes = { info: log.writes('info'), warn: log.writes('warn'), error: log.writes('error') }
  return record => {
    const now = clock.now()
    metrics.record(record)
    decisions?.add(record, now)
    if (writes[levelOf(record)]) log.line(auditLine(record, now))
    feed?.tell?.(record, now)
  }
}

/** The record as one JSON line, its line feed included. */
export function auditLine(record: AuditRecord, epochMs: number): string {
  let line = `{"level":"${levelOf(record)}","time":"${timestamp(epochMs)}"${whoOf(record)}`
  if (record.eventId !== undefined) line += `,"event-id":${quote(bounded(record.eventId, NAME))}`
  line += `${whereOf(record)},"bytes-in":${record.bytesIn},"bytes-out":${record.bytesOut},"ms":${millis(record.totalMs)}`
  if (record.upstreamMs > 0) line += `,"upstream-ms":${millis(record.upstreamMs)}`
  if (record.attempts !== undefined && record.attempts !== 1) line += `,"attempts":${record.attempts}`
  if (record.queuedMs !== undefined && record.queuedMs > 0) line += `,"queued-ms":${millis(record.queuedMs)}`
  if (record.evidence !== undefined) line += `,"evidence":${evidenceJson(record.evidence)}`
  if (record.wouldRefuse !== undefined) {
    const told = record.wouldRefuse.map(({ check, code, evidence }) => ({ check, code, evidence }))
    line += `,"would-refuse":${escapeDeceptive(JSON.stringify(plain(told, DEEP) ?? null))}`
  }
  if (record.remedy !== undefined) line += `,"remedy":${quote(record.remedy)}`
  return `${line},"request-id":${quote(record.requestId)}}\n`
}

type Who = Pick<AuditRecord, 'outcome' | 'code' | 'status' | 'source' | 'principal' | 'keyName'>

/** By route: what its last line begins with, which most have in common with the one before. */
const whos = new Map<string | undefined, { of: Who; readonly text: RepeatedText }>()

/** From `msg` to `key`. */
function whoOf(record: AuditRecord): string {
  const { outcome, route, code, status, source, principal, keyName } = record
  const last = whos.get(route)
  if (
    last !== undefined &&
    last.of.outcome === outcome &&
    last.of.code === code &&
    last.of.status === status &&
    last.of.source === source &&
    last.of.principal === principal &&
    last.of.keyName === keyName
  )
    return last.text.again()
  let text = `,"msg":"${outcome}"`
  if (route !== undefined) text += `,"route":${quoteKnown(route)}`
  if (code !== undefined) text += `,"code":${quoteKnown(code)}`
  text += `,"status":${status},"source":${quote(source)}`
  if (principal !== undefined) text += `,"principal":${quote(bounded(principal, NAME))}`
  if (keyName !== undefined) text += `,"key":${quote(bounded(keyName, NAME))}`
  const repeated = last?.text ?? new RepeatedText()
  const of = { outcome, code, status, source, principal, keyName }
  if (last !== undefined) last.of = of
  else if (whos.size < KNOWN) whos.set(route, { of, text: repeated })
  return repeated.renew(text)
}

let where = { listener: '', method: '', path: '' }
const whereText = new RepeatedText()

/** From `listener` to `path`. */
function whereOf({ listener, method, path }: AuditRecord): string {
  if (where.path === path && where.method === method && where.listener === listener) return whereText.again()
  where = { listener, method, path }
  const told = `,"listener":${quoteKnown(listener)},"method":${quote(bounded(method, METHOD))}`
  return whereText.renew(`${told},"path":${quote(bounded(path, PATH))}`)
}

const KNOWN = 10_000
const known = new Map<string, string>()

/** `text` of the config, of the catalogue or of the names of evidence, of which there are few, quoted once. */
function quoteKnown(text: string): string {
  let quoted = known.get(text)
  if (quoted === undefined) {
    quoted = quote(text)
    if (known.size < KNOWN) known.set(text, quoted)
  }
  return quoted
}

/** As `plain` makes it, without making it: evidence is flat but for lists, and short. */
function evidenceJson(evidence: Evidence): string {
  const names = Object.keys(evidence)
  if (names.length > ITEMS) return general(evidence)
  let json = ''
  for (const name of names) {
    const value = valueJson(evidence[name])
    if (value === undefined || name.length > NAME) return general(evidence)
    json += json === '' ? `{${quoteKnown(name)}:${value}` : `,${quoteKnown(name)}:${value}`
  }
  return json === '' ? '{}' : `${json}}`
}

function general(evidence: Evidence): string {
  return escapeDeceptive(JSON.stringify(plain(evidence) ?? null))
}

/** `undefined` where it is left to `plain`. */
function valueJson(value: EvidenceValue | undefined): string | undefined {
  if (typeof value === 'string') return value.length <= TEXT ? quote(value) : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : undefined
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (!Array.isArray(value) || value.length > ITEMS) return undefined
  let json = ''
  for (const item of value) {
    const inner = Array.isArray(item) ? undefined : valueJson(item)
    if (inner === undefined) return undefined
    json += json === '' ? `[${inner}` : `,${inner}`
  }
  return json === '' ? '[]' : `${json}]`
}

const FRACTION = Array.from({ length: 1000 }, (_, i) => (i === 0 ? '' : `.${String(i).padStart(3, '0')}`))

/** Milliseconds to the microsecond. By whole numbers: writing a double costs more than the rest of the line. */
function millis(ms: number): string {
  const micros = ms > 0 ? Math.round(ms * 1000) : 0
  const whole = Math.floor(micros / 1000)
  return whole + (FRACTION[micros - whole * 1000] ?? '')
}
