import type { WouldRefuse } from '../core/captured.ts'
import type { Evidence } from '../core/decision.ts'

/** The one record of one request; the log line and every metric are made from it. */
export interface AuditRecord {
  readonly requestId: string
  readonly listener: string
  /** `undefined` where no route matched. */
  readonly route: string | undefined
  readonly method: string
  /** Without the query, which may hold credentials. */
  readonly path: string
  /** Canonical address text, or `unix`. */
  readonly source: string
  /**
   * `forwarded`: the upstream answered; `duplicate`, `replied`: the gate answered in its place; `refused`: a check or
   * the policy said no; `failed`: verified, but the upstream gave no answer, or the gate failed.
   */
  readonly outcome: 'forwarded' | 'duplicate' | 'replied' | 'refused' | 'failed'
  /** The refusal's code. */
  readonly code: string | undefined
  /** What the sender was answered. 0 where the connection ended first. */
  readonly status: number
  readonly principal: string | undefined
  /** The name of the secret or key that verified. */
  readonly keyName: string | undefined
  readonly eventId: string | undefined
  readonly evidence: Evidence | undefined
  readonly remedy: string | undefined
  /** What checks that only report would have refused; absent: nothing. */
  readonly wouldRefuse?: readonly WouldRefuse[] | undefined
  /** Of the body, as far as it was read. */
  readonly bytesIn: number
  /** It is known to have had no body: of what was refused by its head nobody knows, unless the head says so. Absent: not known. */
  readonly bodyless?: boolean
  readonly bytesOut: number
  /** Milliseconds, whole request. */
  readonly totalMs: number
  /** Milliseconds from sending upstream to its answer's end; 0 where nothing was sent. */
  readonly upstreamMs: number
  /** How often a bridge sent it; absent where the route is none. */
  readonly attempts?: number | undefined
  /** Milliseconds in which it waited for its turn to be sent. */
  readonly queuedMs?: number | undefined
}
