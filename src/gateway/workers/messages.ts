import type { Bind } from '../../config/model.ts'
import type { AuditRecord } from '../../observe/audit.ts'
import type { BridgeReading } from '../../observe/bridge-metrics.ts'
import type { Capture } from '../../observe/captures.ts'
import type { Decision } from '../../observe/decisions.ts'
import type { Level } from '../../observe/log.ts'
import type { ListenerCounters } from '../../observe/metrics.ts'
import type { RouteTally } from '../../observe/route-counters.ts'
import type { TelemetryReading } from '../../observe/telemetry-metrics.ts'
import type { SharedState } from '../../store/shared-state.ts'
import type { AcmeStanding } from '../acme.ts'
import type { StandingTls } from '../bridge-tls.ts'
import type { Opened } from '../front.ts'

/** What a worker begins with. */
export interface WorkerBrief {
  /** Of the config. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  readonly level: Level
  readonly version: string
  /** From 1 on; a worker that takes the place of one that has ended has its seat. */
  readonly seat: number
  /** What all of them count and remember by, and where this one sits there: unlike its place, no two threads' at once. */
  readonly shared: SharedState
  readonly slot: number
  /** Whether Unix sockets are its own. */
  readonly unix: boolean
}

export interface ToPrepare {
  /** Of the config. */
  readonly text: string
  readonly ports: ReadonlyMap<string, number>
  /** What routes go on with whose own files do not fit: a worker that takes another's place has had none that did. */
  readonly standing: StandingTls
}

/** What the gate asks of a worker; each is answered with `Answer`. */
export type Ask =
  /** To load this text of the config, and to open what it asks for on these ports where the system chooses. */
  | ({ readonly ask: 'prepare' } & ToPrepare)
  /** To answer CAs, and serve the certificates that they have issued, as the gate does. */
  | { readonly ask: 'acme'; readonly standing: AcmeStanding }
  /** To put in force what was prepared. */
  | { readonly ask: 'commit' }
  /** To let go of what was prepared. */
  | { readonly ask: 'abort' }
  /** To hand over what has been counted and kept. */
  | { readonly ask: 'sync' }
  /** To tell every record from now on, or no longer. */
  | { readonly ask: 'watch'; readonly on: boolean }
  | { readonly ask: 'drain'; readonly graceMs: number }

export type ToWorker = Ask & { readonly id: number }

/** Why a worker could not do as it was asked. */
export interface Failure {
  readonly message: string
  /** The config is to blame. */
  readonly refused: boolean
  /** The system's, e.g. EADDRINUSE. */
  readonly code: string | undefined
  /** The address that can't be had. */
  readonly bind?: Bind
}

export interface Answer {
  readonly answer: number
  readonly opened?: readonly Opened[]
  readonly failure?: Failure
}

/** What a worker has to tell since it last did. */
export interface News {
  /** Log lines. */
  readonly lines?: string
  readonly tallies?: readonly (readonly [route: string, tally: RouteTally])[]
  /** As they stand. */
  readonly listeners?: readonly (readonly [name: string, counters: ListenerCounters])[]
  /** As they stand. */
  readonly bridges?: readonly BridgeReading[]
  /** As it stands. */
  readonly telemetry?: TelemetryReading
  readonly captures?: readonly Capture[]
  /** Requests that were not kept. */
  readonly missed?: number
  readonly decisions?: readonly Decision[]
  /** While they are watched, with the epoch milliseconds. */
  readonly records?: readonly (readonly [record: AuditRecord, now: number])[]
  /** Records that were too many to be told. */
  readonly lost?: number
}

export type FromWorker = Answer | { readonly news: News }
