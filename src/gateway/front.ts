import type { BridgeReading } from '../observe/bridge-metrics.ts'
import type { WorkersReading } from '../observe/exposition.ts'
import type { Tracing } from '../observe/otlp/tracing.ts'
import type { TelemetryReading } from '../observe/telemetry-metrics.ts'
import type { Generation } from './generation.ts'

/** A listening socket that a config has opened. */
export interface Opened {
  readonly listener: string
  /** An address, or the path of a Unix socket. */
  readonly address: string
  /** `undefined`: a Unix socket. */
  readonly port: number | undefined
  readonly tls: boolean
}

/** A config that can be put in force: everything that could have failed has been done. */
export interface PreparedFront {
  readonly opened: readonly Opened[]
  commit(): Promise<void>
  abort(): Promise<void>
}

/** Where requests come in: the listeners of this thread, or workers that have each their own. */
export interface Front {
  /**
   * Opens what a config asks for, beside what is there.
   * @throws ConfigRefused, or the system's error where an address can't be had; then nothing has changed
   */
  prepare(next: Generation, tracing: Tracing | undefined): Promise<PreparedFront>
  /** Puts certificates in force that a CA has issued since. */
  renew(): void
  /** The port that a listener got; `undefined` where there is none of that name, or it is a Unix socket. */
  port(listener: string): number | undefined
  /** How the bridges stand. */
  bridges(): Iterable<BridgeReading>
  /** What has become of telemetry that others than this thread have sent; `undefined`: there is none. */
  telemetry(): TelemetryReading | undefined
  workers(): WorkersReading
  /** Resolves once what was counted and kept up to now can be read; `undefined`: it can. */
  sync(): Promise<void> | undefined
  /** Stops accepting, lets what is under way end, at most `graceMs` milliseconds. */
  drain(graceMs: number): Promise<void>
}
