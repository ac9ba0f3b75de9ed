import { dirname } from 'node:path'
import type { Loaded } from '../config/load.ts'
import type { CapturesConfig } from '../config/model.ts'
import { formatProblems, type Problem } from '../config/problem.ts'
import type { Clock } from '../core/clock.ts'
import { systemTiming } from '../forward/timing.ts'
import { DecisionFeed } from '../observe/decision-feed.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createRecorder } from '../observe/recorder.ts'
import type { TelemetryReading } from '../observe/telemetry-metrics.ts'
import type { OpenState } from '../store/shared-state.ts'
import type { ServerTls } from '../tls/server.ts'
import { Acme } from './acme.ts'
import type { StandingTls } from './bridge-tls.ts'
import type { Carried } from './carried.ts'
import { compile } from './compile.ts'
import { ConfigRefused, DRAINING } from './config-refused.ts'
import { credentialsOf } from './credentials.ts'
import { descriptorLimit, fitToDescriptors } from './descriptors.ts'
import type { DocumentSource } from './fetch-document.ts'
import type { Front, Opened } from './front.ts'
import type { Generation } from './generation.ts'
import { KeptRequests } from './kept-requests.ts'
import { LateTelemetry } from './late-telemetry.ts'
import type { Shared } from './live.ts'
import { loadCarried, loadTls } from './load-tls.ts'
import { Loading, type State } from './loading.ts'
import { Remotes } from './remotes.ts'
import type { Sending } from './send-again.ts'
import { TurnedAway } from './turned-away.ts'
import { Upstreams } from './upstreams.ts'

/** Milliseconds that taking a config over waits for documents by URL; later ones are taken when they come. */
const DOCUMENTS_MS = 2_000

export interface EngineOptions {
  /** Of the config. */
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** What it counts and remembers by. */
  readonly stores: OpenState
  /** Where what loading finds is told; a worker's is not: the gate has told it. */
  readonly loadingLog: Log
  /** What becomes of the config's captures here. Default: what it says. */
  readonly keeping?: (captures: CapturesConfig) => CapturesConfig
  /** Default: as the system resolves names, under its own CAs. */
  readonly documents?: DocumentSource | undefined
  /** A CA has issued a certificate. */
  readonly renewed: () => void
  /** One of several threads: another obtains certificates, and sends the metrics of all. */
  readonly isWorker?: boolean
  /** How the telemetry of other threads stands. */
  readonly telemetryOfOthers?: () => TelemetryReading | undefined
}

/** A config that has been loaded and opened, and can be put in force: nothing can fail any more. */
export interface Prepared {
  readonly opened: readonly Opened[]
  commit(): Promise<void>
  abort(): Promise<void>
}

/** What judges and forwards requests by a config: what it loads them from, and what outlives a reload. */
export class Engine {
  readonly #options: EngineOptions
  #state: State
  #upstreams: Upstreams
  readonly remotes: Remotes
  readonly acme: Acme
  readonly kept: KeptRequests
  readonly telemetry: LateTelemetry
  readonly shared: Shared
  /** The records of requests, for whoever watches them. */
  readonly feed = new DecisionFeed()
  readonly #givenUp = Promise.withResolvers<undefined>()
  #gaveUp = false
  /** The config in force. */
  generation: Generation | undefined

  constructor(options: EngineOptions) {
    const { clock, log, loadingLog, metrics, stores } = options
    this.#options = options
    this.remotes = new Remotes(clock, loadingLog, options.documents)
    this.#upstreams = new Upstreams(stores.ledgers)
    this.#state = { ...stores, clock, remotes: this.remotes, log }
    this.kept = new KeptRequests({ clock, log, explainable: () => this.explainable })
    this.acme = new Acme(clock, loadingLog, options.renewed, options.isWorker)
    this.telemetry = new LateTelemetry({
      clock,
      log,
      timing: systemTiming,
      metrics,
      requestsOnly: options.isWorker,
      others: options.telemetryOfOthers,
    })
    const turnedAway = new TurnedAway(log, clock)
    this.shared = {
      clock,
      turnedAway: (listener, limit) => turnedAway.count(listener, limit),
      capturing: this.kept.capturing,
      record: createRecorder({ log, metrics, clock, decisions: this.kept.decisions, feed: this.feed }),
      fault: (where, error) =>
        log.error('fault', { where, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    }
  }

  /** Counts and remembers by these instead. Before anything is loaded. */
  use(stores: OpenState): void {
    this.#upstreams = new Upstreams(stores.ledgers)
    this.#state = { ...this.#state, ...stores }
  }

  /** The config in force with what explaining by it needs; `undefined` before there is one. */
  get explainable(): Sending | undefined {
    const { generation } = this
    return (
      generation && {
        config: generation.config,
        env: this.#options.env,
        state: this.#state,
        trust: listener => generation.carried.get(listener)?.trust ?? generation.tls.get(listener)?.trust,
        upstreams: this.#upstreams,
        standing: generation.compiled.standing,
        tableOf: listener => generation.compiled.tables.get(listener),
        record: this.shared.record,
        fault: this.shared.fault,
      }
    )
  }

  /**
   * Loads what a config names.
   * @param note is told the absolute path of each file that is about to be read
   * @param standing what routes speak TLS to their upstreams with until then. Default: as the config in force does
   * @throws ConfigRefused
   */
  load(
    { config: asked, problems, text, written }: Loaded,
    note?: (file: string) => void,
    standing: StandingTls | undefined = this.generation?.compiled.standing,
  ): Generation {
    this.#warn(problems, text)
    if (asked === undefined) {
      const errors = problems.filter(problem => problem.severity === 'error')
      throw new ConfigRefused(formatProblems(errors, text))
    }
    const { env, loadingLog: log } = this.#options
    const { config, short } = fitToDescriptors(asked, descriptorLimit())
    if (short) log.warn('config', short)
    const loading = new Loading(dirname(config.file), env, this.#state, note)
    this.acme.begin()
    const tools = { ...this.#options, log, acme: this.acme }
    const tls = new Map<string, ServerTls>()
    const carried = new Map<string, Carried>()
    for (const { name, tls: terminates, proxyClientCert } of config.listeners) {
      if (terminates) tls.set(name, loadTls(name, terminates, loading, tools))
      if (proxyClientCert) carried.set(name, loadCarried(name, proxyClientCert, loading, tools))
    }
    this.#upstreams.begin()
    const compiled = compile(config, loading, this.#upstreams, standing)
    return { config, text: written, loading, compiled, tls, carried }
  }

  #warn(problems: readonly Problem[], text: string): void {
    for (const problem of problems)
      if (problem.severity === 'warning')
        this.#options.loadingLog.warn('config', {
          problem: formatProblems([problem], text).split('\n')[0] ?? '',
          remedy: problem.mend,
        })
  }

  /** Opens what a loaded config asks for, beside what is there. @throws ConfigRefused or the system's error */
  async prepare(next: Generation, front: Front): Promise<Prepared> {
    try {
      const telemetry = await this.telemetry.prepare(next.config, next.loading)
      await next.loading.settled(DOCUMENTS_MS, this.#givenUp.promise)
      if (this.#gaveUp) throw new ConfigRefused(DRAINING)
      const opened = await front.prepare(next, telemetry.tracing)
      return {
        opened: opened.opened,
        commit: async () => {
          await opened.commit()
          this.#put(next)
          telemetry.commit()
        },
        abort: async () => {
          await opened.abort()
          next.compiled.close()
        },
      }
    } catch (error) {
      next.compiled.close()
      throw error
    }
  }

  #put(next: Generation): void {
    const { metrics } = this.#options
    const before = this.generation
    this.generation = next
    const { captures } = next.config
    this.kept.configure({ ...next.config, captures: this.#options.keeping?.(captures) ?? captures })
    this.#upstreams.sweep()
    this.acme.sweep()
    const keys = Map.groupBy(next.config.routes.flatMap(credentialsOf), ({ route }) => route)
    metrics.setRoutes(
      next.compiled.routes.map(({ name, offline }) => ({
        name,
        online: offline === undefined,
        keys: (keys.get(name) ?? []).map(key => key.name),
      })),
    )
    before?.compiled.close()
  }

  /** Prepares nothing any more, and waits for no documents. */
  giveUp(): void {
    this.#gaveUp = true
    this.#givenUp.resolve(undefined)
  }

  /** Ends what outlives requests, once they have ended. @param withinMs for what is still to be told */
  async close(withinMs: number): Promise<void> {
    this.acme.close()
    await this.kept.close()
    await this.telemetry.close(withinMs)
    this.generation?.compiled.close()
    await this.remotes.close()
    this.#upstreams.close()
  }
}
