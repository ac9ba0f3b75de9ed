import type { History } from '../observe/history.ts'
import type { Metrics } from '../observe/metrics.ts'

/** What the console shows beside the gate itself. */
export interface Views {
  readonly history: History
  readonly metrics: Pick<Metrics, 'listener' | 'version'>
  /** Epoch milliseconds. */
  readonly startedAt: number
}
