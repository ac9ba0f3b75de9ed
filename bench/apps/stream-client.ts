/** Sends or fetches so many bytes once, and prints `{"seconds":N,"bytes":N,"status":N}`. */
import { request } from 'node:http'
import { readJob } from './job.ts'

interface StreamJob {
  readonly port: number
  readonly path: string
  readonly direction: 'up' | 'down'
  readonly bytes: number
}

const job = readJob<StreamJob>()
const chunk = Buffer.alloc(256 * 1024)
const from = performance.now()
const outgoing = request({
  host: '127.0.0.1',
  port: job.port,
  path: job.path,
  method: job.direction === 'up' ? 'PUT' : 'GET',
  headers: job.direction === 'up' ? { 'Content-Type': 'application/octet-stream', 'Content-Length': job.bytes } : {},
})

outgoing.on('response', response => {
  let received = 0
  let text = ''
  response.on('data', (part: Buffer) => {
    received += part.length
    if (job.direction === 'up') text += part.toString('latin1')
  })
  response.on('end', () => {
    // What the upstream says that it received: an answer may come before the body has.
    const bytes = job.direction === 'up' && response.statusCode === 200 ? JSON.parse(text).received : received
    const seconds = (performance.now() - from) / 1000
    process.stdout.write(`${JSON.stringify({ seconds, bytes, status: response.statusCode ?? 0 })}\n`)
  })
})

let left = job.direction === 'up' ? job.bytes : 0
function send(): void {
  while (left > 0) {
    const part = left < chunk.length ? chunk.subarray(0, left) : chunk
    left -= part.length
    if (!outgoing.write(part)) {
      outgoing.once('drain', send)
      return
    }
  }
  outgoing.end()
}
send()
