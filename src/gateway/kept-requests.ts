import type { GatewayConfig } from '../config/model.ts'
import type { Clock } from '../core/clock.ts'
import { Captures } from '../observe/captures.ts'
import { Decisions } from '../observe/decisions.ts'
import type { Log } from '../observe/log.ts'
import type { CaptureFiles } from './capture-files.ts'
import { Capturing } from './capturing.ts'
import type { Sending } from './send-again.ts'

/** Milliseconds between two looks for what is too old. */
const FORGET_MS = 60_000

interface Means {
  readonly clock: Clock
  readonly log: Log
  /** By the config in force. */
  explainable(): Sending | undefined
}

/** What a gate keeps of its requests, for explaining: captures, in memory or on disk, and the last decisions. */
export class KeptRequests {
  readonly captures = new Captures()
  readonly decisions = new Decisions()
  readonly capturing: Capturing
  readonly #means: Means
  #dir: string | undefined
  #files: Promise<CaptureFiles | undefined> = Promise.resolve(undefined)
  #forgetting: NodeJS.Timeout | undefined

  constructor(means: Means) {
    this.#means = means
    this.capturing = new Capturing(this.captures, means.clock)
  }

  configure({ admin, captures, routes }: Pick<GatewayConfig, 'admin' | 'captures' | 'routes'>): void {
    // Without an admin listener nobody could ask for them.
    const { dir, ...limits } = admin ? captures : { ...captures, keep: 0, dir: undefined }
    this.capturing.configure(limits)
    this.decisions.setRoutes(routes.map(({ name }) => name))
    // What is too old goes, whether or not another comes.
    this.#forgetting ??= setInterval(() => this.captures.sweep(this.#means.clock.now()), FORGET_MS).unref()
    if (dir === this.#dir) return
    this.#dir = dir
    this.#files = this.#files.then(async before => {
      this.captures.watch(() => undefined)
      this.capturing.watch(() => undefined)
      await before?.close()
      return dir === undefined ? undefined : this.#open(dir)
    })
  }

  async close(): Promise<void> {
    clearInterval(this.#forgetting)
    await (await this.#files)?.close()
  }

  /** Loaded late: most gates keep captures in memory alone. A folder that can't be had leaves them there. */
  async #open(dir: string): Promise<CaptureFiles | undefined> {
    const { log } = this.#means
    try {
      const { CaptureFiles } = await import('./capture-files.ts')
      const files = new CaptureFiles(dir, { captures: this.captures, ...this.#means })
      this.captures.watch(id => files.drop(id))
      this.capturing.watch(id => files.add(id))
      return files
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.error('captures not kept on disk', { dir, reason, remedy: 'They are kept in memory. Mend captures.dir.' })
      return undefined
    }
  }
}
