import type { AuditRecord } from './audit.ts'

/** @param now epoch milliseconds */
export type Watcher = (record: AuditRecord, now: number) => void

/** Where the records of requests can be watched as they are made. While nobody does it costs a look at one field. */
export class DecisionFeed {
  /** `undefined` while nobody watches. */
  tell: Watcher | undefined
  readonly #watchers = new Set<Watcher>()

  get watchers(): number {
    return this.#watchers.size
  }

  /** Hands each record to `watcher`, which must not throw, until the returned function is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    this.tell = (record, now) => {
      for (const each of this.#watchers) each(record, now)
    }
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size === 0) this.tell = undefined
    }
  }
}
