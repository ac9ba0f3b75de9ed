import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')

/** So many workers in every gate that does not say how many: the same must hold of them as of one. */
const WORKERS = process.env.SALLYPORT_WORKERS

export type LogLine = Readonly<Record<string, unknown>>

/** The program itself, as a user starts it. */
export interface RunningGate {
  readonly folder: string
  readonly process: ChildProcess
  readonly lines: LogLine[]
  readonly stderr: () => string
  /** The port that a listener got. */
  port(listener: string): number
  /** Waits for a log line; one that is there already counts. */
  line(match: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  /** Waits for a log line that is not there yet. */
  next(match: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  /** Everything it wrote to stdout so far, as it came. */
  readonly stdout: () => string
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
  /** Writes a config over the one it runs by, asks for a reload and gives the line that tells how it went. */
  reload(yaml: string): Promise<LogLine>
  /** Kilobytes of resident memory. */
  memory(): number
  /** Sends SIGTERM; gives the exit code. */
  stop(): Promise<number | null>
}

function withWorkers(yaml: string): string {
  return WORKERS === undefined || /^workers:/m.test(yaml) ? yaml : `${yaml}\nworkers: ${WORKERS}\n`
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sallyport-test-'))
}

/** Starts the gate with a config and waits until it listens. @param descriptors how many it may have open; default: as this process */
export async function startGate(
  yaml: string,
  env: Readonly<Record<string, string>> = {},
  folder: string = tempFolder(),
  listeners = 1,
  bin: string = BIN,
  descriptors?: number,
): Promise<RunningGate> {
  const file = join(folder, 'gate.yaml')
  writeFileSync(file, withWorkers(yaml))
  const command = [process.execPath, bin, 'run', '--config', file, '--json']
  if (descriptors !== undefined) command.unshift('sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh')
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) lines.push(JSON.parse(part) as LogLine)
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // `close` comes once its output has been read to the end.
  const exited = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))

  function line(match: (line: LogLine) => boolean, timeoutMs = 15_000, from = 0): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find((each, index) => index >= from && match(each))
        if (!found) return
        waiting.delete(look)
        clearTimeout(timer)
        resolve(found)
      }
      const timer = setTimeout(() => {
        waiting.delete(look)
        reject(
          new Error(
            `no such log line within ${timeoutMs} ms; stderr: ${stderr}; log: ${JSON.stringify(lines.slice(-5))}`,
          ),
        )
      }, timeoutMs)
      waiting.add(look)
      look()
    })
  }

  const gate: RunningGate = {
    folder,
    process: child,
    lines,
    stderr: () => stderr,
    port(listener) {
      const found = lines.find(each => each.msg === 'listening' && each.listener === listener)
      if (typeof found?.port !== 'number') throw new Error(`listener ${listener} does not listen`)
      return found.port
    },
    line: (match, timeoutMs) => line(match, timeoutMs),
    next: (match, timeoutMs) => line(match, timeoutMs, lines.length),
    stdout: () => stdout,
    exited,
    reload(yaml) {
      // The watcher may see the file too, and ask for a reload of its own.
      const told = line(
        ({ msg, cause }) => cause === 'signal' && (msg === 'reloaded' || msg === 'reload refused'),
        10_000,
        lines.length,
      )
      // As a whole: the gate looks by itself too, and half of a config is another one.
      writeFileSync(`${file}.new`, withWorkers(yaml))
      renameSync(`${file}.new`, file)
      child.kill('SIGHUP')
      return told
    },
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1])
    },
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 40_000)
      const code = await exited
      clearTimeout(timer)
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
  let ended: number | null | undefined
  void exited.then(code => {
    ended = code ?? -1
  })
  for (let waited = 0; lines.filter(each => each.msg === 'listening').length < listeners; waited += 20) {
    if (ended === undefined && waited <= 10_000) {
      await new Promise(resolve => setTimeout(resolve, 20))
      continue
    }
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`the gate ${ended === undefined ? 'does not listen' : `exited with ${ended}`}: ${stderr}`)
  }
  return gate
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs any command line of the program to its end. */
export async function sallyport(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = process.cwd(),
): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, stdout, stderr }
}

/** Fills a folder with development certificates, as `sallyport certs init` does. */
export async function makeCertificates(folder: string): Promise<void> {
  const { code, stderr } = await sallyport(['certs', 'init', '--dir', folder])
  if (code !== 0) throw new Error(`certs init exited with ${code}: ${stderr}`)
}
