import type { AuditRecord } from './audit.ts'
import { type BucketCounts, Buckets } from './buckets.ts'

/** How many keys of a route are counted by name; the rest share one series, so that a million tokens stay one scrape. */
const KEYS = 1000
export const OTHER_KEYS = '(other)'

interface Count {
  value: number
}

interface KeyCount extends Count {
  /** Epoch milliseconds of the last use; 0: none. */
  usedAt: number
}

/** What one route has counted since it was last asked, to be added to another's counters. */
export interface RouteTally {
  readonly forwarded: number
  readonly duplicate: number
  readonly replied: number
  readonly answers: readonly Named<number>[]
  readonly refused: readonly Named[]
  readonly failed: readonly Named[]
  readonly wouldRefuse: readonly Named[]
  /** With the epoch milliseconds of the last use. */
  readonly keys: readonly (readonly [name: string, uses: number, usedAt: number])[]
  readonly total: BucketCounts
  readonly upstream: BucketCounts
  readonly bytesIn: number
  readonly bytesOut: number
}

type Named<Name = string> = readonly [name: Name, count: number]

/** What one route has counted. Plain numbers: prom-client reads them when it is scraped. */
export class RouteCounters {
  forwarded = 0
  duplicate = 0
  replied = 0
  /** Of `forwarded`, by the status that the upstream answered. */
  readonly answers = new Map<number, Count>()
  readonly refused = new Map<string, Count>()
  readonly failed = new Map<string, Count>()
  /** By check and code, a line feed between. */
  readonly wouldRefuse = new Map<string, Count>()
  readonly keys = new Map<string, KeyCount>()
  readonly total = new Buckets()
  readonly upstream = new Buckets()
  bytesIn = 0
  bytesOut = 0
  online = true

  /** Gives each key that the config names its series before anybody uses it. */
  expectKeys(names: Iterable<string>): void {
    for (const name of names) if (this.keys.size < KEYS) this.#keyOf(name)
  }

  /** @param now epoch milliseconds */
  add(record: AuditRecord, now: number): void {
    const { outcome } = record
    if (outcome === 'refused' || outcome === 'failed') count(this[outcome], record.code ?? '')
    else this[outcome]++
    if (record.wouldRefuse !== undefined)
      for (const { check, code } of record.wouldRefuse) count(this.wouldRefuse, `${check}\n${code}`)
    // Where the sender had gone, the record has no status.
    if (outcome === 'forwarded' && record.status !== 0) count(this.answers, record.status)
    if (record.keyName !== undefined) this.#use(record.keyName, now)
    this.bytesIn += record.bytesIn
    this.bytesOut += record.bytesOut
    this.total.observe(record.totalMs / 1000)
    if (record.upstreamMs > 0) this.upstream.observe(record.upstreamMs / 1000)
  }

  /** Hands over what was counted, and begins anew; `undefined` where it was nothing. */
  drain(): RouteTally | undefined {
    if (this.total.count === 0) return undefined
    const { forwarded, duplicate, replied, bytesIn, bytesOut } = this
    this.forwarded = this.duplicate = this.replied = this.bytesIn = this.bytesOut = 0
    const keys: RouteTally['keys'][number][] = []
    for (const [name, key] of this.keys) {
      if (key.value > 0) keys.push([name, key.value, key.usedAt])
      key.value = 0
    }
    const counts = { forwarded, duplicate, replied, bytesIn, bytesOut, keys }
    const named = { answers: drained(this.answers), refused: drained(this.refused), failed: drained(this.failed) }
    const wouldRefuse = drained(this.wouldRefuse)
    return { ...counts, ...named, wouldRefuse, total: this.total.drain(), upstream: this.upstream.drain() }
  }

  merge(tally: RouteTally): void {
    this.forwarded += tally.forwarded
    this.duplicate += tally.duplicate
    this.replied += tally.replied
    this.bytesIn += tally.bytesIn
    this.bytesOut += tally.bytesOut
    for (const [status, value] of tally.answers) count(this.answers, status, value)
    for (const [name, value] of tally.refused) count(this.refused, name, value)
    for (const [name, value] of tally.failed) count(this.failed, name, value)
    for (const [name, value] of tally.wouldRefuse) count(this.wouldRefuse, name, value)
    for (const [name, uses, usedAt] of tally.keys) this.#use(name, usedAt, uses)
    this.total.merge(tally.total)
    this.upstream.merge(tally.upstream)
  }

  #use(name: string, now: number, uses = 1): void {
    const key = this.keys.get(name) ?? this.#keyOf(this.keys.size < KEYS ? name : OTHER_KEYS)
    key.value += uses
    key.usedAt = Math.max(key.usedAt, now)
  }

  #keyOf(name: string): KeyCount {
    const known = this.keys.get(name)
    if (known) return known
    const fresh = { value: 0, usedAt: 0 }
    this.keys.set(name, fresh)
    return fresh
  }

  /** Of `forwarded`, those that the upstream answered with a status of the class: 5 for 5xx. */
  answered(statusClass: 4 | 5): number {
    let sum = 0
    for (const [status, { value }] of this.answers) if (Math.floor(status / 100) === statusClass) sum += value
    return sum
  }

  /** Every outcome and code that was counted; `forwarded` from the start, so that its rate has a first sample. */
  *outcomes(): Generator<readonly [outcome: string, code: string, value: number]> {
    yield ['forwarded', '', this.forwarded]
    if (this.duplicate > 0) yield ['duplicate', '', this.duplicate]
    if (this.replied > 0) yield ['replied', '', this.replied]
    for (const [code, { value }] of this.refused) yield ['refused', code, value]
    for (const [code, { value }] of this.failed) yield ['failed', code, value]
  }
}

function count<Name>(counts: Map<Name, Count>, name: Name, value = 1): void {
  const known = counts.get(name)
  if (known) known.value += value
  else counts.set(name, { value })
}

function drained<Name>(counts: Map<Name, Count>): Named<Name>[] {
  const named: Named<Name>[] = []
  for (const [name, count] of counts) {
    if (count.value > 0) named.push([name, count.value])
    count.value = 0
  }
  return named
}
