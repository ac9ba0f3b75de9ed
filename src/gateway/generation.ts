import type { GatewayConfig, ListenerConfig } from '../config/model.ts'
import { NetworkTable } from '../core/network-table.ts'
import type { Tracing } from '../observe/otlp/tracing.ts'
import type { ServerTls } from '../tls/server.ts'
import type { Acme } from './acme.ts'
import type { Carried } from './carried.ts'
import type { Compiled } from './compile.ts'
import type { Listener } from './listener.ts'
import type { ListenerLive } from './live.ts'
import type { Loading } from './loading.ts'

/** Everything that one config made: loaded whole before any of it takes over. */
export interface Generation {
  readonly config: GatewayConfig
  /** The file's, literal secrets and all: workers load the same. */
  readonly text: string
  readonly loading: Loading
  readonly compiled: Compiled
  readonly tls: ReadonlyMap<string, ServerTls>
  /** By listener name: the certificates that proxies carry. */
  readonly carried: ReadonlyMap<string, Carried>
}

/** What one listener works by under a config that was loaded. */
export function liveOf(
  config: ListenerConfig,
  generation: Generation,
  acme: Acme,
  tracing: Tracing | undefined,
): ListenerLive {
  const table = generation.compiled.tables.get(config.name)
  if (table === undefined) throw new Error(`listener ${config.name} has no routes table`)
  const proxies = config.trustedProxies.length > 0 ? new NetworkTable(config.trustedProxies) : undefined
  const speakers = config.proxyProtocol && new NetworkTable(config.proxyProtocol.from)
  const carried = generation.carried.get(config.name)
  const websockets = generation.config.routes.some(
    ({ listener, forward }) => forward.websocket && (listener === undefined || listener === config.name),
  )
  return {
    table,
    trusted: proxies,
    proxies: speakers,
    carried,
    challenges: config.acmeChallenges && acme.challenges,
    maxHeaders: config.limits.headers,
    websockets,
    tracing,
  }
}

/** Whether a listener is the one that a config describes: its address is, and where the system chose the port, its name. */
export function isSame({ bind: a, name }: Listener, { bind: b, name: wanted }: ListenerConfig): boolean {
  if ('unix' in a || 'unix' in b) return 'unix' in a && 'unix' in b && a.unix === b.unix
  return a.host === b.host && a.port === b.port && (a.port !== 0 || name === wanted)
}
