import { dirname, resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import type { GatewayConfig, ListenerConfig } from '../config/model.ts'
import { formatProblems, type Problem } from '../config/problem.ts'
import type { Clock } from '../core/clock.ts'
import { systemTiming } from '../forward/timing.ts'
import type { Captures } from '../observe/captures.ts'
import { DecisionFeed } from '../observe/decision-feed.ts'
import type { Decisions } from '../observe/decisions.ts'
import { createExpiryWatch, type ExpiryWatch } from '../observe/expiry.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createRecorder } from '../observe/recorder.ts'
import { MemoryClaims } from '../store/memory-claims.ts'
import { MemoryRates } from '../store/memory-rates.ts'
import type { ServerTls } from '../tls/server.ts'
import { Acme } from './acme.ts'
import { bridgeReadings } from './bridge-readings.ts'
import type { Carried } from './carried.ts'
import { compile } from './compile.ts'
import { type Credential, credentialsOf } from './credentials.ts'
import type { DocumentSource } from './fetch-document.ts'
import { type Generation, isSame, liveOf, workersNote } from './generation.ts'
import { KeptRequests } from './kept-requests.ts'
import { LateAlerts } from './late-alerts.ts'
import { LateTelemetry } from './late-telemetry.ts'
import { Listener } from './listener.ts'
import type { Shared } from './live.ts'
import { loadCarried, loadTls } from './load-tls.ts'
import { Loading, type State } from './loading.ts'
import { type Reload, ReloadHistory } from './reload-history.ts'
import { Remotes } from './remotes.ts'
import type { Sending } from './send-again.ts'
import { Upstreams } from './upstreams.ts'
import { digests, FileWatch } from './watch.ts'

/** The config can't be taken; what is in force stays. */
export class ConfigRefused extends Error {
  override readonly name = 'ConfigRefused'
}

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

/** Milliseconds that taking a config over waits for documents by URL; later ones are taken when they come. */
const DOCUMENTS_MS = 2_000

/** Sources and events that checks which only report remember. */
const REPORTING_KEYS = 100_000
/** Milliseconds that alerts and telemetry have to be delivered in before the gate stops. */
const TELL_MS = 3_000

/** The running gate: its listeners, and the config in force. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #state: State
  readonly #shared: Shared
  readonly #upstreams = new Upstreams()
  readonly #remotes: Remotes
  readonly #acme: Acme
  readonly #expiry: ExpiryWatch
  readonly #watch: FileWatch
  readonly #kept: KeptRequests
  readonly #alerts: LateAlerts
  readonly #telemetry: LateTelemetry
  readonly #reloads = new ReloadHistory()
  /** The records of requests, for whoever watches them. */
  readonly feed = new DecisionFeed()
  #listeners: Listener[] = []
  #generation: Generation | undefined
  #draining = false
  /** Reloads run one after the other; the last one asked for wins. */
  #reloading: Promise<unknown> = Promise.resolve()

  constructor(options: GatewayOptions) {
    const { clock, log, metrics } = options
    this.#options = options
    this.#remotes = new Remotes(clock, log, options.documents)
    metrics.watchRemotes(() => this.#remotes.readings())
    metrics.watchBridges(() => bridgeReadings(this.#generation?.compiled.routes ?? []))
    this.#state = {
      clock,
      rates: new MemoryRates({ clock }),
      claims: new MemoryClaims({ clock }),
      remotes: this.#remotes,
      log,
      reporting: {
        rates: new MemoryRates({ clock, capacity: REPORTING_KEYS }),
        claims: new MemoryClaims({ clock, capacity: REPORTING_KEYS }),
      },
    }
    this.#kept = new KeptRequests({ clock, log, explainable: () => this.explainable })
    this.#shared = {
      clock,
      capturing: this.#kept.capturing,
      record: createRecorder({ log, metrics, clock, decisions: this.#kept.decisions, feed: this.feed }),
      fault: (where, error) =>
        log.error('fault', { where, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    }
    this.#acme = new Acme(clock, log, () => this.#renew())
    metrics.watchAcme(() => this.#acme.readings())
    this.#expiry = createExpiryWatch({ log, clock })
    metrics.watchExpiries(() => this.#expiry.readings())
    this.#alerts = new LateAlerts({
      clock,
      log,
      timing: systemTiming,
      sources: {
        routes: () => metrics.routes(),
        expiries: () => this.#expiry.readings(),
        breakers: () => bridgeReadings(this.#generation?.compiled.routes ?? []),
      },
    })
    this.#telemetry = new LateTelemetry({ clock, log, timing: systemTiming, metrics })
    metrics.watchTelemetry(() => this.#telemetry.loaded?.reading())
    metrics.watchAlerts(() => this.#alerts.loaded?.reading())
    this.#watch = new FileWatch(changed => {
      const files = changed.map(file => file.replace(`${dirname(resolve(options.file))}/`, ''))
      log.info('files changed', { files })
      void this.reload(files)
    })
  }

  get config(): GatewayConfig | undefined {
    return this.#generation?.config
  }

  get draining(): boolean {
    return this.#draining
  }

  /** The port that a listener got; `undefined` where there is none of that name, or it is a Unix socket. */
  port(listener: string): number | undefined {
    return this.#listeners.find(({ name }) => name === listener)?.port
  }

  /** Names of routes that lack something, and what. */
  offline(): { readonly route: string; readonly reason: string }[] {
    return (this.#generation?.compiled.routes ?? []).flatMap(route =>
      route.offline ? [{ route: route.name, reason: route.offline.reason }] : [],
    )
  }

  /** The secrets, tokens and keys of the routes in force. */
  credentials(): readonly Credential[] {
    return (this.#generation?.config.routes ?? []).flatMap(credentialsOf)
  }

  /** What ends when, how the bridges and the documents by URL stand, and the last reloads; as they are now. */
  readings() {
    return {
      expiries: this.#expiry.soonest(),
      bridges: [...bridgeReadings(this.#generation?.compiled.routes ?? [])],
      documents: [...this.#remotes.readings()],
      reloads: this.#reloads.latest,
    }
  }

  /** The requests that are kept, as they were received: what of them leaves the gate goes through `masks`. */
  get captures(): Captures {
    return this.#kept.captures
  }

  /** The last decisions, for what failures have in common. */
  get decisions(): Decisions {
    return this.#kept.decisions
  }

  /** The config in force with what explaining by it needs; `undefined` before there is one. */
  get explainable(): Sending | undefined {
    const generation = this.#generation
    return (
      generation && {
        config: generation.config,
        env: this.#options.env,
        state: this.#state,
        trust: listener => generation.carried.get(listener)?.trust ?? generation.tls.get(listener)?.trust,
        upstreams: this.#upstreams,
        tableOf: listener => generation.compiled.tables.get(listener),
        record: this.#shared.record,
        fault: this.#shared.fault,
      }
    )
  }

  /** @throws ConfigRefused, or the system's error where a listener can't be opened; then nothing listens. */
  async start(): Promise<void> {
    await this.#take(this.#load())
    this.#tellReload('start', [])
    this.#expiry.start()
  }

  #tellReload(cause: Reload['cause'], files: readonly string[], reason?: string): void {
    const routes = reason === undefined ? this.#generation?.config.routes.length : undefined
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
      try {
        await this.#take(this.#load())
        this.#options.metrics.reloaded(true)
        this.#tellReload(cause, files ?? [])
        this.#options.log.info('reloaded', { cause, routes: this.#generation?.config.routes.length ?? 0 })
        return true
      } catch (error) {
        this.#options.metrics.reloaded(false)
        const reason = error instanceof Error ? error.message : String(error)
        this.#tellReload(cause, files ?? [], reason)
        this.#options.log.error('reload refused', {
          cause,
          reason,
          remedy: 'The old config stays in force. Mend the file; it is loaded again when it changes.',
        })
        return false
      }
    })
    this.#reloading = run
    return run
  }

  /** Stops accepting, lets what is under way end, at most `graceMs` milliseconds. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    this.#watch.close()
    this.#expiry.stop()
    this.#acme.close()
    await Promise.all(this.#listeners.map(listener => listener.drain(graceMs)))
    await this.#kept.close()
    const within = Math.min(graceMs, TELL_MS)
    await Promise.all([this.#alerts.close(within), this.#telemetry.close(within)])
    this.#generation?.compiled.close()
    await this.#remotes.close()
    this.#upstreams.close()
  }

  #load(): Generation {
    const { file, env } = this.#options
    const { config, problems, text } = loadConfig(file, env)
    this.#tell(problems, text)
    if (config === undefined) {
      // A config that can't be read is watched all the same, so that mending it is enough.
      if (this.#generation === undefined) this.#watch.set(digests([resolve(file)]))
      throw new ConfigRefused(
        formatProblems(
          problems.filter(problem => problem.severity === 'error'),
          text,
        ),
      )
    }
    const loading = new Loading(dirname(config.file), env, this.#state)
    loading.files.add(config.file)
    this.#acme.begin()
    const tools = { ...this.#options, acme: this.#acme }
    const tls = new Map<string, ServerTls>()
    const carried = new Map<string, Carried>()
    for (const { name, tls: terminates, proxyClientCert } of config.listeners) {
      if (terminates) tls.set(name, loadTls(name, terminates, loading, tools))
      if (proxyClientCert) carried.set(name, loadCarried(name, proxyClientCert, loading, tools))
    }
    this.#upstreams.begin()
    return { config, loading, compiled: compile(config, loading, this.#upstreams), tls, carried }
  }

  #tell(problems: readonly Problem[], text: string): void {
    for (const problem of problems)
      if (problem.severity === 'warning')
        this.#options.log.warn('config', {
          problem: formatProblems([problem], text).split('\n')[0] ?? '',
          remedy: problem.mend,
        })
  }

  /** Lets a loaded config take over: new listeners first, so that a port that is taken refuses the whole. */
  async #take(next: Generation): Promise<void> {
    const { log, metrics } = this.#options
    const kept: Listener[] = []
    const opened: Listener[] = []
    /** In the place of listeners whose server can't take the new TLS. */
    const heirs: Listener[] = []
    const changes: (() => void)[] = []
    const [tellBy, telemetry] = await Promise.all([
      this.#alerts.prepare(next.config, next.loading),
      this.#telemetry.prepare(next.config, next.loading),
    ]).catch((error: unknown) => {
      next.compiled.close()
      throw error
    })
    const live = (config: ListenerConfig) => liveOf(config, next, this.#acme, telemetry.tracing)
    // Before the wait, so that a file that changes while it lasts is seen to have changed.
    const files = digests(next.loading.files)
    await next.loading.settled(DOCUMENTS_MS)
    let attached: Awaited<ReturnType<Attachment['prepare']>> | undefined
    try {
      if (this.#draining) throw new ConfigRefused('the gate is draining')
      for (const config of next.config.listeners) {
        const tls = next.tls.get(config.name)
        const old = this.#listeners.find(each => isSame(each, config))
        if (old?.accepts(tls)) {
          kept.push(old)
          changes.push(() => old.update(config, live(config), tls))
          continue
        }
        if (old && 'unix' in old.bind) throw new ConfigRefused(RESTART(config.name))
        const listener = new Listener(config, live(config), tls, this.#shared)
        if (old) {
          heirs.push(listener)
          changes.push(() => {
            listener.succeed(old)
            // What is left of its connections is judged by this config too.
            old.update(config, live(config), undefined)
          })
          continue
        }
        const address = await listener.listen()
        opened.push(listener)
        const where = typeof address === 'string' ? { address } : { address: address.address, port: address.port }
        log.info('listening', { listener: config.name, ...where, tls: tls !== undefined })
      }
      attached = await this.#options.attachment?.prepare(next.config, next.loading)
    } catch (error) {
      await Promise.all(opened.map(listener => listener.drain(0)))
      next.compiled.close()
      throw error
    }
    // From here nothing can fail.
    attached?.commit()
    for (const change of changes) change()
    const before = this.#generation
    const left = this.#listeners.filter(listener => !kept.includes(listener))
    this.#listeners = [...kept, ...opened, ...heirs]
    this.#generation = next
    this.#kept.configure(next.config)
    this.#upstreams.sweep()
    this.#acme.sweep()
    this.#watch.set(files)
    // One may have come since the config was loaded.
    this.#renew()
    tellBy()
    telemetry.commit()
    const keys = Map.groupBy(next.config.routes.flatMap(credentialsOf), ({ route }) => route)
    metrics.setRoutes(
      next.compiled.routes.map(({ name, offline }) => ({
        name,
        online: offline === undefined,
        keys: (keys.get(name) ?? []).map(key => key.name),
      })),
    )
    metrics.setListeners(next.config.listeners.map(listener => listener.name))
    for (const listener of this.#listeners) listener.count(metrics.listener(listener.name))
    const note = workersNote(next.config.workers)
    if (note) log.warn('config', { problem: note, remedy: 'Run several instances where one core is not enough.' })
    for (const { route, reason } of this.offline()) log.error('route offline', { route, reason })
    for (const { route, check, missing } of next.compiled.silent)
      log.error('check reports nothing', { route, check, reason: missing.message, remedy: missing.mend })
    before?.compiled.close()
    for (const listener of left) void listener.drain(30_000)
  }

  /** Puts in force what CAs have issued since, and looks at what ends when. */
  #renew(): void {
    for (const listener of this.#listeners) {
      try {
        listener.renew()
      } catch (error) {
        this.#shared.fault(`listener ${listener.name}`, error)
      }
    }
    const expiries = this.#listeners.flatMap(listener => listener.expiries)
    this.#expiry.update([...(this.#generation?.loading.expiries ?? []), ...expiries])
  }
}

const RESTART = (listener: string): string =>
  `listener ${listener}: on a Unix socket it can't change between plain HTTP and TLS, or begin or cease to ask for client certificates, while it is open\nmend: give it another path, or restart the gate with this config`
