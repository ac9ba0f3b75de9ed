import type { AuditRecord } from './audit.ts'

/** @param now epoch milliseconds */
export type Watcher = (record: AuditRecord, now: number) => void
export type Loser = (count: number) => void

/** Where the records of requests can be watched as they are made. While nobody does it costs a look at one field. */
export class DecisionFeed {
  /** `undefined` while nobody watches. */
  tell: Watcher | undefined
  readonly #watchers = new Map<Watcher, Loser>()
  #attendant: (watched: boolean) => void = () => undefined

  get watchers(): number {
    return this.#watchers.size
  }

  /** Hands in who is told when the first begins to watch, and when the last has ceased. */
  attend(attendant: (watched: boolean) => void): void {
    this.#attendant = attendant
  }

  /**
   * Hands each record to `watcher` until the returned function is called, and the count of those that could not be told
   * to `loser`. Neither may throw.
   */
  watch(watcher: Watcher, loser: Loser = () => undefined): () => void {
    this.#watchers.set(watcher, loser)
    this.tell = (record, now) => {
      for (const each of this.#watchers.keys()) each(record, now)
    }
    if (this.#watchers.size === 1) this.#attendant(true)
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      this.tell = undefined
      this.#attendant(false)
    }
  }

  /** Records came faster than they could be told. */
  lose(count: number): void {
    for (const loser of this.#watchers.values()) loser(count)
  }
}
