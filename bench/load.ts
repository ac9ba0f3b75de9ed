import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, findProgram, pinned, run } from './processes.ts'
import type { Request } from './work.ts'

export interface Load {
  readonly requests: number
  /** Seconds. */
  readonly duration: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  /** Answers with a status of 400 and more. */
  readonly refusals: number
  /** Connections, reads and writes that failed, and timeouts. */
  readonly errors: number
}

export interface LoadOptions {
  readonly port: number
  readonly request: Request
  readonly connections: number
  readonly seconds: number
  readonly core: number
  readonly folder: string
}

/** Names the load generator: `wrk`, or this project's own client where it is not installed. */
export function loadGenerator(): string {
  return findProgram('wrk') === undefined ? 'bench/apps/client.ts, since wrk is not installed' : 'wrk'
}

/** Sends the same request over and over on every connection, from a process of its own. */
export async function load(options: LoadOptions): Promise<Load> {
  const wrk = findProgram('wrk')
  const command = wrk === undefined ? ownClient(options) : wrkCommand(wrk, options)
  return parseLoad(await run(pinned(options.core, command), options.seconds * 1000 + 15_000))
}

function wrkCommand(program: string, { port, request, connections, seconds, folder }: LoadOptions): Command {
  const script = join(folder, 'load.lua')
  writeFileSync(script, luaScript(request))
  const time = `${Math.max(1, Math.round(seconds))}s`
  const url = `http://127.0.0.1:${port}${request.path}`
  return { program, args: ['-t1', `-c${connections}`, `-d${time}`, '--timeout', '5s', '-s', script, url] }
}

function ownClient({ port, request, connections, seconds, folder }: LoadOptions): Command {
  const file = join(folder, 'load.json')
  writeFileSync(file, JSON.stringify({ port, connections, seconds, ...request, body: request.body.toString('latin1') }))
  return { program: process.execPath, args: [join(import.meta.dirname, 'apps/client.ts'), file] }
}

/** A Lua string of any bytes. */
export function luaString(bytes: Buffer): string {
  let text = '"'
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`
  }
  return `${text}"`
}

/** A script for wrk: one constant request, and a summary in JSON as the last line. */
export function luaScript(request: Request): string {
  const headers = Object.entries(request.headers)
    .map(([name, value]) => `wrk.headers[${luaString(Buffer.from(name))}] = ${luaString(Buffer.from(value))}`)
    .join('\n')
  return `wrk.method = ${luaString(Buffer.from(request.method))}
wrk.body = ${luaString(request.body)}
${headers}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"duration":%.6f,"p50":%.1f,"p99":%.1f,"refusals":%d,"errors":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
`
}

/** Reads the last line of JSON that a load generator prints. */
export function parseLoad(output: string): Load {
  const line = output
    .trim()
    .split('\n')
    .findLast(text => text.startsWith('{"requests"'))
  if (line === undefined) throw new Error(`the load generator printed no summary: ${output.trim().slice(-300)}`)
  const value: unknown = JSON.parse(line)
  const field = (name: string): number => {
    const number: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
    if (typeof number !== 'number') throw new Error(`the load generator's summary has no number "${name}": ${line}`)
    return number
  }
  return {
    requests: field('requests'),
    duration: field('duration'),
    p50: field('p50'),
    p99: field('p99'),
    refusals: field('refusals'),
    errors: field('errors'),
  }
}
