import { type Clock, systemClock } from '../core/clock.ts'
import type { Evidence, EvidenceValue } from '../core/decision.ts'
import { RepeatedPair, RepeatedText } from '../core/repeated-text.ts'
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
    metrics.record(record, now)
    decisions?.add(record, now)
    if (writes[levelOf(record)]) log.line(auditLine(record, now))
    feed?.tell?.(record, now)
  }
}

/** The record as one JSON line, its line feed included. */
export function auditLine(record: AuditRecord, epochMs: number): string {
  let line = whenOf(levelOf(record), epochMs)
  if (record.eventId === undefined) line += whoAndWhere.of(whoOf(record), whereOf(record))
  else line += `${whoOf(record)},"event-id":${quote(bounded(record.eventId, NAME))}${whereOf(record)}`
  line += sizeOf(record) + millis(record.totalMs)
  if (record.upstreamMs > 0) line += `,"upstream-ms":${millis(record.upstreamMs)}`
  if (record.attempts !== undefined && record.attempts !== 1) line += `,"attempts":${record.attempts}`
  if (record.queuedMs !== undefined && record.queuedMs > 0) line += `,"queued-ms":${millis(record.queuedMs)}`
  return `${line}${reasonOf(record)},"request-id":${quote(record.requestId)}}\n`
}

const evidenceAndRemedy = new RepeatedPair()

/** From `evidence` to `remedy`. */
function reasonOf({ evidence, wouldRefuse, remedy }: AuditRecord): string {
  const said = evidence === undefined ? '' : evidenceOf(evidence)
  const mend = remedy === undefined ? '' : remedyOf(remedy)
  if (wouldRefuse === undefined) return said === '' || mend === '' ? said + mend : evidenceAndRemedy.of(said, mend)
  const told = wouldRefuse.map(({ check, code, evidence }) => ({ check, code, evidence }))
  return `${said},"would-refuse":${escapeDeceptive(JSON.stringify(plain(told, DEEP) ?? null))}${mend}`
}

let when = { level: '', epochMs: -1 }
const whenText = new RepeatedText()

/** `level` and `time`. */
function whenOf(level: Level, epochMs: number): string {
  if (when.epochMs === epochMs && when.level === level) return whenText.again()
  when = { level, epochMs }
  return whenText.renew(`{"level":"${level}","time":"${timestamp(epochMs)}"`)
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

const whoAndWhere = new RepeatedPair()
let where = { listener: '', method: '', path: '' }
const whereText = new RepeatedText()

/** From `listener` to `path`. */
function whereOf({ listener, method, path }: AuditRecord): string {
  if (where.path === path && where.method === method && where.listener === listener) return whereText.again()
  where = { listener, method, path }
  const told = `,"listener":${quoteKnown(listener)},"method":${quote(bounded(method, METHOD))}`
  return whereText.renew(`${told},"path":${quote(bounded(path, PATH))}`)
}

let size = { bytesIn: -1, bytesOut: -1 }
const sizeText = new RepeatedText()

/** From `bytes-in` to the name of `ms`. */
function sizeOf({ bytesIn, bytesOut }: AuditRecord): string {
  if (size.bytesIn === bytesIn && size.bytesOut === bytesOut) return sizeText.again()
  size = { bytesIn, bytesOut }
  return sizeText.renew(`,"bytes-in":${bytesIn},"bytes-out":${bytesOut},"ms":`)
}

let evidenceBefore: Evidence | undefined
const evidenceText = new RepeatedText()

/** Checks give the same object for what they have said before. */
function evidenceOf(evidence: Evidence): string {
  if (evidence === evidenceBefore) return evidenceText.again()
  evidenceBefore = evidence
  return evidenceText.renew(`,"evidence":${evidenceJson(evidence)}`)
}

let remedyBefore = ''
const remedyText = new RepeatedText()

function remedyOf(remedy: string): string {
  if (remedy === remedyBefore) return remedyText.again()
  remedyBefore = remedy
  return remedyText.renew(`,"remedy":${quote(remedy)}`)
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
