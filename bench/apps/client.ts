/** A load generator for machines without wrk: the same request on every connection, each waiting for its answer. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { percentile } from '../stats.ts'

interface Job {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Latin-1. */
  readonly body: string
}

const job: Job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))
const body = Buffer.from(job.body, 'latin1')
const head = [
  `${job.method} ${job.path} HTTP/1.1`,
  `Host: 127.0.0.1:${job.port}`,
  `Content-Length: ${body.length}`,
  ...Object.entries(job.headers).map(([name, value]) => `${name}: ${value}`),
].join('\r\n')
const request = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body])

const latencies: number[] = []
let refusals = 0
let errors = 0
let ended = false

/** Bytes of the first whole answer in `text`, 0 where more must come. Chunked answers end with the empty chunk. */
function answerLength(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const length = /^content-length:[ \t]*(\d+)/im.exec(text.slice(0, end))
  if (length) return text.length >= end + 4 + Number(length[1]) ? end + 4 + Number(length[1]) : 0
  const last = text.indexOf('\r\n0\r\n\r\n', end)
  return last < 0 ? 0 : last + 7
}

function open(): void {
  const socket = connect(job.port, '127.0.0.1').setNoDelay(true)
  let sent = 0
  let received = ''
  const send = () => {
    sent = performance.now()
    socket.write(request)
  }
  socket.on('connect', send)
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
    const length = answerLength(received)
    if (length === 0) return
    latencies.push((performance.now() - sent) * 1000)
    if (Number(received.slice(9, 12)) >= 400) refusals++
    received = received.slice(length)
    if (!ended) send()
  })
  socket.on('error', () => {
    errors++
  })
  socket.on('close', () => {
    if (!ended) setTimeout(open, 10)
  })
}

const start = performance.now()
for (let i = 0; i < job.connections; i++) open()
setTimeout(() => {
  ended = true
  const sorted = Float64Array.from(latencies).sort()
  const summary = {
    requests: sorted.length,
    duration: (performance.now() - start) / 1000,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    refusals,
    errors,
  }
  process.stdout.write(`${JSON.stringify(summary)}\n`, () => process.exit(0))
}, job.seconds * 1000)
