import type { AuditRecord } from './audit.ts'

/** One decision, or several that came in the same second and differ in nothing that was looked at. */
export interface Decision {
  /** Epoch milliseconds. */
  readonly time: number
  /** Empty: none matched. */
  readonly route: string
  /** The refusal's code; `upstream.STATUS` for an answer of the upstream from 400 on; empty: it went as it should. */
  readonly code: string
  readonly status: number
  readonly source: string
  /** The name of the secret or key that verified; empty: none did. */
  readonly key: string
  /** Of the body, as far as it was read. */
  readonly bytes: number
  /** See `AuditRecord`. */
  readonly bodyless: boolean
  readonly ms: number
  /** How many requests it stands for. */
  readonly weight: number
}

const ROOM = 16_384
/** Noted a second of one route, of those that went well and of those that did not; the rest is counted with the next. */
const WELL_RATE = 10
const ILL_RATE = 20

interface Lane {
  second: number
  readonly taken: [well: number, ill: number]
  readonly skipped: [well: number, ill: number]
}

/** The last decisions in few bytes each: a record of every request, that a busy route thins out and none outgrows. */
export class Decisions {
  readonly #times = new Float64Array(ROOM)
  readonly #statuses = new Uint16Array(ROOM)
  readonly #bytes = new Float64Array(ROOM)
  readonly #bodyless = new Uint8Array(ROOM)
  readonly #ms = new Float32Array(ROOM)
  readonly #weights = new Uint32Array(ROOM)
  readonly #routes: string[] = []
  readonly #codes: string[] = []
  readonly #sources: string[] = []
  readonly #keys: string[] = []
  readonly #lanes = new Map<string, Lane>()
  #next = 0
  /** Noted since `drain`. */
  #fresh = 0

  /** @param now epoch milliseconds */
  add(record: AuditRecord, now: number): void {
    const { route = '', outcome, status } = record
    const code = record.code ?? (outcome === 'forwarded' && status >= 400 ? `upstream.${status}` : '')
    const ill = code === '' ? 0 : 1
    let lane = this.#lanes.get(route)
    if (lane === undefined) {
      lane = { second: 0, taken: [0, 0], skipped: [0, 0] }
      this.#lanes.set(route, lane)
    }
    const second = Math.floor(now / 1000)
    if (lane.second !== second) {
      lane.second = second
      lane.taken[0] = 0
      lane.taken[1] = 0
    }
    if (++lane.taken[ill] > (ill === 0 ? WELL_RATE : ILL_RATE)) {
      lane.skipped[ill]++
      return
    }
    const at = this.#advance()
    this.#times[at] = now
    this.#statuses[at] = status
    this.#bytes[at] = record.bytesIn
    this.#bodyless[at] = record.bodyless === true ? 1 : 0
    this.#ms[at] = record.totalMs
    this.#weights[at] = 1 + lane.skipped[ill]
    lane.skipped[ill] = 0
    this.#routes[at] = route
    this.#codes[at] = code
    this.#sources[at] = record.source
    this.#keys[at] = record.keyName ?? ''
  }

  /** Takes one that another thread has noted. */
  put(decision: Decision): void {
    const at = this.#advance()
    this.#times[at] = decision.time
    this.#statuses[at] = decision.status
    this.#bytes[at] = decision.bytes
    this.#bodyless[at] = decision.bodyless ? 1 : 0
    this.#ms[at] = decision.ms
    this.#weights[at] = decision.weight
    this.#routes[at] = decision.route
    this.#codes[at] = decision.code
    this.#sources[at] = decision.source
    this.#keys[at] = decision.key
  }

  /** What was noted since it was last asked, in the order it came. */
  drain(): readonly Decision[] {
    const count = Math.min(this.#fresh, ROOM)
    this.#fresh = 0
    return Array.from({ length: count }, (_, i) => this.#read((this.#next - count + i + ROOM) % ROOM))
  }

  #advance(): number {
    const at = this.#next
    this.#next = at + 1 === ROOM ? 0 : at + 1
    this.#fresh++
    return at
  }

  #read(at: number): Decision {
    return {
      time: this.#times[at] ?? 0,
      route: this.#routes[at] ?? '',
      code: this.#codes[at] ?? '',
      status: this.#statuses[at] ?? 0,
      source: this.#sources[at] ?? '',
      key: this.#keys[at] ?? '',
      bytes: this.#bytes[at] ?? 0,
      bodyless: this.#bodyless[at] === 1,
      ms: this.#ms[at] ?? 0,
      weight: this.#weights[at] ?? 0,
    }
  }

  /** In the order they came. @param since epoch milliseconds */
  list(since = 0): readonly Decision[] {
    const found: Decision[] = []
    for (let i = 0; i < ROOM; i++) {
      const at = (this.#next + i) % ROOM
      const unused = this.#weights[at] === 0
      if (!unused && (this.#times[at] ?? 0) >= since) found.push(this.#read(at))
    }
    return found
  }

  /** Forgets how busy routes were that are gone. */
  setRoutes(names: Iterable<string>): void {
    const kept = new Set(names)
    for (const name of this.#lanes.keys()) if (name !== '' && !kept.has(name)) this.#lanes.delete(name)
  }
}
