import { bounded } from '../observe/text.ts'

/** One time that a config was to take over. */
export interface Reload {
  /** Epoch milliseconds. */
  readonly at: number
  /** What asked for it: the start, a signal, or files that changed. */
  readonly cause: 'start' | 'signal' | 'files'
  /** Those that changed, as the log names them. */
  readonly files: readonly string[]
  /** Routes of what was taken; `undefined` where it was refused. */
  readonly routes: number | undefined
  /** Why it was refused. */
  readonly reason: string | undefined
}

const KEPT = 50
const FILES = 20
const REASON = 4096

/** The last reloads, the latest first. */
export class ReloadHistory {
  #kept: readonly Reload[] = []

  add(reload: Reload): void {
    const { files, reason } = reload
    const kept = { ...reload, files: files.slice(0, FILES), reason: reason && bounded(reason, REASON) }
    this.#kept = [kept, ...this.#kept].slice(0, KEPT)
  }

  get latest(): readonly Reload[] {
    return this.#kept
  }
}
