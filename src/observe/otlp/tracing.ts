import { randomHex } from '../../core/random-hex.ts'
import { readTraceparent, type Trace } from '../../core/trace.ts'
import type { AuditRecord } from '../audit.ts'

/** What a span tells of a request beside its record. */
export interface RequestFacts {
  readonly encrypted: boolean
  /** The Host field; empty where it could not be read. */
  readonly authority: string
  /** `1.1` */
  readonly version: string
  /** Milliseconds from its beginning until it was sent upstream; `undefined` where it was not. */
  readonly sentMs: number | undefined
}

/** A request that has ended. */
export interface EndedRequest {
  readonly record: AuditRecord
  readonly facts: RequestFacts
  readonly trace: RequestTrace
  /** Epoch milliseconds. */
  readonly endedAt: number
}

const STATE = /^[\x20-\x7e]{1,512}$/
/** Thirteen digits of hex are what a double holds whole. */
const DIGITS = 13
const RANGE = 16 ** DIGITS

/** Begins the trace of each request of a gate, and hands on what has ended. */
export class Tracing {
  readonly #threshold: number
  readonly #take: (ended: EndedRequest) => void

  /** @param sample the share, between 0 and 1, of traces without a parent that is recorded. */
  constructor(sample: number, take: (ended: EndedRequest) => void) {
    this.#threshold = (1 - sample) * RANGE
    this.#take = take
  }

  /** @param parent the `traceparent` and `tracestate` of a trusted proxy; a stranger's are not to be continued */
  start(parent?: string, state?: string): RequestTrace {
    const from = parent === undefined ? undefined : readTraceparent(parent)
    const traceId = from?.traceId ?? randomHex(16)
    // The random part of a trace id, so that others who sample the same share choose the same traces.
    const sampled = from?.sampled ?? Number.parseInt(traceId.slice(18, 18 + DIGITS), 16) >= this.#threshold
    return new RequestTrace(
      traceId,
      from?.spanId,
      sampled,
      from && state && STATE.test(state) ? state : undefined,
      this.#take,
    )
  }
}

/** One request's part of a trace: the span of the request, and below it that of what is sent upstream. */
export class RequestTrace implements Trace {
  readonly traceId: string
  /** The proxy's span; `undefined` where the trace begins here. */
  readonly parentId: string | undefined
  readonly sampled: boolean
  readonly tracestate: string | undefined
  readonly clientId = randomHex(8)
  readonly #take: (ended: EndedRequest) => void

  constructor(
    traceId: string,
    parentId: string | undefined,
    sampled: boolean,
    tracestate: string | undefined,
    take: (ended: EndedRequest) => void,
  ) {
    this.traceId = traceId
    this.parentId = parentId
    this.sampled = sampled
    this.tracestate = tracestate
    this.#take = take
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.clientId}-${this.sampled ? '01' : '00'}`
  }

  end(record: AuditRecord, facts: RequestFacts, endedAt: number): void {
    this.#take({ record, facts, trace: this, endedAt })
  }
}
