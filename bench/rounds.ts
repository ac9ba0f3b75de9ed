import { proveOnce, type Sample, type Started, sample, start } from './measure.ts'
import type { Options } from './options.ts'
import type { Peer } from './peers/peer.ts'
import type { Outcome } from './report.ts'
import type { Setting, Work } from './work.ts'

/** Compilers that work while the program runs need this long, and their work is not the request's. */
const WARM_UP_SECONDS = 6

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A peer that takes part, or the reason why it doesn't. */
export interface Entry {
  readonly peer: Peer
  readonly version: string | undefined
  readonly started?: Started
  readonly problem?: string
  /** Where this peer is sent something else than the others. */
  readonly work?: Work
}

/** Proves that the peer does the work, then starts it for the load. A peer that can't is kept with its reason. */
export async function enter(peer: Peer, root: string, upstream: number, setting: Setting): Promise<Entry> {
  const version = peer.version()
  if (version === undefined) return { peer, version, problem: 'not installed' }
  const sitsOut = peer.sitsOut?.[setting.name]
  if (sitsOut !== undefined) return { peer, version, problem: sitsOut }
  try {
    const faults = await proveOnce(peer, root, setting)
    if (faults.length > 0) return { peer, version, problem: `does not do the work: ${faults.join('; ')}` }
    return { peer, version, started: await start(peer, root, upstream, setting) }
  } catch (error) {
    return { peer, version, problem: `does not start: ${sentence(error)}` }
  }
}

export async function leave(entries: readonly Entry[]): Promise<void> {
  await Promise.all(entries.map(({ started }) => started?.server.stop()))
}

/** Why a peer that runs has no part in this work. */
function reasonAgainst({ peer, problem }: Entry, work: Work): string | undefined {
  return problem ?? peer.sitsOut?.[work.name] ?? (work.refused && !peer.checks ? 'checks nothing' : undefined)
}

/** Interleaved rounds, so that what disturbs the machine for a while disturbs all. */
export async function rounds(entries: readonly Entry[], work: Work, options: Options): Promise<Outcome[]> {
  const samples = new Map<Entry, Sample[]>(entries.map(entry => [entry, []]))
  const problems = new Map(entries.map(entry => [entry, reasonAgainst(entry, work)]))
  const rates = new Map<Entry, number>()
  for (let round = 0; round <= options.rounds; round++) {
    say(round === 0 ? `${work.title}: warming up` : `${work.title}: round ${round} of ${options.rounds}`)
    for (const entry of entries) {
      const { started } = entry
      if (started === undefined || problems.get(entry) !== undefined) continue
      const task = entry.work ?? work
      try {
        if (round === 0) {
          const seconds = options.warmUp ?? WARM_UP_SECONDS
          // Few webhooks a second come over connections of their own: kept ones bring a compiler to its end sooner.
          const warm = await sample(started, { ...task, arrival: 'keep-alive' }, options.connections, seconds)
          if (task.arrival !== 'keep-alive' && task.arrival !== 'half')
            await sample(started, task, options.connections, seconds)
          rates.set(entry, work.arrival === 'half' ? warm.perSecond / 2 : 0)
          continue
        }
        samples.get(entry)?.push(await sample(started, task, options.connections, options.seconds, rates.get(entry)))
      } catch (error) {
        problems.set(entry, `failed under load: ${sentence(error)}`)
        samples.set(entry, [])
      }
    }
  }
  return entries.map(entry => ({
    peer: entry.peer.name,
    title: entry.peer.title,
    note: entry.peer.note,
    version: entry.version,
    problem: problems.get(entry),
    atRest: entry.started?.atRest ?? 0,
    startMs: entry.started?.server.startMs ?? 0,
    samples: samples.get(entry) ?? [],
  }))
}
