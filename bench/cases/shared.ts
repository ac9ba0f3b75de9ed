import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { createSharedState, markAlive, type SharedState } from '../../src/store/shared-state.ts'
import type { Done, SharedWork, SharingJob } from '../apps/sharing-thread.ts'
import type { FigureRow } from '../figures.ts'
import { say } from '../rounds.ts'
import type { Case } from './case.ts'

const THREAD = join(import.meta.dirname, '../apps/sharing-thread.ts')
const WARM_UP_SECONDS = 0.5
/** Parts of a measurement's time: alone, apart and sharing take turns. */
const TURNS = 3

/** The row and the columns that goals are set for. */
export const SHARING = 'request-same'
export const SHARING_CPU = 2
export const SHARING_DONE = 3
const COLUMNS = [
  'CPU ns each, one thread',
  'CPU, two apart / one',
  'CPU, two sharing / apart',
  'done, two sharing / apart',
] as const

interface Row {
  readonly name: string
  readonly title: string
  readonly work: SharedWork
  readonly same: boolean
}

const ROWS: readonly Row[] = [
  { name: 'rate-own', title: 'rate-limit alone, each its sources', work: 'rate', same: false },
  { name: 'rate-same', title: 'rate-limit alone, one source', work: 'rate', same: true },
  { name: 'claim', title: 'replay alone: claimed, and kept', work: 'claim', same: false },
  { name: 'pace-own', title: 'pace alone, each its upstream', work: 'pace', same: false },
  { name: 'pace-same', title: 'pace alone, one upstream', work: 'pace', same: true },
  { name: 'request-own', title: 'all three beside a signature, each its own', work: 'request', same: false },
  { name: SHARING, title: 'all three beside a signature, one source and upstream', work: 'request', same: true },
]

function runThread(job: SharingJob): Promise<Done> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(THREAD, { workerData: job })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', code => reject(new Error(`a thread ended with ${code}`)))
  })
}

/** What all threads together did at the same time, each on the state at its place in the list. */
export async function together(
  { work, same }: Pick<Row, 'work' | 'same'>,
  states: readonly SharedState[],
  seconds: number,
  warmUp = WARM_UP_SECONDS,
): Promise<Done> {
  const arrived = new Int32Array(new SharedArrayBuffer(4))
  const each = await Promise.all(
    states.map((state, at) => {
      const seat = at + 1
      markAlive(state, seat)
      return runThread({ work, same, seconds, warmUp, state, seat, arrived, threads: states.length })
    }),
  )
  const perSecond = each.reduce((sum, done) => sum + done.perSecond, 0)
  return { perSecond, cpuUs: each.reduce((sum, done) => sum + done.cpuUs * done.perSecond, 0) / perSecond }
}

async function round(row: Row, seconds: number): Promise<readonly number[]> {
  const [one, other, both] = [createSharedState(), createSharedState(), createSharedState()]
  const alone = await together(row, [createSharedState()], seconds)
  const apart = await together(row, [one, other], seconds)
  const sharing = await together(row, [both, both], seconds)
  return [
    alone.cpuUs * 1000,
    apart.cpuUs / alone.cpuUs,
    sharing.cpuUs / apart.cpuUs,
    sharing.perSecond / apart.perSecond,
  ]
}

/** Nothing here uses the network: two threads have both cores to themselves, with no load generator beside them. */
export const shared: Case = {
  name: 'shared',
  title: 'What two workers share, on two cores',
  async run({ options }) {
    const rows: FigureRow[] = []
    for (const row of ROWS) {
      const values: number[][] = COLUMNS.map(() => [])
      for (let at = 1; at <= options.rounds; at++) {
        say(`${shared.title}: ${row.title}, round ${at} of ${options.rounds}`)
        for (const [column, value] of (await round(row, options.seconds / TURNS)).entries()) values[column]?.push(value)
      }
      rows.push({ peer: row.name, title: row.title, version: undefined, values })
    }
    return { kind: 'figures', name: shared.name, title: shared.title, columns: COLUMNS, rows, notes: [] }
  },
}
