import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Running {
  readonly pid: number
  /** Milliseconds from its start until it listened. */
  readonly startMs: number
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()
// A million tokens take their time.
const START_MS = 60_000
const STOP_MS = 3_000
/** Linux gives clients ports from 32768 on (ip_local_port_range in ip(7)). */
const LOWEST_PORT = 16_000
const PORTS = 16_000

/** How many files a process may have open (`ulimit -Hn`), which Node makes its own limit. */
export function fileLimit(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return line?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line?.[1] ?? 1024)
}

/** The path of an installed program; Debian keeps servers in sbin, which is not on everybody's PATH. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {}
  }
  return undefined
}

/** The version that an installed program gives itself; `undefined` where it is not installed. */
export function programVersion(name: string, argument: string): string | undefined {
  const program = findProgram(name)
  if (program === undefined) return undefined
  const { stdout, stderr } = spawnSync(program, [argument], { encoding: 'utf8', timeout: 5000 })
  return /\d+\.\d+[\w.+-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}

/** The same command, held to some processor cores where `taskset` is installed. */
export function pinned(cores: readonly number[], command: Command): Command {
  const taskset = findProgram('taskset')
  return taskset === undefined
    ? command
    : { ...command, program: taskset, args: ['-c', cores.join(','), command.program, ...command.args] }
}

/** Nobody listens yet on what was given a moment ago. */
const given = new Set<number>()

/**
 * A port of the loopback that is free now, below those that the system gives to clients: a connection that somebody opens
 * can't take it before it is listened on. None is given twice.
 * @param part of so many equal `parts` of the ports, for processes that must not be given the same
 */
export async function freePort(part = 0, parts = 1): Promise<number> {
  const size = Math.floor(PORTS / parts)
  for (;;) {
    const port = LOWEST_PORT + (part % parts) * size + Math.floor(Math.random() * size)
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const free = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/**
 * Starts a server and waits until `port` of the loopback accepts.
 * Both of its outputs go to `log`: a file, as an access log would.
 * @throws where it ends first or does not listen within 60 s; the message carries the log's end.
 */
export async function startServer(command: Command, port: number, log: string): Promise<Running> {
  const out = openSync(log, 'a')
  // Its own process group, so that stopping it takes its workers along.
  const child = spawn(command.program, command.args, {
    stdio: ['ignore', out, out],
    env: { ...process.env, ...command.env },
    detached: true,
  })
  closeSync(out)
  running.add(child)
  let ended = ''
  child.once('error', error => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended ||= `ended with ${signal ?? code}`
    running.delete(child)
  })
  const stop = () => stopChild(child)
  const from = performance.now()
  for (; performance.now() < from + START_MS && ended === ''; await sleep(5)) {
    if (child.pid !== undefined && (await accepts(port)) && ended === '')
      return { pid: child.pid, stop, startMs: performance.now() - from }
  }
  await stop()
  const tail = readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ')
  throw new Error(`${command.program} ${ended || `does not listen after ${START_MS / 1000} s`}: ${tail}`)
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {} // Ended already.
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    signalGroup(child, 'SIGTERM')
    await Promise.race([exit, sleep(STOP_MS, undefined, { ref: false })])
  }
  signalGroup(child, 'SIGKILL')
  running.delete(child)
}

/** Ends at once whatever still runs. */
export function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
  running.clear()
}

/** Runs a program to its end and returns what it printed. @throws where it fails or takes longer than `timeoutMs`. */
export async function run(command: Command, timeoutMs: number): Promise<string> {
  const child = spawn(command.program, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...command.env },
    detached: true,
  })
  running.add(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    output += text
  })
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), timeoutMs)
  try {
    const [code, signal] = await once(child, 'close')
    if (code !== 0) throw new Error(`${command.program} ended with ${signal ?? code}: ${output.trim().slice(-300)}`)
    return output
  } finally {
    clearTimeout(timer)
    running.delete(child)
  }
}
