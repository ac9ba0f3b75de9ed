/**
 * Opens connections, sends one request on each so that the server has been through all it does with one, and keeps them
 * open until its input ends. Prints `{"open":N,"failed":N}` when all are.
 */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { answerLength, type KeepAliveJob, readJob, requestBytes } from './job.ts'

const job = readJob<KeepAliveJob>()
const request = requestBytes(job)
const secureContext = job.tls && createSecureContext({ ca: job.tls.ca, minVersion: 'TLSv1.3', ecdhCurve: 'X25519' })
/** Connections that are opened at a time: below what every server lets wait for being accepted. */
const AT_A_TIME = 64
/** One address has too few ports to be sure of. */
const SOURCES = 16
let failed = 0

/** Resolves with the answer, or where there is none. The connection stays open. */
function open(index: number): Promise<void> {
  return new Promise(resolve => {
    const to = { host: '127.0.0.1', port: job.port, localAddress: `127.0.0.${2 + (index % SOURCES)}` }
    const ready = () => socket.write(request)
    const socket: Socket =
      job.tls && secureContext
        ? connectTls({ ...to, secureContext, servername: job.tls.serverName, ALPNProtocols: ['http/1.1'] }, ready)
        : connectPlain(to, ready)
    let received = ''
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      if (answerLength(received) === 0) return
      if (Number(received.slice(9, 12)) >= 400) failed++
      received = ''
      resolve()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      failed++
      resolve()
    })
  })
}

let next = 0
async function worker(): Promise<void> {
  while (next < job.connections) await open(next++)
}
await Promise.all(Array.from({ length: AT_A_TIME }, worker))
process.stdout.write(`${JSON.stringify({ open: job.connections - failed, failed })}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
