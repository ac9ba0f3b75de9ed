import type { ServerOptions } from 'node:http'
import { Incoming } from './incoming.ts'

/** How often the deadlines are looked at: a slow sender outstays them by this much at most. Milliseconds. */
const DEADLINE_CHECK_MS = 500

/** How Node's server and its parser are set up. */
export const HTTP_OPTIONS: ServerOptions<typeof Incoming> & { readonly allowHalfOpen: boolean } = {
  IncomingMessage: Incoming,
  insecureHTTPParser: false,
  // Our policy counts Host fields itself and answers in the gate's own form.
  requireHostHeader: false,
  connectionsCheckingInterval: DEADLINE_CHECK_MS,
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  highWaterMark: 64 * 1024,
}

/**
 * The Keep-Alive field of answers: a second less than the limit, since a request that is sent at the last moment would meet
 * the end of its connection. `undefined` where that leaves nothing.
 */
export function keepAliveOf(idleMs: number): string | undefined {
  const seconds = Math.floor(idleMs / 1000) - 1
  return seconds > 0 ? `timeout=${seconds}` : undefined
}
