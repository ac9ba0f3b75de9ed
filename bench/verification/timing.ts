/** What is timed. */
export interface Subject {
  readonly name: string
  /** Prepares `count` calls, on requests that nothing has seen before, and gives what makes them: that alone is timed. */
  batch(count: number): () => void
}

export interface Rounds {
  readonly rounds: number
  /** In each round, of each subject. */
  readonly batches: number
}

/** Small, so that most batches end before the system gives the processor to somebody else. */
const BATCH = 64
/** After these the compilers have done their work. */
const WARM_UP_BATCHES = 600

/**
 * Nanoseconds a call, by subject and round. The subjects take turns batch by batch, each first as often as the others, so
 * that whatever disturbs the machine falls on all of them.
 */
export function interleaved(
  subjects: readonly Subject[],
  { rounds, batches }: Rounds,
): ReadonlyMap<Subject, readonly number[]> {
  const samples = new Map<Subject, number[]>(subjects.map(subject => [subject, []]))
  round(subjects, WARM_UP_BATCHES)
  for (let i = 0; i < rounds; i++)
    for (const [subject, taken] of round(subjects, batches)) samples.get(subject)?.push(lowerQuartile(taken))
  return samples
}

function round(subjects: readonly Subject[], batches: number): ReadonlyMap<Subject, number[]> {
  const taken = new Map<Subject, number[]>(subjects.map(subject => [subject, []]))
  for (let turn = 0; turn < batches; turn++) {
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(i + turn) % subjects.length]
      const run = subject?.batch(BATCH)
      if (subject === undefined || run === undefined) continue
      const from = performance.now()
      run()
      taken.get(subject)?.push(((performance.now() - from) * 1e6) / BATCH)
    }
  }
  return taken
}

/** What is above it is mostly the collector's and the machine's. */
function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2] ?? Number.NaN
}
