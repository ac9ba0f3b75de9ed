import { performance } from 'node:perf_hooks'
import { Connection, type ConnectionOwner } from './connection.ts'
import { Deadlines } from './deadlines.ts'
import { type Destination, destinationOf, type Reach } from './dial.ts'
import { Exchange, type Sender, UNSENT, type UpstreamFailure, type UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'
import { openWebSocket } from './websocket.ts'

export type { Reach } from './dial.ts'
export type { UpstreamAnswer, UpstreamFailure, UpstreamResult } from './exchange.ts'

/** To one origin. */
export const MOST_CONNECTIONS = 256
/** How often it looks for connections that nobody used for too long. Milliseconds. */
const SWEEP_MS = 1_000

/**
 * One origin's pooled keep-alive connections, with their deadlines. HTTP/1.1, one request at a time on each connection,
 * and none is sent twice: what was written may have been received.
 */
export class Upstream implements ConnectionOwner, Sender {
  readonly #destination: Destination
  readonly #deadlines: Deadlines
  readonly #responseMs: number
  /** All that stand or are to. */
  readonly #connections = new Set<Connection>()
  /** The one that was used last is taken first, so that the others can end. */
  readonly #idle: Connection[] = []
  /** What waits for a connection, oldest first. */
  readonly #waiting: Exchange[] = []
  #opening = 0
  readonly #sweeper: NodeJS.Timeout
  #retired = false
  #closed = false

  /** @param timeout milliseconds: until a connection stands; until the answer has ended, waiting included. */
  constructor(origin: string, timeout: { readonly connect: number; readonly response: number }, reach: Reach = {}) {
    this.#destination = destinationOf(origin, timeout.connect, reach)
    this.#responseMs = timeout.response
    this.#deadlines = new Deadlines(timeout.response)
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  send(outbound: Outbound): Promise<UpstreamResult> {
    const offer = outbound.streams?.upgrade
    if (offer !== undefined) return openWebSocket(this.#destination, outbound, offer, this.#responseMs)
    return new Promise(resolve => {
      const exchange = new Exchange(outbound, this.#deadlines, resolve)
      if (!exchange.settled) this.#dispatch(exchange)
    })
  }

  /**
   * Keeps no connection from now on. Requests under an earlier config may still come late, and are sent; when they have
   * ended nothing is left of it.
   */
  retire(): void {
    this.#retired = true
    clearInterval(this.#sweeper)
    for (const connection of [...this.#idle]) connection.destroy()
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#closed = true
    clearInterval(this.#sweeper)
    for (const exchange of this.#waiting.splice(0)) exchange.fail(CLOSING)
    for (const connection of [...this.#connections]) connection.fail(CLOSING)
  }

  opened(connection: Connection): void {
    this.#opening--
    this.free(connection)
  }

  free(connection: Connection): void {
    const exchange = this.#next()
    if (exchange) this.#start(connection, exchange)
    else if (this.#retired) connection.destroy()
    else this.#idle.push(connection)
  }

  failed(failure: UpstreamFailure): void {
    this.#opening--
    // It was opened for the one that has waited longest.
    this.#next()?.fail(failure)
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    if (this.#waiting.length > this.#opening) this.#open()
  }

  #dispatch(exchange: Exchange): void {
    if (this.#closed) {
      exchange.fail(CLOSING)
      return
    }
    const now = performance.now()
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.usableUntil > now) {
        this.#start(idle, exchange)
        return
      }
      idle.destroy()
    }
    this.#waiting.push(exchange)
    if (this.#waiting.length > this.#opening) this.#open()
  }

  #start(connection: Connection, exchange: Exchange): void {
    try {
      connection.send(exchange)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      exchange.fail({ ok: false, code: 'forward.unreachable', message, ...UNSENT })
      this.free(connection)
    }
  }

  #open(): void {
    if (this.#connections.size >= MOST_CONNECTIONS) return
    this.#opening++
    this.#connections.add(new Connection(this.#destination, this))
  }

  /** The one that has waited longest, and still waits. */
  #next(): Exchange | undefined {
    for (let exchange = this.#waiting.shift(); exchange; exchange = this.#waiting.shift())
      if (!exchange.settled) return exchange
    return undefined
  }

  #sweep(): void {
    const now = performance.now()
    for (const connection of this.#idle.filter(({ usableUntil }) => usableUntil <= now)) connection.destroy()
  }
}

const CLOSING: UpstreamFailure = {
  ok: false,
  code: 'forward.unreachable',
  message: 'the gate lets go of this upstream',
}
