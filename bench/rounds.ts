import { proveOnce, type Sample, type Started, sample, start, together } from './measure.ts'
import type { Options } from './options.ts'
import type { Peer } from './peers/peer.ts'
import type { Outcome } from './report.ts'
import type { Setting, Work } from './work.ts'

/** Compilers that work while the program runs need this long, and their work is not the request's. */
const WARM_UP_SECONDS = 6
/** For what all works have in common, which the first of them meets. */
const FIRST_WARM_UP_SECONDS = 12

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A peer that takes part, or the reason why it doesn't. */
export interface Entry {
  readonly peer: Peer
  readonly version: string | undefined
  readonly started?: Started
  /** Another instance, which takes half of the connections. */
  readonly second?: Started
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
  await Promise.all(entries.flatMap(({ started, second }) => [started?.server.stop(), second?.server.stop()]))
}

/** Why a peer that runs has no part in this work. */
function reasonAgainst({ peer, problem }: Entry, work: Work): string | undefined {
  return problem ?? peer.sitsOut?.[work.name] ?? (work.refused && !peer.checks ? 'checks nothing' : undefined)
}

/** One peer at one work, round after round. */
class Run {
  readonly #entry: Entry
  readonly #work: Work
  readonly #options: Options
  readonly #samples: Sample[] = []
  #problem: string | undefined
  #rate = 0

  constructor(entry: Entry, work: Work, options: Options) {
    this.#entry = entry
    this.#work = entry.work ?? work
    this.#options = options
    this.#problem = reasonAgainst(entry, work)
  }

  async warmUp(first: boolean): Promise<void> {
    const { arrival } = this.#work
    const { warmUp: seconds = first ? FIRST_WARM_UP_SECONDS : WARM_UP_SECONDS } = this.#options
    await this.#attempt(async started => {
      // Few webhooks a second come over connections of their own: kept ones bring a compiler to its end sooner.
      const warm = await this.#sample(started, { ...this.#work, arrival: 'keep-alive' }, seconds)
      if (arrival !== 'keep-alive' && arrival !== 'half') await this.#sample(started, this.#work, seconds)
      if (arrival === 'half') this.#rate = warm.perSecond / 2
    })
  }

  async round(): Promise<void> {
    await this.#attempt(async started => {
      this.#samples.push(await this.#sample(started, this.#work, this.#options.seconds, this.#rate))
    })
  }

  async #sample(started: Started, work: Work, seconds: number, rate = 0): Promise<Sample> {
    const { connections } = this.#options
    const { second } = this.#entry
    if (second === undefined) return sample(started, work, connections, seconds, rate)
    const halves = [started, second].map(half => sample(half, work, connections / 2, seconds, rate / 2))
    return together(await Promise.all(halves))
  }

  async #attempt(part: (started: Started) => Promise<void>): Promise<void> {
    const { started } = this.#entry
    if (started === undefined || this.#problem !== undefined) return
    try {
      await part(started)
    } catch (error) {
      this.#problem = `failed under load: ${sentence(error)}`
      this.#samples.length = 0
    }
  }

  outcome(): Outcome {
    const { peer, version, started } = this.#entry
    return {
      peer: peer.name,
      title: peer.title,
      note: peer.note,
      version,
      problem: this.#problem,
      atRest: started?.atRest ?? 0,
      startMs: started?.server.startMs ?? 0,
      samples: this.#samples,
    }
  }
}

/**
 * Interleaved rounds, so that what disturbs the machine for a while disturbs all: in each round every work, and every
 * peer at it.
 * @returns for each of the works
 */
export async function rounds(
  entries: readonly Entry[],
  works: readonly Work[],
  options: Options,
): Promise<readonly Outcome[][]> {
  const runs = works.map(work => ({ work, of: entries.map(entry => new Run(entry, work, options)) }))
  for (let round = 0; round <= options.rounds; round++)
    for (const { work, of } of runs) {
      say(round === 0 ? `${work.title}: warming up` : `${work.title}: round ${round} of ${options.rounds}`)
      for (const run of of) await (round === 0 ? run.warmUp(work === works[0]) : run.round())
    }
  return runs.map(({ of }) => of.map(run => run.outcome()))
}
