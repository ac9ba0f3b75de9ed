import { readFileSync } from 'node:fs'
import { percentile } from '../stats.ts'

/** A request as a job's file holds it. */
export interface JobRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Latin-1. */
  readonly body: string
}

/** What a load generator of this folder is told, in a JSON file whose path is its argument. */
export interface Job extends JobRequest {
  readonly port: number
  readonly connections: number
  readonly seconds: number
}

export interface Trusted {
  /** PEM: what the server's certificate must be signed by. */
  readonly ca: string
  readonly serverName: string
  /** PEM: the client's own certificate and its key. */
  readonly cert?: string
  readonly key?: string
}

export interface KeepAliveJob extends Job {
  readonly tls?: Trusted
  /** Requests a second; 0 or absent: as many as are answered. */
  readonly rate?: number
  /** Sent in turn with the job's own. */
  readonly alternate?: JobRequest
}

export interface ConnectionJob extends Job {
  readonly tls: Trusted
  /** Whether the session of the connection before is resumed. */
  readonly resume: boolean
}

/** The job in the file that the first argument names. The bench writes it, so that it is not looked at further. */
export function readJob<T>(): T {
  return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))
}

/** The request as it goes over the wire. */
export function requestBytes(job: Job): Buffer {
  const body = Buffer.from(job.body, 'latin1')
  const head = [
    `${job.method} ${job.path} HTTP/1.1`,
    `Host: 127.0.0.1:${job.port}`,
    `Content-Length: ${body.length}`,
    ...Object.entries(job.headers).map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body])
}

/** Bytes of the first whole answer in `text`, 0 where more must come. Chunked answers end with the empty chunk. */
export function answerLength(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const length = /^content-length:[ \t]*(\d+)/im.exec(text.slice(0, end))
  if (length) return text.length >= end + 4 + Number(length[1]) ? end + 4 + Number(length[1]) : 0
  const last = text.indexOf('\r\n0\r\n\r\n', end)
  return last < 0 ? 0 : last + 7
}

/** Counts answers, and prints the summary that `parseLoad` of `../load.ts` reads. */
export class Tally {
  readonly #latencies: number[] = []
  readonly #start = performance.now()
  #refusals = 0
  #errors = 0
  #problem: string | undefined
  #ended = false

  /** @param from when the request was sent or due, of `performance.now()` */
  answered(from: number, answer: string): void {
    if (this.#ended) return
    this.#latencies.push((performance.now() - from) * 1000)
    if (Number(answer.slice(9, 12)) >= 400) this.#refusals++
  }

  /** @param error the first is told in the summary */
  failed(error: unknown): void {
    if (this.#ended) return
    this.#errors++
    this.#problem ??= String(error)
  }

  /** Ends the process after so many seconds, with the summary on its output. */
  after(seconds: number, end: () => void): void {
    setTimeout(() => {
      this.#ended = true
      end()
      const sorted = Float64Array.from(this.#latencies).sort()
      const summary = {
        requests: sorted.length,
        duration: (performance.now() - this.#start) / 1000,
        // JSON has no NaN, and no answers have no percentile.
        p50: sorted.length === 0 ? 0 : percentile(sorted, 0.5),
        p99: sorted.length === 0 ? 0 : percentile(sorted, 0.99),
        refusals: this.#refusals,
        errors: this.#errors,
        problem: this.#problem,
      }
      process.stdout.write(`${JSON.stringify(summary)}\n`, () => process.exit(0))
    }, seconds * 1000)
  }
}
