import type { ListenerConfig } from '../config/model.ts'
import type { BridgeReading } from '../observe/bridge-metrics.ts'
import type { WorkersReading } from '../observe/exposition.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Tracing } from '../observe/otlp/tracing.ts'
import type { Acme } from './acme.ts'
import { bridgeReadings } from './bridge-readings.ts'
import { ConfigRefused } from './config-refused.ts'
import type { Front, Opened, PreparedFront } from './front.ts'
import { type Generation, isSame, liveOf } from './generation.ts'
import { Listener } from './listener.ts'
import type { Shared } from './live.ts'

/** Milliseconds that requests have on a listener that a config leaves out. */
const LEFT_MS = 30_000

interface Means {
  readonly shared: Shared
  readonly acme: Acme
  readonly metrics: Metrics
  /** Of one worker among several: others listen on the same addresses. */
  readonly among?: Among
}

export interface Among {
  /** Whether the Unix sockets are this worker's: one address can't be shared there. */
  readonly unix: boolean
  /** The ports that listeners got where the config lets the system choose. */
  port(listener: string): number | undefined
}

/** The listeners of this thread. */
export class Listeners implements Front {
  readonly #means: Means
  #listeners: Listener[] = []
  /** Those that a config has left out, as long as their requests are under way. */
  readonly #leaving = new Set<Listener>()
  #generation: Generation | undefined

  constructor(means: Means) {
    this.#means = means
  }

  async prepare(next: Generation, tracing: Tracing | undefined): Promise<PreparedFront> {
    const { shared, acme, metrics, among } = this.#means
    const kept: Listener[] = []
    const opened: Listener[] = []
    /** In the place of listeners whose server can't take the new TLS. */
    const heirs: Listener[] = []
    const changes: (() => void)[] = []
    const told: Opened[] = []
    const abort = async (): Promise<void> => {
      await Promise.all(opened.map(listener => listener.drain(0)))
    }
    const live = (config: ListenerConfig) => liveOf(config, next, acme, tracing)
    try {
      for (const config of next.config.listeners) {
        if (among?.unix === false && 'unix' in config.bind) continue
        const tls = next.tls.get(config.name)
        const old = this.#listeners.find(each => isSame(each, config))
        if (old?.accepts(tls)) {
          kept.push(old)
          changes.push(() => old.update(config, live(config), tls))
          continue
        }
        if (old && 'unix' in old.bind) throw new ConfigRefused(RESTART(config.name))
        const listener = new Listener(config, live(config), tls, shared)
        if (old) {
          heirs.push(listener)
          changes.push(() => {
            listener.succeed(old)
            // What is left of its connections is judged by this config too.
            old.update(config, live(config), undefined)
          })
          continue
        }
        const address = await listener.listen(among && { port: among.port(config.name) })
        opened.push(listener)
        const at = typeof address === 'string' ? { address, port: undefined } : address
        told.push({ listener: config.name, address: at.address, port: at.port, tls: tls !== undefined })
      }
    } catch (error) {
      await abort()
      throw error
    }
    const commit = async (): Promise<void> => {
      for (const change of changes) change()
      const left = this.#listeners.filter(listener => !kept.includes(listener))
      this.#listeners = [...kept, ...opened, ...heirs]
      this.#generation = next
      metrics.setListeners(next.config.listeners.map(listener => listener.name))
      for (const listener of this.#listeners) listener.count(metrics.listener(listener.name))
      for (const listener of left) this.#leave(listener)
    }
    return { opened: told, commit, abort }
  }

  renew(): void {
    for (const listener of this.#listeners) {
      try {
        listener.renew()
      } catch (error) {
        this.#means.shared.fault(`listener ${listener.name}`, error)
      }
    }
  }

  port(name: string): number | undefined {
    return this.#listeners.find(listener => listener.name === name)?.port
  }

  bridges(): Iterable<BridgeReading> {
    return bridgeReadings(this.#generation?.compiled.routes ?? [])
  }

  telemetry(): undefined {
    return undefined
  }

  workers(): WorkersReading {
    return { running: 1, ended: 0 }
  }

  sync(): undefined {
    return undefined
  }

  async drain(graceMs: number): Promise<void> {
    await Promise.all([...this.#listeners, ...this.#leaving].map(listener => listener.drain(graceMs)))
  }

  #leave(listener: Listener): void {
    this.#leaving.add(listener)
    void listener.drain(LEFT_MS).finally(() => this.#leaving.delete(listener))
  }
}

const RESTART = (listener: string): string =>
  `listener ${listener}: on a Unix socket it can't change between plain HTTP and TLS, or begin or cease to ask for client certificates, while it is open\nmend: give it another path, or restart the gate with this config`
