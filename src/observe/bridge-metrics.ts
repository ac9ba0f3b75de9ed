import { Counter, Gauge, type Registry } from 'prom-client'

/** What one bridge route counts, and how it stands. */
export interface BridgeReading {
  readonly route: string
  /** Requests that wait for their turn; `undefined` where nothing waits. */
  readonly waiting: number | undefined
  /** Requests sent again. */
  readonly retries: number
  readonly breaker: 'closed' | 'half-open' | 'open' | undefined
  readonly tokens: { readonly fetched: number; readonly failed: number } | undefined
}

const STATES = ['closed', 'half-open', 'open'] as const

/** @param read at each scrape. */
export function addBridgeMetrics(registry: Registry, read: () => Iterable<BridgeReading>): void {
  const registers = [registry]
  new Gauge({
    name: 'sallyport_bridge_waiting',
    help: 'Requests that wait for their turn to be sent.',
    labelNames: ['route'],
    registers,
    collect() {
      this.reset()
      for (const { route, waiting } of read()) if (waiting !== undefined) this.set({ route }, waiting)
    },
  })
  new Counter({
    name: 'sallyport_bridge_retries_total',
    help: 'Requests sent again.',
    labelNames: ['route'],
    registers,
    collect() {
      this.reset()
      for (const { route, retries } of read()) this.inc({ route }, retries)
    },
  })
  new Gauge({
    name: 'sallyport_bridge_breaker',
    help: '1 for the state that the breaker of a route is in: closed, half-open or open.',
    labelNames: ['route', 'state'],
    registers,
    collect() {
      this.reset()
      for (const { route, breaker } of read())
        if (breaker !== undefined) for (const state of STATES) this.set({ route, state }, state === breaker ? 1 : 0)
    },
  })
  new Counter({
    name: 'sallyport_bridge_tokens_total',
    help: 'Tokens asked for at a token endpoint, by result: fetched or failed.',
    labelNames: ['route', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { route, tokens } of read())
        if (tokens) for (const result of ['fetched', 'failed'] as const) this.inc({ route, result }, tokens[result])
    },
  })
}
