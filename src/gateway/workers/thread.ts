/** Run in a thread of its own: one worker among several. It does as the gate asks, and tells it what has come of it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { parseConfig } from '../../config/load.ts'
import { systemClock } from '../../core/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { openSharedState } from '../../store/shared-state.ts'
import { CannotListen } from '../cannot-listen.ts'
import { ConfigRefused } from '../config-refused.ts'
import { Engine, type Prepared } from '../engine.ts'
import type { Opened } from '../front.ts'
import { Listeners } from '../listeners.ts'
import type { Answer, Failure, ToWorker, WorkerBrief } from './messages.ts'
import { Outbox } from './outbox.ts'

/** Captures are the gate's to keep: here they wait for the rest of their bodies. Milliseconds. */
const CAPTURE_MS = 30_000
/** Milliseconds that telemetry has to be delivered in before a worker ends. */
const TELL_MS = 3_000

class Worker {
  readonly #brief: WorkerBrief
  readonly #outbox: Outbox
  readonly #engine: Engine
  readonly #front: Listeners
  #ports: ReadonlyMap<string, number> = new Map()
  #prepared: Prepared | undefined

  constructor(port: MessagePort, brief: WorkerBrief) {
    const { file, env, level, version, unix } = brief
    this.#brief = brief
    this.#outbox = new Outbox(port)
    const log = createLog({ destination: this.#outbox, level, pretty: false })
    const metrics = createMetrics({ version })
    this.#engine = new Engine({
      file,
      env,
      clock: systemClock,
      log,
      metrics,
      stores: openSharedState(brief.shared, brief.slot, systemClock),
      loadingLog: createLog({ level: 'silent', destination: this.#outbox }),
      keeping: captures => ({ ...captures, dir: undefined, age: Math.min(captures.age, CAPTURE_MS) }),
      renewed: () => this.#front.renew(),
      isWorker: true,
    })
    const { shared, acme, kept, feed } = this.#engine
    const among = { unix, port: (name: string) => this.#ports.get(name) }
    this.#front = new Listeners({ shared, acme, metrics, among })
    this.#outbox.attend({
      metrics,
      kept,
      feed,
      bridges: () => this.#front.bridges(),
      telemetry: () => this.#engine.telemetry.loaded?.reading(),
    })
    process.on('exit', () => this.#outbox.close())
  }

  /** @returns what it has opened, where that was asked */
  async do(asked: ToWorker): Promise<readonly Opened[] | undefined> {
    switch (asked.ask) {
      case 'prepare': {
        this.#ports = asked.ports
        const { file, env } = this.#brief
        const next = this.#engine.load(parseConfig(asked.text, file, env), undefined, asked.standing)
        this.#prepared = await this.#engine.prepare(next, this.#front)
        return this.#prepared.opened
      }
      case 'acme':
        this.#engine.acme.follow(asked.standing)
        break
      case 'commit':
        await this.#took()?.commit()
        break
      case 'abort':
        await this.#took()?.abort()
        break
      case 'watch':
        this.#outbox.watch(asked.on)
        break
      case 'drain':
        await this.#front.drain(asked.graceMs)
        await this.#engine.close(Math.min(asked.graceMs, TELL_MS))
        break
      case 'sync':
        break
    }
    return undefined
  }

  /** What was prepared is put in force or let go of once. */
  #took(): Prepared | undefined {
    const prepared = this.#prepared
    this.#prepared = undefined
    return prepared
  }

  /** Whatever was counted before an answer is there with it. */
  flush(): void {
    this.#outbox.flush()
  }
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const bind = error instanceof CannotListen ? { bind: error.bind } : {}
  return { message, refused: error instanceof ConfigRefused, code, ...bind }
}

if (parentPort) {
  const port = parentPort
  const worker = new Worker(port, workerData as WorkerBrief)
  port.on('message', (asked: ToWorker) => {
    const answer = (rest: Omit<Answer, 'answer'>): void => {
      worker.flush()
      port.postMessage({ answer: asked.id, ...rest } satisfies Answer)
    }
    worker.do(asked).then(
      opened => answer(opened ? { opened } : {}),
      (error: unknown) => answer({ failure: failureOf(error) }),
    )
  })
}
