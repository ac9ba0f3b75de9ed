import { Worker } from 'node:worker_threads'
import { CannotListen } from '../cannot-listen.ts'
import { ConfigRefused } from '../config-refused.ts'
import type { Opened } from '../front.ts'
import type { Answer, Ask, Failure, FromWorker, News, ToPrepare, ToWorker, WorkerBrief } from './messages.ts'

/** Beside the source or, in the package, beside the bundle. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './worker.js', import.meta.url)
/** A worker that has not answered by then has hung: another takes its place. Milliseconds. */
const PATIENCE_MS = 60_000

interface Waiting {
  resolve(answer: Answer): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/** The worker has ended before it could answer. */
export class WorkerGone extends Error {
  override readonly name = 'WorkerGone'
}

/** A worker as the gate sees it. */
export class Seat {
  readonly brief: WorkerBrief
  /** When it began: milliseconds, monotonic. */
  readonly since = performance.now()
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0
  #ended = false
  /** Why it ended, where it said so. */
  #cause: string | undefined

  /**
   * @param tell is called with what it has to tell, before whatever it answers after that
   * @param ended is called once, when it has ended
   */
  constructor(brief: WorkerBrief, tell: (news: News) => void, ended: (cause: string) => void) {
    this.brief = brief
    this.#worker = new Worker(ENTRY, { workerData: brief, name: `worker ${brief.seat}` })
    this.#worker.on('message', (message: FromWorker) => {
      if ('news' in message) tell(message.news)
      else this.#answered(message)
    })
    this.#worker.on('messageerror', error => {
      this.#cause = `a message of it could not be read: ${error.message}`
      void this.#worker.terminate()
    })
    this.#worker.on('error', error => {
      this.#cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    })
    this.#worker.on('exit', code => {
      this.#ended = true
      const cause = this.#cause ?? `it ended with ${code}`
      for (const { reject, timer } of this.#waiting.values()) {
        clearTimeout(timer)
        reject(new WorkerGone(cause))
      }
      this.#waiting.clear()
      ended(cause)
    })
  }

  get ended(): boolean {
    return this.#ended
  }

  /** @throws ConfigRefused or CannotListen, as the worker met it; WorkerGone */
  async prepare(what: ToPrepare): Promise<readonly Opened[]> {
    const { opened = [] } = await this.#ask({ ask: 'prepare', ...what })
    return opened
  }

  /** @throws WorkerGone */
  async ask(ask: Exclude<Ask, { readonly ask: 'prepare' | 'drain' }>): Promise<void> {
    await this.#ask(ask)
  }

  /** Lets it end its requests, then ends it. Does not reject. */
  async drain(graceMs: number): Promise<void> {
    await this.#ask({ ask: 'drain', graceMs }, graceMs + PATIENCE_MS).catch(() => undefined)
    await this.end()
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(ask: Ask, patience = PATIENCE_MS): Promise<Answer> {
    if (this.#ended) return Promise.reject(new WorkerGone(this.#cause ?? 'it has ended'))
    const id = ++this.#asked
    const message: ToWorker = { ...ask, id }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#cause = `it did not answer ${ask.ask} within ${patience} ms`
        void this.end()
      }, patience).unref()
      this.#waiting.set(id, { resolve, reject, timer })
      this.#worker.postMessage(message)
    })
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.answer)
    if (waiting === undefined) return
    this.#waiting.delete(answer.answer)
    clearTimeout(waiting.timer)
    if (answer.failure) waiting.reject(errorOf(answer.failure))
    else waiting.resolve(answer)
  }
}

function errorOf({ message, refused, code, bind }: Failure): Error {
  if (refused) return new ConfigRefused(message)
  if (bind !== undefined) return new CannotListen(message, bind, code)
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}
