import { parseArgs } from 'node:util'
import { WORKS } from './work.ts'

/** The case that needs no peers: what a check costs. */
export const VERIFICATION = 'verification'
const CASES: readonly string[] = [...WORKS.map(({ name }) => name), VERIFICATION]

export interface Options {
  /** Names of peers; empty: all. */
  readonly only: readonly string[]
  readonly cases: readonly string[]
  /** Of one measurement. */
  readonly seconds: number
  readonly rounds: number
  readonly connections: number
  /** Where the results go as JSON. */
  readonly json: string
  /** Whether `docs/benchmarks.md` is rewritten. */
  readonly write: boolean
  readonly help: boolean
}

export const HELP = `npm run bench -- [options]

  --quick            two rounds of one second: an idea, under a minute
  --only NAMES       these peers, separated by commas; nginx-njs is the base of the ratios
  --case NAMES       ${CASES.join(', ')} or all (default: verified)
  --seconds N        of one measurement (default 3); of verification, as many times 50 batches
  --rounds N         of every peer, interleaved (default 5)
  --connections N    keep-alive connections (default 32)
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
      only: { type: 'string', default: '' },
      case: { type: 'string', default: 'verified' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      connections: { type: 'string', default: '32' },
      json: { type: 'string', default: 'bench/results/latest.json' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const cases = values.case === 'all' ? CASES : list(values.case)
  for (const name of cases) {
    if (!CASES.includes(name)) throw new Error(`--case: unknown case "${name}"; there are ${CASES.join(', ')} and all`)
  }
  return {
    only: list(values.only),
    cases,
    seconds: count('seconds', values.seconds ?? (values.quick ? '1' : '3'), 60),
    rounds: count('rounds', values.rounds ?? (values.quick ? '2' : '5'), 50),
    connections: count('connections', values.connections, 1000),
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
