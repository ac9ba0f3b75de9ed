import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')

export type LogLine = Readonly<Record<string, unknown>>

/** The program itself, as a user starts it. */
export interface RunningGate {
  readonly folder: string
  readonly process: ChildProcess
  readonly lines: LogLine[]
  readonly stderr: () => string
  /** The port that a listener got. */
  port(listener: string): number
  /** Waits for a log line. */
  line(match: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  /** Sends SIGTERM; gives the exit code. */
  stop(): Promise<number | null>
}

export function tempFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sallyport-test-'))
}

/** Starts the gate with a config and waits until it listens. */
export async function startGate(
  yaml: string,
  env: Readonly<Record<string, string>> = {},
  folder: string = tempFolder(),
  listeners = 1,
): Promise<RunningGate> {
  const file = join(folder, 'gate.yaml')
  writeFileSync(file, yaml)
  const child = spawn(process.execPath, [BIN, 'run', '--config', file, '--json'], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) lines.push(JSON.parse(part) as LogLine)
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))

  function line(match: (line: LogLine) => boolean, timeoutMs = 5_000): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(match)
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
    line,
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
    if (ended !== undefined) throw new Error(`the gate exited with ${ended}: ${stderr}`)
    if (waited > 10_000) {
      child.kill('SIGKILL')
      throw new Error(`the gate does not listen: ${stderr}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return gate
}
