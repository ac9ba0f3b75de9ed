import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Job, Trusted } from './apps/job.ts'
import { type Command, findProgram, pinned, run } from './processes.ts'
import type { Arrival, Request } from './work.ts'

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
  /** The first of these errors, where the generator tells. */
  readonly problem?: string
}

export interface LoadOptions {
  readonly port: number
  readonly request: Request
  /** Sent in turn with `request`, over kept connections. */
  readonly alternate?: Request | undefined
  readonly arrival: Arrival
  /** Requests a second, where they arrive at a rate of their own. */
  readonly rate?: number
  readonly tls?: Trusted | undefined
  /** A function in Lua that makes the next request, where they differ. */
  readonly vary?: string | undefined
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
  return parseLoad(await run(pinned([options.core], generator(options)), options.seconds * 1000 + 15_000))
}

function generator(options: LoadOptions): Command {
  const { arrival, alternate, tls, rate = 0 } = options
  if (arrival === 'full' || arrival === 'resumed') {
    return ownClient(options, 'tls-client.ts', { tls, resume: arrival === 'resumed' })
  }
  const wrk = findProgram('wrk')
  // wrk has no client certificate.
  return wrk === undefined || rate > 0 || tls?.cert !== undefined
    ? ownClient(options, 'client.ts', { tls, rate, ...(alternate && { alternate: written(alternate) }) })
    : wrkCommand(wrk, options)
}

function wrkCommand(program: string, options: LoadOptions): Command {
  const { port, request, alternate, vary, tls, connections, seconds, folder } = options
  const script = join(folder, 'load.lua')
  writeFileSync(script, luaScript(request, alternate) + (vary === undefined ? '' : `request = ${vary}\n`))
  const time = `${Math.max(1, Math.round(seconds))}s`
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${request.path}`
  return { program, args: ['-t1', `-c${connections}`, `-d${time}`, '--timeout', '5s', '-s', script, url] }
}

function ownClient(options: LoadOptions, client: string, more: object): Command {
  const { port, connections, seconds, request, folder } = options
  const file = join(folder, 'load.json')
  const job: Job = { port, connections, seconds, ...written(request) }
  writeFileSync(file, JSON.stringify({ ...job, ...more }))
  return { program: process.execPath, args: [join(import.meta.dirname, 'apps', client), file] }
}

/** As a job's file holds it. */
const written = (request: Request) => ({ ...request, body: request.body.toString('latin1') })

/** A Lua string of any bytes. */
export function luaString(bytes: Buffer): string {
  let text = '"'
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`
  }
  return `${text}"`
}

/** A script for wrk: one constant request, or two in turn, and a summary in JSON as the last line. */
export function luaScript(request: Request, alternate?: Request): string {
  const headers = Object.entries(request.headers)
    .map(([name, value]) => `wrk.headers[${luaString(Buffer.from(name))}] = ${luaString(Buffer.from(value))}`)
    .join('\n')
  return `wrk.method = ${luaString(Buffer.from(request.method))}
wrk.body = ${luaString(request.body)}
${headers}
${alternate === undefined ? '' : inTurn(alternate)}done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"duration":%.6f,"p50":%.1f,"p99":%.1f,"refusals":%d,"errors":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
`
}

/** A new request for wrk each time: the constant one, then this one. */
function inTurn({ method, path, headers, body }: Request): string {
  const fields = Object.entries(headers).map(
    ([name, value]) => `[${luaString(Buffer.from(name))}] = ${luaString(Buffer.from(value))}`,
  )
  const args = [
    luaString(Buffer.from(method)),
    luaString(Buffer.from(path)),
    `{ ${fields.join(', ')} }`,
    luaString(body),
  ]
  return `local one, other, turn
init = function()
  one = wrk.format()
  other = wrk.format(${args.join(', ')})
end
request = function()
  turn = not turn
  return turn and one or other
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
  const problem: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'problem') : undefined
  return {
    requests: field('requests'),
    duration: field('duration'),
    p50: field('p50'),
    p99: field('p99'),
    refusals: field('refusals'),
    errors: field('errors'),
    ...(typeof problem === 'string' ? { problem } : {}),
  }
}
