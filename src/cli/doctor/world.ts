import { dirname, resolve } from 'node:path'
import { type Loaded, loadConfig } from '../../config/load.ts'
import type { GatewayConfig, ListenerConfig, RouteConfig } from '../../config/model.ts'
import type { Clock } from '../../core/clock.ts'
import type { Resources } from '../../core/resources.ts'
import { type Compiled, compile, signedBy } from '../../gateway/compile.ts'
import { Loading } from '../../gateway/loading.ts'
import { Upstreams } from '../../gateway/upstreams.ts'
import type { Log } from '../../observe/log.ts'
import { ownState } from '../own-state.ts'

/** A config as the gate would load it, with limits and claims of its own: nothing that is tried here counts there. */
export interface World {
  readonly config: GatewayConfig
  readonly loaded: Loaded
  readonly compiled: Compiled
  readonly loading: Loading
  /** What files of listeners are loaded with. */
  readonly tools: { readonly file: string; readonly clock: Clock; readonly log: Log }
  readonly upstreams: Upstreams
  /** Absolute; what paths of the config are relative to. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  resources(route: RouteConfig): Resources
  /** The listeners that a route is reached by. */
  listenersOf(route: RouteConfig): readonly ListenerConfig[]
  close(): Promise<void>
}

/** @returns what the loader says where the config can't be taken */
export function openWorld(file: string, env: NodeJS.ProcessEnv): World | Loaded {
  const loaded = loadConfig(file, env)
  const { config } = loaded
  if (config === undefined) return loaded
  const state = ownState()
  const { clock, remotes, log } = state
  const folder = dirname(resolve(config.file))
  const loading = new Loading(folder, env, state)
  const upstreams = new Upstreams()
  upstreams.begin()
  const compiled = compile(config, loading, upstreams)
  return {
    config,
    loaded,
    compiled,
    loading,
    tools: { file: config.file, clock, log },
    upstreams,
    folder,
    env,
    resources: route => loading.resources(route.name, signedBy(route)),
    listenersOf: route =>
      config.listeners.filter(
        ({ name, acmeChallenges }) =>
          acmeChallenges !== 'only' && (route.listener === undefined || route.listener === name),
      ),
    async close() {
      compiled.close()
      upstreams.close()
      await remotes.close()
      log.close()
    },
  }
}
