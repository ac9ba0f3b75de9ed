import type { Finding } from '../../src/core/finding.ts'

/** One set-up that is really broken, and what ought to be said of it. */
export interface Entry {
  /** What is broken, as somebody would tell it who knows. */
  readonly what: string
  /** The cause that has to be named first. */
  readonly cause: string
  /** What the first sentence or its mend has to say besides. */
  readonly says?: RegExp
  /** What is true as well, and may be named after it. */
  readonly also?: readonly string[]
  /** Asks the program; what it found wrong, in its order. */
  readonly tell: () => Promise<readonly Finding[]>
}

/** Entries that share what takes long to start. */
export interface Family {
  readonly name: string
  /** A program that has to be there. */
  readonly needs?: readonly [program: string, ...args: string[]]
  open(): Promise<{ readonly entries: readonly Entry[]; readonly close: () => Promise<void> }>
}

export interface Score {
  readonly family: string
  readonly what: string
  /** Empty where the true cause was named first, and no false one. */
  readonly wrong: string
}

/** Asks about one set-up. A throw counts as wrong. */
export async function judge(family: string, entry: Entry): Promise<Score> {
  let wrong: string
  try {
    wrong = faultOf(entry, await entry.tell())
  } catch (error) {
    wrong = error instanceof Error ? error.message : String(error)
  }
  return { family, what: entry.what, wrong }
}

function faultOf({ cause, says, also = [] }: Entry, findings: readonly Finding[]): string {
  const told = findings.filter(({ level }) => level !== 'ok')
  const [first, ...more] = told
  const shown = told.map(each => `${each.cause} (${each.certainty}): ${each.because}`).join('; ')
  if (first === undefined) return `nothing was said, and it is ${cause}`
  if (first.cause !== cause) return `it is ${cause}, and was called ${shown}`
  if (says && !says.test(`${first.because}. ${first.mend}`))
    return `it does not say ${says}: ${first.because}. ${first.mend}`
  // What is only possible is printed as "perhaps", and stands for what was not excluded.
  const asserted = more.filter(each => each.certainty !== 'possible' && each.cause !== cause)
  const untrue = asserted.filter(each => !also.includes(each.cause))
  return untrue.length === 0
    ? ''
    : `besides ${cause}, it says what is not so: ${untrue.map(each => each.cause).join(', ')}`
}
