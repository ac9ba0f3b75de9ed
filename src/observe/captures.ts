import type { CapturedRequest, WouldRefuse } from '../core/captured.ts'
import type { AuditRecord } from './audit.ts'
import { Fullest, type Weighed } from './fullest.ts'

/** A request that was kept, and what was recorded of it. In memory it is as it was received: mask it before it leaves. */
export interface Capture {
  readonly request: CapturedRequest
  readonly record: AuditRecord
  /** The refusal's code; the first that a reporting check would have given; or `upstream.STATUS`. */
  readonly code: string
  readonly wouldRefuse: readonly WouldRefuse[]
  /** The name of who was authenticated, and by which check, as far as the request came. */
  readonly principal: { readonly name: string; readonly by: string } | undefined
  /** From a file of an earlier run: masked, so that nothing can be tried over it. */
  readonly restored?: boolean
  /** The explanation that was made before it was masked; absent: it is made when it is asked for. */
  readonly explained?: unknown
}

export interface CaptureLimits {
  /** How many; 0: none. */
  readonly keep: number
  /** Milliseconds. */
  readonly age: number
}

export interface CaptureQuery {
  readonly route?: string | undefined
  readonly code?: string | undefined
  /** Epoch milliseconds. */
  readonly since?: number | undefined
  readonly limit?: number | undefined
}

/** Kept a second of one route and code, and of one source among them: a flood costs no more than counting it. */
const GROUP_RATE = 50
export const SOURCE_RATE = 10
/** Bytes of all captures together. */
const ROOM = 32 * 1024 * 1024
/** What one takes beside its header fields and body. */
const OVERHEAD = 1024
/** Bytes that weigh as much as one capture. */
const WEIGHT = 4096

interface Source extends Weighed {
  readonly kept: Map<string, Entry>
  second: number
  taken: number
}

interface Group extends Weighed {
  readonly sources: Map<string, Source>
  readonly fullest: Fullest<Source>
  second: number
  taken: number
}

interface Entry {
  capture: Capture
  readonly group: Group
  readonly source: Source
  bytes: number
  weight: number
}

/**
 * The last refused and failed requests, bounded in count, bytes and age. What is too many is taken from whoever has most:
 * of the routes and codes the fullest, and in it of the sources; so one noisy sender pushes out its own alone. What is
 * not kept is counted.
 */
export class Captures {
  readonly #byId = new Map<string, Entry>()
  #groups = new Map<string, Map<string, Group>>()
  readonly #fullest = new Fullest<Group>()
  #limits: CaptureLimits = { keep: 0, age: 0 }
  #bytes = 0
  /** Requests that were not kept because too many like them came at once. */
  missed = 0
  #dropped: (id: string) => void = () => undefined

  /** @param now epoch milliseconds */
  configure(limits: CaptureLimits, now: number): void {
    this.#limits = limits
    this.sweep(now)
    this.#bound()
    // Names that are gone with the last config.
    for (const [route, codes] of this.#groups) {
      for (const [code, group] of codes) if (group.weight === 0) codes.delete(code)
      if (codes.size === 0) this.#groups.delete(route)
    }
  }

  /** Whether a request is to be kept; what is not is counted. Asked before anything is made of it. @param now epoch milliseconds */
  wants(route: string | undefined, code: string, source: string, now: number): boolean {
    if (this.#limits.keep === 0) return false
    const group = this.#groupOf(route ?? '', code)
    const second = Math.floor(now / 1000)
    if (group.second !== second) {
      group.second = second
      group.taken = 0
    }
    const sender = group.sources.get(source)
    if (sender !== undefined && sender.second !== second) {
      sender.second = second
      sender.taken = 0
    }
    if (group.taken >= GROUP_RATE || (sender !== undefined && sender.taken >= SOURCE_RATE)) {
      this.missed++
      return false
    }
    group.taken++
    return true
  }

  /** Hands in who is told of each that is let go. */
  watch(dropped: (id: string) => void): void {
    this.#dropped = dropped
  }

  /** Takes one of an earlier run, however many of its kind there are. @param now epoch milliseconds */
  restore(capture: Capture, now: number): void {
    if (!this.#byId.has(capture.request.id)) this.keep(capture, now)
  }

  /** Keeps one that `wants` has said yes to. @param now epoch milliseconds */
  keep(capture: Capture, now: number): void {
    const { request, record, code } = capture
    const group = this.#groupOf(record.route ?? '', code)
    let source = group.sources.get(record.source)
    if (source === undefined) {
      source = { weight: 0, kept: new Map(), second: Math.floor(now / 1000), taken: 0 }
      group.sources.set(record.source, source)
    }
    source.taken++
    const entry: Entry = { capture, group, source, bytes: 0, weight: 0 }
    this.#byId.set(request.id, entry)
    source.kept.set(request.id, entry)
    this.#weigh(entry)
    this.sweep(now)
    this.#bound()
  }

  /** Puts another in the place of one that is still kept: more of its body has come. */
  replace(capture: Capture): void {
    const entry = this.#byId.get(capture.request.id)
    if (entry === undefined) return
    entry.capture = capture
    this.#weigh(entry)
    this.#bound()
  }

  get(id: string, now: number): Capture | undefined {
    this.sweep(now)
    return this.#byId.get(id)?.capture
  }

  /** The latest first. */
  list({ route, code, since = 0, limit = 100 }: CaptureQuery, now: number): readonly Capture[] {
    this.sweep(now)
    const found: Capture[] = []
    for (const { capture } of [...this.#byId.values()].reverse()) {
      if (found.length >= limit) break
      if (capture.request.receivedAt < since) continue
      if (route !== undefined && capture.record.route !== route) continue
      if (code !== undefined && capture.code !== code && !capture.wouldRefuse.some(each => each.code === code)) continue
      found.push(capture)
    }
    return found
  }

  /** Lets go of what is too old. @param now epoch milliseconds */
  sweep(now: number): void {
    for (const entry of this.#byId.values()) {
      if (entry.capture.request.receivedAt >= now - this.#limits.age) return
      this.#drop(entry)
    }
  }

  get size(): number {
    return this.#byId.size
  }

  get bytes(): number {
    return this.#bytes
  }

  #groupOf(route: string, code: string): Group {
    let codes = this.#groups.get(route)
    if (codes === undefined) {
      codes = new Map()
      this.#groups.set(route, codes)
    }
    let group = codes.get(code)
    if (group === undefined) {
      group = { weight: 0, sources: new Map(), fullest: new Fullest(), second: 0, taken: 0 }
      codes.set(code, group)
    }
    return group
  }

  #weigh(entry: Entry): void {
    const bytes = sizeOf(entry.capture)
    const weight = 1 + Math.floor(bytes / WEIGHT)
    this.#bytes += bytes - entry.bytes
    entry.group.fullest.add(entry.source, weight - entry.weight)
    this.#fullest.add(entry.group, weight - entry.weight)
    entry.bytes = bytes
    entry.weight = weight
  }

  #bound(): void {
    while (this.#byId.size > this.#limits.keep || this.#bytes > ROOM) this.#dropOne()
  }

  #dropOne(): void {
    const oldest = this.#fullest.first?.fullest.first?.kept.values().next().value
    if (oldest === undefined) throw new Error('captures are counted that are not there')
    this.#drop(oldest)
  }

  #drop(entry: Entry): void {
    const { capture, group, source, weight } = entry
    const { id } = capture.request
    this.#byId.delete(id)
    this.#dropped(id)
    source.kept.delete(id)
    this.#bytes -= entry.bytes
    group.fullest.add(source, -weight)
    if (source.kept.size === 0) group.sources.delete(capture.record.source)
    this.#fullest.add(group, -weight)
  }
}

function sizeOf({ request }: Capture): number {
  let bytes = OVERHEAD + request.body.length + request.target.length
  for (const text of request.rawHeaders) bytes += text.length
  for (const der of request.clientCertificates) bytes += der.length
  return bytes
}
