/** `npm run bench`: the gate and its peers on the same work. Nothing is installed; what is missing is named. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Scene } from './cases/case.ts'
import { CASES } from './cases/index.ts'
import { machine, measuredSection, replaceSection, type Section, verificationSection } from './document.ts'
import { figuresText } from './figures.ts'
import { goalsText, judge, type Result } from './goals.ts'
import { loadGenerator } from './load.ts'
import { OTHER_CORE } from './measure.ts'
import { HELP, type Options, readOptions, VERIFICATION } from './options.ts'
import { PEERS } from './peers/index.ts'
import type { Peer } from './peers/peer.ts'
import { findProgram, killAll } from './processes.ts'
import { BASE, terminalTable } from './report.ts'
import { type Entry, enter, leave, rounds, say, sentence } from './rounds.ts'
import { startUpstream } from './upstream.ts'
import { measureVerification } from './verification/measure.ts'
import { markdownVerification, terminalVerification, type Verification } from './verification/report.ts'
import { SETTINGS, type Setting, WORKS } from './work.ts'

const DOCUMENT = join(import.meta.dirname, '../docs/benchmarks.md')
/** Of the calls whose cost is measured, for a second asked for. */
const BATCHES = 50
function choose(options: Options): Peer[] {
  const names = PEERS.map(({ name }) => name)
  const unknown = options.only.find(name => !names.includes(name))
  if (unknown !== undefined) throw new Error(`--only: unknown peer "${unknown}"; there are ${names.join(', ')}`)
  return PEERS.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
}

function conditions(upstream: string): string[] {
  const lines = [machine(), `load: ${loadGenerator()}; upstream: ${upstream}`]
  if (findProgram('taskset') === undefined) lines.push('taskset is not installed: nothing was pinned to a core')
  else if (availableParallelism() < 2) lines.push('one core only: load, upstream and peer shared it')
  return lines
}

/** The works of one setting share the running peers. */
async function runWorks(setting: Setting, scene: Scene, report: (section: Section) => void): Promise<void> {
  const works = WORKS.filter(work => work.setting === setting && scene.options.cases.includes(work.name))
  if (works.length === 0) return
  const entries: Entry[] = []
  for (const peer of scene.peers) entries.push(await enter(peer, scene.root, scene.upstream, setting))
  // What is refused is held against what is accepted: they take turns.
  const together = works.filter(work => work.refused || work.name === 'verified')
  const apart = works.filter(work => !together.includes(work))
  for (const group of [together, ...apart.map(work => [work])])
    for (const [index, outcomes] of (await rounds(entries, group, scene.options)).entries()) {
      const work = group[index]
      if (work) report({ kind: 'requests', name: work.name, title: work.title, base: BASE, outcomes })
    }
  await leave(entries)
}

/** The gate's checks alone. */
function costs(options: Options, command: string): Verification {
  const measured = measureVerification({ rounds: options.rounds, batches: options.seconds * BATCHES }, say)
  process.stdout.write(`\nA whole check against the bare primitive\n\n${terminalVerification(measured)}\n`)
  if (options.write) write(verificationSection(command, markdownVerification(measured), [machine()]), 'verification')
  return measured
}

async function bench(options: Options, root: string, command: string): Promise<void> {
  const verification = options.cases.includes(VERIFICATION) ? costs(options, command) : undefined
  const compared = options.cases.some(name => name !== VERIFICATION) ? await compare(options, root, command) : undefined
  mkdirSync(dirname(options.json), { recursive: true })
  writeFileSync(options.json, `${JSON.stringify({ command, options, ...compared, verification }, undefined, 2)}\n`)
}

/** The gate and its peers. */
async function compare(options: Options, root: string, command: string) {
  const peers = choose(options)
  const upstream = await startUpstream(mkdtempSync(join(root, 'upstream-')), OTHER_CORE)
  const about = conditions(upstream.kind)
  for (const line of about) say(line)
  const scene: Scene = { root, upstream: upstream.port, peers, options }
  const results: Result[] = []
  const report = (result: Result) => {
    results.push(result)
    process.stdout.write(`\n${headline(result, options)}\n\n`)
    const text = result.kind === 'figures' ? figuresText(result) : terminalTable(result.outcomes, result.base)
    process.stdout.write(`${text}\n`)
  }
  for (const setting of Object.values(SETTINGS)) await runWorks(setting, scene, report)
  for (const each of CASES.filter(({ name }) => options.cases.includes(name))) report(await each.run(scene))
  const judged = judge(results)
  if (judged.length > 0) process.stdout.write(`\nGoals\n\n${goalsText(judged)}\n`)
  const goals = judged.map(({ goal: { text, bound }, figure, met }) => ({ text, bound, figure, met }))
  if (options.write) document(command, results, about)
  return { about, goals, results }
}

function headline(result: Result, { connections }: Options): string {
  return result.kind === 'figures'
    ? result.title
    : `${result.title} (${connections} connections; ratios to ${result.base})`
}

function document(command: string, results: readonly Result[], about: readonly string[]): void {
  for (const result of results) {
    if (result.kind === 'figures') continue
    if (!result.outcomes.some(({ peer, samples }) => peer === result.base && samples.length > 0))
      throw new Error(`docs/benchmarks.md holds ratios to ${result.base}, which was not measured: nothing written`)
  }
  write(measuredSection(command, results, about), 'measured')
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
