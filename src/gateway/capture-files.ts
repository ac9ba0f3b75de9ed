import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Capture, Captures } from '../observe/captures.ts'
import type { Log } from '../observe/log.ts'
import { masksOf } from './capture-masks.ts'
import { explainCapture } from './explainer.ts'
import { maskCapture } from './masked-capture.ts'
import { readKept } from './restored-capture.ts'
import type { Sending } from './send-again.ts'

/** Milliseconds between two looks at what is to be written, and how many are written each time: explaining takes time. */
const EVERY_MS = 250
const AT_ONCE = 2
/** Bytes of a file that is read again at start. */
const LARGEST = 32 * 1024 * 1024
const NAME = /^([0-9A-HJKMNP-TV-Z]{26})\.json$/

interface Means {
  readonly captures: Captures
  readonly clock: Clock
  readonly log: Log
  /** By the config in force. */
  explainable(): Sending | undefined
}

/**
 * Captures in a folder, so that they outlive a restart: one JSON file each, mode 0600, masked, with the explanation that
 * was made while nothing was. What is pushed out of memory goes from the folder too.
 */
export class CaptureFiles {
  readonly #dir: string
  readonly #means: Means
  readonly #pending = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #writing: Promise<void> = Promise.resolve()
  #idle = true
  #toldAt = Number.NEGATIVE_INFINITY

  /** @throws the system's error where the folder can't be made or read */
  constructor(dir: string, means: Means) {
    this.#dir = dir
    this.#means = means
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    chmodSync(dir, 0o700)
    this.#restore()
    this.#timer = setInterval(() => this.#look(), EVERY_MS).unref()
  }

  get dir(): string {
    return this.#dir
  }

  /** To be written soon; also where it has been written and has changed. */
  add(id: string): void {
    this.#pending.add(id)
  }

  /** It was pushed out, or is too old. */
  drop(id: string): void {
    if (this.#pending.delete(id)) return
    rm(join(this.#dir, `${id}.json`), { force: true }).catch(error => this.#tell(error))
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await this.#write(this.#pending.size)
  }

  #look(): void {
    if (!this.#idle || this.#pending.size === 0) return
    this.#idle = false
    this.#writing = this.#write(AT_ONCE).finally(() => {
      this.#idle = true
    })
  }

  async #write(most: number): Promise<void> {
    for (const id of [...this.#pending].slice(0, most)) {
      this.#pending.delete(id)
      const capture = this.#means.captures.get(id, this.#means.clock.now())
      const explainable = this.#means.explainable()
      if (capture === undefined || explainable === undefined || capture.restored === true) continue
      try {
        await this.#writeOne(capture, explainable)
      } catch (error) {
        this.#tell(error)
      }
    }
  }

  async #writeOne(capture: Capture, explainable: Sending): Promise<void> {
    const { config, env } = explainable
    const explanation = await explainCapture(capture, explainable)
    const route = config.routes.find(({ name }) => name === capture.request.route)
    const kept = { capture: maskCapture(capture, masksOf(route, config, env)), explanation }
    const file = join(this.#dir, `${capture.request.id}.json`)
    const fresh = `${file}.new`
    try {
      // Whole or not at all, whatever happens meanwhile.
      await writeFile(fresh, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
      await rename(fresh, file)
    } catch (error) {
      // On a full disk there would be one more for each request.
      await rm(fresh, { force: true })
      throw error
    }
    // It was pushed out while it was written.
    if (this.#means.captures.get(capture.request.id, this.#means.clock.now()) === undefined)
      await rm(file, { force: true })
  }

  /** The captures of the last run; what is too old, too many or no capture goes. */
  #restore(): void {
    const { captures, clock } = this.#means
    for (const name of readdirSync(this.#dir).sort()) {
      const file = join(this.#dir, name)
      if (name.endsWith('.json.new')) rmSync(file, { force: true })
      if (!NAME.test(name)) continue
      const capture = statSync(file).size <= LARGEST ? readKept(readFileSync(file, 'utf8')) : undefined
      if (capture === undefined) this.#means.log.warn('capture not read', { file, remedy: 'Remove the file.' })
      else captures.restore(capture, clock.now())
      if (capture && captures.get(capture.request.id, clock.now()) === undefined) rmSync(file, { force: true })
    }
  }

  #tell(error: unknown): void {
    const now = this.#means.clock.monotonic()
    if (now - this.#toldAt < 60_000) return
    this.#toldAt = now
    this.#means.log.error('capture not written', {
      dir: this.#dir,
      reason: error instanceof Error ? error.message : String(error),
      remedy: 'Captures are kept in memory all the same. Mend the folder, or change captures.dir.',
    })
  }
}
