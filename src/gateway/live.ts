import type { Clock } from '../core/clock.ts'
import type { NetworkTable } from '../core/network-table.ts'
import type { AuditRecord } from '../observe/audit.ts'
import type { Tracing } from '../observe/otlp/tracing.ts'
import type { RouteTable } from '../pipeline/match.ts'
import type { Challenges } from '../tls/acme/challenges.ts'
import type { Capturing } from './capturing.ts'
import type { Carried } from './carried.ts'
import type { Proxied } from './proxied.ts'

/** What one listener works by at this moment. A reload replaces it whole; a request keeps the one it began with. */
export interface ListenerLive {
  readonly table: RouteTable
  /** Whose X-Forwarded-* is believed; `undefined`: nobody's. */
  readonly trusted: NetworkTable | undefined
  /** Who speaks the PROXY protocol; `undefined`: nobody. */
  readonly proxies: NetworkTable | undefined
  /** What they said; `undefined` until there is somebody who speaks it. */
  readonly proxied?: Proxied | undefined
  /** The client certificates that trusted proxies carry; `undefined`: none are read. */
  readonly carried?: Carried | undefined
  /** What CAs are answered with, before any route; `undefined`: nothing. */
  readonly challenges?: Challenges | undefined
  readonly maxHeaders: number
  /** The Keep-Alive field of answers (RFC 2068 section 19.7.1); `undefined`: none. The listener fills it in. */
  readonly keepAlive?: string | undefined
  /** `undefined`: no traces are made. */
  readonly tracing?: Tracing | undefined
  /** Whether any route lets WebSockets through. */
  readonly websockets: boolean
}

/** What every listener shares. */
export interface Shared {
  readonly clock: Clock
  readonly record: (record: AuditRecord) => void
  readonly capturing: Capturing
  /** An error that is nobody's request: to the log. */
  readonly fault: (where: string, error: unknown) => void
  /** A connection was closed because its listener has as many as it takes. */
  readonly turnedAway: (listener: string, limit: number) => void
}
