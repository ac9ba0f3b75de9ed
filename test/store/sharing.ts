import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { markAlive, markDead, type SharedState } from '../../src/store/shared-state.ts'

export const KEYS = 100
/** Keys of which every token is counted. */
export const RATE_COUNTERS = 10
export const BURST = 250
export const LEDGER = 'route paced'

/** What workers write down beside what they share, to be held against it. */
export interface Sheets {
  /** 0: how often one has come to where all meet. 1: whether all are to end. */
  readonly flags: Int32Array
  readonly admitted: Int32Array
  readonly fresh: Int32Array
  /** By event: the mark of the worker that has claimed it. */
  readonly owners: Int32Array
  readonly kept: Int32Array
  /** By mark: whether it is being killed. */
  readonly doomed: Int32Array
  readonly sent: Int32Array
  /** 0: no room for a claim. 1: a delivered event was fresh. 2: two had one claim. */
  readonly wrong: Int32Array
  /** By seat: what it has done. */
  readonly done: Int32Array
}

export interface Job {
  readonly state: SharedState
  readonly seat: number
  /** Another for each worker that was ever started. */
  readonly mark: number
  readonly sheets: Sheets
  readonly job:
    | { readonly kind: 'race'; readonly workers: number }
    | { readonly kind: 'work' | 'hold' }
    | { readonly kind: 'send'; readonly to: string; readonly count: number; readonly factor: number }
}

export function sheetsFor(marks: number): Sheets {
  const sheet = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(count * 4))
  return {
    flags: sheet(2),
    admitted: sheet(KEYS),
    fresh: sheet(KEYS),
    owners: sheet(KEYS),
    kept: sheet(KEYS),
    doomed: sheet(marks),
    sent: sheet(1),
    wrong: sheet(3),
    done: sheet(16),
  }
}

export interface Sharer {
  readonly worker: Worker
  readonly seat: number
  readonly mark: number
  /** When it has exited and is marked dead. */
  readonly gone: Promise<void>
}

/** Starts a worker, and marks its seat as a pool does. Its errors are thrown by `gone`. */
export function startSharer(given: Omit<Job, 'mark'>, mark: number): Sharer {
  const { state, seat } = given
  markAlive(state, seat)
  const worker = new Worker(new URL('sharing-worker.ts', import.meta.url), {
    workerData: { ...given, mark } satisfies Job,
    execArgv: [],
  })
  const gone = once(worker, 'exit').then(() => markDead(state, seat))
  return { worker, seat, mark, gone }
}
