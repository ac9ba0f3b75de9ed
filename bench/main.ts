/** `npm run bench`: the gate and its peers on the same work. Nothing is installed; what is missing is named. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { machine, measuredSection, replaceSection, type Section, verificationSection } from './document.ts'
import { loadGenerator } from './load.ts'
import { OTHER_CORE, proveOnce, type Sample, type Started, sample, startForLoad } from './measure.ts'
import { HELP, type Options, readOptions, VERIFICATION } from './options.ts'
import { PEERS } from './peers/index.ts'
import type { Peer } from './peers/peer.ts'
import { findProgram, killAll } from './processes.ts'
import { BASE, type Outcome, terminalTable } from './report.ts'
import { startUpstream } from './upstream.ts'
import { measureVerification } from './verification/measure.ts'
import { markdownVerification, terminalVerification, type Verification } from './verification/report.ts'
import { WORKS, type Work } from './work.ts'

const DOCUMENT = join(import.meta.dirname, '../docs/benchmarks.md')
// Compilers that work while the program runs need this long, and their work is not the request's.
const WARM_UP_SECONDS = 6
/** Of the calls whose cost is measured, for a second asked for. */
const BATCHES = 50
const say = (text: string) => process.stderr.write(`${text}\n`)
const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

interface Entry {
  readonly peer: Peer
  readonly version: string | undefined
  started?: Started
  problem?: string
}

function choose(options: Options): Peer[] {
  const names = PEERS.map(({ name }) => name)
  const unknown = options.only.find(name => !names.includes(name))
  if (unknown !== undefined) throw new Error(`--only: unknown peer "${unknown}"; there are ${names.join(', ')}`)
  return PEERS.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
}

/** Proves that the peer does the work, then starts it for the load. A peer that can't is kept with its reason. */
async function enter(peer: Peer, root: string, upstream: number): Promise<Entry> {
  const version = peer.version()
  if (version === undefined) return { peer, version, problem: 'not installed' }
  try {
    const faults = await proveOnce(peer, root)
    if (faults.length > 0) return { peer, version, problem: `does not do the work: ${faults.join('; ')}` }
    return { peer, version, started: await startForLoad(peer, root, upstream) }
  } catch (error) {
    return { peer, version, problem: `does not start: ${sentence(error)}` }
  }
}

/** Interleaved rounds, so that what disturbs the machine for a while disturbs all. */
async function rounds(entries: readonly Entry[], work: Work, options: Options): Promise<Outcome[]> {
  const samples = new Map<Entry, Sample[]>(entries.map(entry => [entry, []]))
  const problems = new Map<Entry, string>()
  for (let round = 0; round <= options.rounds; round++) {
    say(round === 0 ? `${work.title}: warming up` : `${work.title}: round ${round} of ${options.rounds}`)
    for (const entry of entries) {
      if (entry.started === undefined || problems.has(entry)) continue
      if (work.refused && !entry.peer.checks) {
        problems.set(entry, 'checks nothing')
        continue
      }
      try {
        const seconds = round === 0 ? Math.max(options.seconds, WARM_UP_SECONDS) : options.seconds
        const taken = await sample(entry.started, work, options.connections, seconds)
        if (round > 0) samples.get(entry)?.push(taken)
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
    problem: entry.problem ?? problems.get(entry),
    atRest: entry.started?.atRest ?? 0,
    startMs: entry.started?.server.startMs ?? 0,
    samples: samples.get(entry) ?? [],
  }))
}

function conditions(upstream: string): string[] {
  const lines = [machine(), `load: ${loadGenerator()}; upstream: ${upstream}`]
  if (findProgram('taskset') === undefined) lines.push('taskset is not installed: nothing was pinned to a core')
  else if (availableParallelism() < 2) lines.push('one core only: load, upstream and peer shared it')
  return lines
}

async function bench(options: Options, root: string, command: string): Promise<void> {
  const works = WORKS.filter(({ name }) => options.cases.includes(name))
  const verification = options.cases.includes(VERIFICATION) ? costs(options, command) : undefined
  const compared = works.length > 0 ? await compare(works, options, root, command) : undefined
  mkdirSync(dirname(options.json), { recursive: true })
  writeFileSync(options.json, `${JSON.stringify({ command, options, ...compared, verification }, undefined, 2)}\n`)
}

/** The gate's checks alone. */
function costs(options: Options, command: string): Verification {
  const measured = measureVerification({ rounds: options.rounds, batches: options.seconds * BATCHES }, say)
  process.stdout.write(`\nA whole check against the bare primitive\n\n${terminalVerification(measured)}\n`)
  if (options.write) write(verificationSection(command, markdownVerification(measured), [machine()]), 'verification')
  return measured
}

/** The gate and its peers. */
async function compare(works: readonly Work[], options: Options, root: string, command: string) {
  const peers = choose(options)
  const upstream = await startUpstream(mkdtempSync(join(root, 'upstream-')), OTHER_CORE)
  const about = conditions(upstream.kind)
  for (const line of about) say(line)
  const entries: Entry[] = []
  for (const peer of peers) entries.push(await enter(peer, root, upstream.port))
  const sections: Section[] = []
  for (const work of works) {
    const outcomes = await rounds(entries, work, options)
    sections.push({ title: work.title, outcomes })
    process.stdout.write(`\n${work.title} (${options.connections} connections; ratios to ${BASE})\n\n`)
    process.stdout.write(`${terminalTable(outcomes)}\n`)
  }
  if (options.write) document(command, sections, about)
  return { about, sections }
}

function document(command: string, sections: readonly Section[], about: readonly string[]): void {
  const based = sections.every(({ outcomes }) =>
    outcomes.some(({ peer, samples }) => peer === BASE && samples.length > 0),
  )
  if (!based) throw new Error(`docs/benchmarks.md holds ratios to ${BASE}, which was not measured: nothing written`)
  write(measuredSection(command, sections, about), 'measured')
}

function write(section: string, part: Parameters<typeof replaceSection>[2]): void {
  writeFileSync(DOCUMENT, replaceSection(readFileSync(DOCUMENT, 'utf8'), section, part))
}

async function main(args: string[]): Promise<number> {
  let root: string | undefined
  const clean = () => {
    killAll()
    if (root !== undefined) rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      clean()
      process.exit(code)
    })
  }
  try {
    const options = readOptions(args)
    if (options.help) {
      process.stdout.write(HELP)
      return 0
    }
    root = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
    await bench(options, root, ['npm run bench --', ...args].join(' ').replace(/ --$/, ''))
    return 0
  } catch (error) {
    say(`bench: ${sentence(error)}`)
    return 1
  } finally {
    clean()
  }
}

process.exitCode = await main(process.argv.slice(2))
