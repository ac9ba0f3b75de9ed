import { parseArgs } from 'node:util'
import { CASES } from './cases/index.ts'
import { WORKS } from './work.ts'

export interface Options {
  /** Names of peers; empty: all. */
  readonly only: readonly string[]
  readonly cases: readonly string[]
  /** Of one measurement. */
  readonly seconds: number
  readonly rounds: number
  readonly connections: number
  /** That the case `idle` opens. */
  readonly idleConnections: number
  /** Milliseconds until memory that a server no longer needs has been given back, as far as it is. */
  readonly settleMs: number
  /** Seconds before the first round of a work; `undefined`: as long as compilers need. */
  readonly warmUp: number | undefined
  /** Where the results go as JSON. */
  readonly json: string
  /** Whether `docs/benchmarks.md` is rewritten. */
  readonly write: boolean
  readonly help: boolean
}

/** The case that needs no peers: what a check costs. */
export const VERIFICATION = 'verification'
const NAMES: readonly string[] = [...[...WORKS, ...CASES].map(({ name }) => name), VERIFICATION]
/** What `--quick` runs: the cases that a change is most likely to move, for the gate and its measure. */
const QUICK = {
  cases: 'verified,forged,foreign,tls,tls-full,tls-resumed,captures,start,idle',
  only: 'nginx-njs,sallyport',
  seconds: '1',
  rounds: '1',
  warmUp: 1,
  idleConnections: '1000',
  settleMs: 500,
}
/** `NAMES` as paragraphs of the help. */
const LISTED = NAMES.join(', ').replace(/(.{50,64},) /g, `$1\n${' '.repeat(21)}`)

export const HELP = `npm run bench -- [options]

  --quick            the main cases, the gate and nginx, a round of a second: an idea, under a minute
  --only NAMES       these peers, separated by commas; nginx-njs is the base of the ratios
  --case NAMES       any of these, separated by commas, or all (default: verified)
                     ${LISTED}
  --seconds N        of one measurement (default 3); of verification, as many times 50 batches
  --rounds N         of every peer, interleaved (default 5)
  --connections N    keep-alive connections (default 32)
  --idle N           connections of the case idle (default 10000)
  --json FILE        the results (default bench/results/latest.json)
  --write            rewrite what docs/benchmarks.md has of these cases
  --help             this text
`

/** @throws where an option is unknown or not what it takes. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      case: { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      connections: { type: 'string', default: '32' },
      idle: { type: 'string' },
      json: { type: 'string', default: 'bench/results/latest.json' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const quick = values.quick ? QUICK : undefined
  const wanted = values.case ?? quick?.cases ?? 'verified'
  const cases = wanted === 'all' ? NAMES : list(wanted)
  for (const name of cases) {
    if (!NAMES.includes(name)) throw new Error(`--case: unknown case "${name}"; there are ${NAMES.join(', ')} and all`)
  }
  return {
    only: list(values.only ?? quick?.only ?? ''),
    cases,
    seconds: count('seconds', values.seconds ?? quick?.seconds ?? '3', 60),
    rounds: count('rounds', values.rounds ?? quick?.rounds ?? '5', 50),
    connections: count('connections', values.connections, 1000),
    idleConnections: count('idle', values.idle ?? quick?.idleConnections ?? '10000', 10_000),
    settleMs: quick?.settleMs ?? 3000,
    warmUp: quick?.warmUp,
    json: values.json,
    write: values.write,
    help: values.help,
  }
}

const list = (text: string): string[] => text.split(',').filter(name => name !== '')

function count(name: string, text: string, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`--${name}: "${text}" is not a whole number from 1 to ${most}`)
  }
  return value
}
