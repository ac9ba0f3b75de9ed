import { dirname, resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import type { Bind, GatewayConfig } from '../config/model.ts'
import type { Clock } from '../core/clock.ts'
import { systemTiming } from '../forward/timing.ts'
import type { Captures } from '../observe/captures.ts'
import type { DecisionFeed } from '../observe/decision-feed.ts'
import type { Decisions } from '../observe/decisions.ts'
import { createExpiryWatch, type ExpiryWatch } from '../observe/expiry.ts'
import type { WorkersReading } from '../observe/exposition.ts'
import type { Level, Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createSharedState, MAIN_SEAT, openLocalState, openSharedState } from '../store/shared-state.ts'
import { CannotListen, isOneAddress } from './cannot-listen.ts'
import { ConfigRefused, DRAINING } from './config-refused.ts'
import { type Credential, credentialsOf } from './credentials.ts'
import { DescriptorWatch } from './descriptor-watch.ts'
import { Engine } from './engine.ts'
import type { DocumentSource } from './fetch-document.ts'
import type { Front } from './front.ts'
import type { Generation } from './generation.ts'
import { LateAlerts } from './late-alerts.ts'
import { Listeners } from './listeners.ts'
import type { Loading } from './loading.ts'
import { type Reload, ReloadHistory } from './reload-history.ts'
import type { Sending } from './send-again.ts'
import { FileWatch, SeenFiles } from './watch.ts'
import { countOf } from './workers/count.ts'

export interface GatewayOptions {
  /** Of the config. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly attachment?: Attachment
  /** Default: as the system resolves names, under its own CAs. */
  readonly documents?: DocumentSource
}

/** Something else that a config opens and that must come and go with it: the admin listener. */
export interface Attachment {
  /** Opens what the config asks for, beside what is there. @throws where it can't: the config is refused. */
  prepare(config: GatewayConfig, loading: Loading): Promise<{ commit(): void; abort(): Promise<void> }>
}

/** Milliseconds that alerts and telemetry have to be delivered in before the gate stops. */
const TELL_MS = 3_000
const HELD = 'Nothing is wrong with the file: an address changes hands, or its host, at a restart of the gate alone.'

/** The running gate: the config in force, and who takes requests by it. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #engine: Engine
  readonly #expiry: ExpiryWatch
  readonly #watch: FileWatch
  readonly #descriptors: DescriptorWatch
  readonly #alerts: LateAlerts
  readonly #reloads = new ReloadHistory()
  /** `undefined` until the first config says whether it is this thread or several workers. */
  #front: Front | undefined
  #draining = false
  /** Reloads run one after the other; the last one asked for wins. */
  #reloading: Promise<unknown> = Promise.resolve()

  constructor(options: GatewayOptions) {
    const { clock, log, metrics } = options
    this.#options = options
    const engine = new Engine({
      ...options,
      stores: openLocalState(clock),
      loadingLog: log,
      renewed: () => this.#renew(),
      telemetryOfOthers: () => this.#front?.telemetry(),
    })
    this.#engine = engine
    const bridges = () => this.#front?.bridges() ?? []
    this.#expiry = createExpiryWatch({ log, clock })
    this.#descriptors = new DescriptorWatch(log, clock)
    this.#alerts = new LateAlerts({
      clock,
      log,
      timing: systemTiming,
      sources: { routes: () => metrics.routes(), expiries: () => this.#expiry.readings(), breakers: bridges },
    })
    metrics.watchSync(() => this.sync())
    metrics.watchWorkers(() => this.workers)
    metrics.watchRemotes(() => engine.remotes.readings())
    metrics.watchBridges(bridges)
    metrics.watchAcme(() => engine.acme.readings())
    metrics.watchExpiries(() => this.#expiry.readings())
    metrics.watchTelemetry(() => engine.telemetry.loaded?.total())
    metrics.watchAlerts(() => this.#alerts.loaded?.reading())
    this.#watch = new FileWatch(changed => {
      const files = changed.map(file => file.replace(`${dirname(resolve(options.file))}/`, ''))
      log.info('files changed', { files })
      void this.reload(files)
    })
  }

  get config(): GatewayConfig | undefined {
    return this.#engine.generation?.config
  }

  get draining(): boolean {
    return this.#draining
  }

  /** The port that a listener got; `undefined` where there is none of that name, or it is a Unix socket. */
  port(listener: string): number | undefined {
    return this.#front?.port(listener)
  }

  /** Names of routes that lack something, and what. */
  offline(): { readonly route: string; readonly reason: string }[] {
    return (this.#engine.generation?.compiled.routes ?? []).flatMap(route =>
      route.offline ? [{ route: route.name, reason: route.offline.reason }] : [],
    )
  }

  /** The secrets, tokens and keys of the routes in force. */
  credentials(): readonly Credential[] {
    return (this.config?.routes ?? []).flatMap(credentialsOf)
  }

  /** What ends when, how the bridges and the documents by URL stand, and the last reloads; as they are now. */
  readings() {
    return {
      expiries: this.#expiry.soonest(),
      bridges: [...(this.#front?.bridges() ?? [])],
      documents: [...this.#engine.remotes.readings()],
      reloads: this.#reloads.latest,
    }
  }

  get workers(): WorkersReading {
    return this.#front?.workers() ?? { running: 0, ended: 0 }
  }

  /** Resolves once the requests that have ended by now are counted and kept here; `undefined`: they are. */
  sync(): Promise<void> | undefined {
    return this.#front?.sync()
  }

  /** The records of requests, for whoever watches them. */
  get feed(): DecisionFeed {
    return this.#engine.feed
  }

  /** The requests that are kept, as they were received: what of them leaves the gate goes through `masks`. */
  get captures(): Captures {
    return this.#engine.kept.captures
  }

  /** The last decisions, for what failures have in common. */
  get decisions(): Decisions {
    return this.#engine.kept.decisions
  }

  /** The config in force with what explaining by it needs; `undefined` before there is one. */
  get explainable(): Sending | undefined {
    return this.#engine.explainable
  }

  /**
   * A reload that is asked for meanwhile comes after it; a drain ends it.
   * @throws ConfigRefused, or the system's error where a listener can't be opened; then nothing listens.
   */
  start(): Promise<void> {
    const run = this.#start()
    this.#reloading = run.catch(() => {
      this.#draining = true
    })
    return run
  }

  async #start(): Promise<void> {
    const seen = new SeenFiles()
    await this.#take(await this.#load(seen), seen)
    this.#tellReload('start', [])
    this.#expiry.start()
    this.#descriptors.start()
  }

  #tellReload(cause: Reload['cause'], files: readonly string[], reason?: string): void {
    const routes = reason === undefined ? this.config?.routes.length : undefined
    this.#reloads.add({ at: this.#options.clock.now(), cause, files, routes, reason })
  }

  /**
   * Loads the config anew; where anything in it is bad the old one stays in force. Gives whether it was taken.
   * @param files those that changed; left out: a signal asks for it
   */
  reload(files?: readonly string[]): Promise<boolean> {
    const cause = files === undefined ? 'signal' : 'files'
    const run = this.#reloading.then(async () => {
      if (this.#draining) return false
      const seen = new SeenFiles()
      try {
        await this.#take(await this.#load(seen), seen)
        this.#options.metrics.reloaded(true)
        this.#tellReload(cause, files ?? [])
        this.#options.log.info('reloaded', { cause, routes: this.config?.routes.length ?? 0 })
        return true
      } catch (error) {
        if (this.#draining) return false
        this.#options.metrics.reloaded(false)
        const said = error instanceof Error ? error.message : String(error)
        const holder = this.#holderOf(error)
        const reason = holder === undefined ? said : `${said}: ${holder} of this gate has the address`
        // What mends it may be a file that only the refused config names.
        this.#watch.add(seen.all)
        this.#tellReload(cause, files ?? [], reason)
        this.#options.log.error('reload refused', {
          cause,
          reason,
          remedy: `The old config stays in force. ${holder === undefined ? 'Mend the file; it is loaded again when it changes.' : HELD}`,
        })
        return false
      }
    })
    this.#reloading = run
    return run
  }

  /** What of the config in force has the address that a new one can't get; `undefined` where that is not why. */
  #holderOf(error: unknown): string | undefined {
    if (!(error instanceof CannotListen) || error.code !== 'EADDRINUSE') return undefined
    const { listeners = [], admin } = this.config ?? {}
    const holder = listeners.find(({ name, bind }) => isOneAddress(this.#got(name, bind), error.bind))
    if (holder) return `listener ${holder.name}`
    return admin && isOneAddress(admin.bind, error.bind) ? 'the admin listener' : undefined
  }

  /** A bind with the port that the system chose for it. */
  #got(listener: string, bind: Bind): Bind {
    return 'unix' in bind ? bind : { ...bind, port: this.port(listener) ?? bind.port }
  }

  /** Stops accepting, lets what is under way end, at most `graceMs` milliseconds. A start or reload under way is given up. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    this.#watch.close()
    this.#expiry.stop()
    this.#descriptors.stop()
    this.#engine.giveUp()
    await this.#front?.drain(graceMs)
    await this.#reloading
    const within = Math.min(graceMs, TELL_MS)
    await Promise.all([this.#alerts.close(within), this.#engine.close(within)])
  }

  /** Cuts what a drain under way still waits for. */
  async hurry(): Promise<void> {
    await this.#front?.drain(0)
  }

  async #load({ note }: SeenFiles): Promise<Generation> {
    const { file, env } = this.#options
    const loaded = loadConfig(file, env, { note })
    if (loaded.config) this.#front ??= await this.#newFront(loaded.config)
    return this.#engine.load(loaded, note)
  }

  /** Lets a loaded config take over: new listeners first, so that a port that is taken refuses the whole. */
  async #take(next: Generation, seen: SeenFiles): Promise<void> {
    const { log, attachment } = this.#options
    const front = this.#front
    if (front === undefined) throw new Error('no config has been loaded')
    const tellBy = await this.#alerts.prepare(next.config, next.loading).catch((error: unknown) => {
      next.compiled.close()
      throw error
    })
    const prepared = await this.#engine.prepare(next, front)
    let attached: Awaited<ReturnType<Attachment['prepare']>> | undefined
    try {
      attached = await attachment?.prepare(next.config, next.loading)
      if (this.#draining) throw new ConfigRefused(DRAINING)
    } catch (error) {
      await attached?.abort()
      await prepared.abort()
      throw error
    }
    for (const { listener, address, port, tls } of prepared.opened)
      log.info('listening', { listener, address, ...(port === undefined ? {} : { port }), tls })
    // From here nothing can fail.
    attached?.commit()
    await prepared.commit()
    this.#watch.set(seen.all)
    // One may have come since the config was loaded.
    this.#renew()
    tellBy()
    if (this.#front instanceof Listeners && countOf(next.config) > 1)
      log.warn('config', {
        problem: `workers: ${next.config.workers} comes into force at the next start: one worker runs`,
        remedy: 'Restart the gate.',
      })
    for (const { route, reason } of this.offline()) log.error('route offline', { route, reason })
    for (const { route, problem } of next.compiled.kept)
      log.warn('tls kept', {
        route,
        problem: problem.message,
        remedy: `The route goes on with the certificate, key and CAs that it had. To change over: ${problem.mend}.`,
      })
    for (const { route, check, missing } of next.compiled.silent)
      log.error('check reports nothing', { route, check, reason: missing.message, remedy: missing.mend })
  }

  /** Whether this thread takes requests or several workers do is settled by the first config. */
  async #newFront(config: GatewayConfig): Promise<Front> {
    const { shared, acme, kept, feed, telemetry } = this.#engine
    const { metrics } = this.#options
    if (countOf(config) === 1) return new Listeners({ shared, acme, metrics })
    const { WorkerPool } = await import('./workers/pool.ts')
    const sharing = createSharedState()
    this.#engine.use(openSharedState(sharing, MAIN_SEAT, this.#options.clock))
    const { version } = metrics
    const level = lowestOf(this.#options.log)
    const telemetryTold = (): void => telemetry.loaded?.look()
    const own = { sharing, level, version, acme, kept, feed, fault: shared.fault, telemetryTold }
    return new WorkerPool({ ...this.#options, ...own })
  }

  /** Puts in force what CAs have issued since, and looks at what ends when. */
  #renew(): void {
    this.#front?.renew()
    const { generation, shared } = this.#engine
    const expiries = [...(generation?.loading.expiries ?? [])]
    for (const [listener, tls] of generation?.tls ?? []) {
      try {
        tls.renew()
      } catch (error) {
        shared.fault(`listener ${listener}`, error)
      }
      expiries.push(...tls.expiries)
    }
    this.#expiry.update(expiries)
  }
}

function lowestOf(log: Log): Level {
  return log.writes('info') ? 'info' : log.writes('warn') ? 'warn' : 'error'
}
