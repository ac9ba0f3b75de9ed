import type { Socket } from 'node:net'
import type { HttpConnection } from './connection.ts'
import type { Head } from './request-parser.ts'

/** Why a body did not come whole; `overlong`: what stands around its chunks is larger than a head may be. */
export type Broken = 'incomplete' | 'timeout' | 'malformed' | 'overlong'

/** Takes a body as it comes. Nothing here may throw. */
export interface BodySink {
  /** `false` asks to read no more until `resume`; what has been read from the connection already may still come. */
  data(chunk: Buffer): boolean
  end(): void
  /** In place of `end`, once. */
  broken(why: Broken): void
}

/** Takes nothing: the pieces need not even be made. */
export const DROP: BodySink = { data: () => true, end: () => undefined, broken: () => undefined }

/** One request, from its head on. Its body is not read before somebody takes it. */
export class Incoming {
  readonly connection: HttpConnection
  readonly method: string
  readonly target: string
  readonly version: string
  /** Name, value, name, value, ... as sent, one byte a character. */
  readonly fields: readonly string[]
  readonly expect: string
  readonly upgrade: boolean
  readonly keepAlive: boolean
  /** Whether it has come to its end. */
  complete = false

  constructor(connection: HttpConnection, head: Head) {
    this.connection = connection
    this.method = head.method
    this.target = head.target
    this.version = head.version
    this.fields = head.fields
    this.expect = head.expect
    this.upgrade = head.upgrade
    this.keepAlive = head.keepAlive
  }

  get socket(): Socket {
    return this.connection.socket
  }

  /** Whether the sender waits to be told that it may send the body (RFC 9110 section 10.1.1). */
  get waitsToContinue(): boolean {
    return this.expect !== '' && this.version === '1.1'
  }

  /** Hands the body to `sink`, or what has not been handed to another yet. */
  take(sink: BodySink): void {
    this.connection.take(this, sink)
  }

  /** Reads the body, or the rest of it, and keeps nothing. */
  drop(): void {
    this.take(DROP)
  }

  /** Reads on, where the sink had asked to wait. */
  resume(): void {
    this.connection.resume()
  }
}
