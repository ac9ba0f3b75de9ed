import { readFileSync } from 'node:fs'
import type { GatewayConfig, ListenerConfig } from '../config/model.ts'
import { MOST_CONNECTIONS } from '../forward/upstream.ts'
import { countOf } from './workers/count.ts'

/** Files, pipes, listeners and connections to others than upstreams that a gate has open, and each of its workers. */
const OWN = 32
const OWN_OF_WORKER = 16

export const RAISE_DESCRIPTORS =
  'Raise the limit of open files (LimitNOFILE= in the systemd unit, ulimit -n in a shell, --ulimit nofile= of a container), or lower limits.connections of the listeners.'

let known: number | undefined

/** How many descriptors this process may have open; `undefined`: any number, or the system does not say. */
export function descriptorLimit(): number | undefined {
  try {
    // Node has raised the soft limit to the hard one by now.
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    known = limit === undefined ? undefined : Number(limit)
  } catch {
    // Where no descriptor is left this file can't be read either.
  }
  return known
}

type Needed = Pick<GatewayConfig, 'listeners' | 'routes' | 'workers'>

/** Descriptors that a listener's connections take at most: a WebSocket has a connection to the upstream for itself. */
function wantedBy({ name, limits }: ListenerConfig, { routes }: Needed): number {
  const tunnels = routes.some(({ listener = name, forward }) => listener === name && forward.websocket)
  return limits.connections * (tunnels ? 2 : 1)
}

/**
 * A config whose listeners take no more connections than there are descriptors for, in the proportion in which it says, with
 * room for those to upstreams: in a process that has none left nothing works any more, not even a request that was let in; and
 * of several workers one may be left without the descriptor by which its loop closes what it can't take, and spins.
 *
 * @param limit of descriptors; `undefined`: there is none
 * @returns `short` is there where it takes less than the config says
 */
export function fitToDescriptors<C extends Needed>(
  config: C,
  limit: number | undefined,
): { readonly config: C; readonly short?: { readonly problem: string; readonly remedy: string } } {
  if (limit === undefined) return { config }
  const workers = countOf(config)
  const own = OWN + OWN_OF_WORKER * workers
  const senders = workers * config.listeners.reduce((sum, listener) => sum + wantedBy(listener, config), 0)
  const origins = new Set(config.routes.map(({ forward }) => new URL(forward.to).origin))
  // One request at a time is under way on each connection.
  const upstreams = Math.min(senders, workers * MOST_CONNECTIONS * origins.size)
  const wanted = own + senders + upstreams
  if (wanted <= limit) return { config }
  const room = Math.max(0, limit - own)
  const share = (room - Math.min(upstreams, Math.floor(room / 2))) / senders
  const listeners = config.listeners.map(listener => {
    const connections = Math.max(1, Math.floor(listener.limits.connections * share))
    return { ...listener, limits: { ...listener.limits, connections } }
  })
  const asked = workers * connectionsOf(config.listeners)
  const problem = `limits.connections lets in ${asked} connections, for which ${wanted} file descriptors are needed; the process may have ${limit}, and takes ${workers * connectionsOf(listeners)} connections`
  return { config: { ...config, listeners }, short: { problem, remedy: RAISE_DESCRIPTORS } }
}

const connectionsOf = (listeners: readonly ListenerConfig[]): number =>
  listeners.reduce((sum, { limits }) => sum + limits.connections, 0)
