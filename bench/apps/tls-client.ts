/**
 * Webhooks that each come over a TLS connection of their own: TLS 1.3, X25519, one request, one answer, then closed by
 * this side. Where sessions are resumed, every connection but the first of its lane does, by the latest ticket.
 */
import type { TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext } from 'node:tls'
import { answerLength, type ConnectionJob, readJob, requestBytes, Tally } from './job.ts'

const job = readJob<ConnectionJob>()
const request = requestBytes(job)
const tally = new Tally()
// A group that every server has: the hybrid one costs more, and OpenSSL before 3.5 lacks it.
const { cert, key } = job.tls
const secureContext = createSecureContext({
  minVersion: 'TLSv1.3',
  ecdhCurve: 'X25519',
  ...(cert && key ? { cert, key } : {}),
})
// A closed connection holds its port for a while; more addresses have more ports.
const SOURCES = 32

let opened = 0
let ended = false

/** One connection after the other. */
function lane(session?: Buffer): void {
  if (ended) return
  const from = performance.now()
  let ticket: Buffer | undefined
  let received = ''
  const options: ConnectionOptions & TcpNetConnectOpts = {
    host: '127.0.0.1',
    port: job.port,
    localAddress: `127.0.0.${2 + (opened++ % SOURCES)}`,
    servername: job.tls.serverName,
    secureContext,
    // The proof has verified the certificate; doing so each time would cost this side more than the server's handshake.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(session === undefined ? {} : { session }),
  }
  const socket = connect(options)
  socket.setNoDelay(true)
  socket.on('secureConnect', () => {
    if (socket.isSessionReused() !== (session !== undefined))
      tally.failed(session ? 'a session was not resumed' : 'a session was resumed')
    socket.write(request)
  })
  if (job.resume) {
    socket.on('session', fresh => {
      ticket = fresh
    })
  }
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
    if (answerLength(received) === 0) return
    tally.answered(from, received)
    socket.end()
    // A server may give no new ticket to a session that was resumed, and takes the one before again.
    lane(ticket ?? session)
  })
  socket.on('error', error => {
    tally.failed(error)
    setTimeout(lane, 10)
  })
}

for (let i = 0; i < job.connections; i++) lane()
tally.after(job.seconds, () => {
  ended = true
})
