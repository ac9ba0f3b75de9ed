/**
 * The same request on every connection, or two in turn, over TLS where a CA is given. Each connection waits for its answer and sends
 * again at once; or, at a rate, requests fall due at random (Poisson) and their latency counts from when they did,
 * whether or not a connection was free.
 */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { answerLength, type KeepAliveJob, readJob, requestBytes, Tally } from './job.ts'

const job = readJob<KeepAliveJob>()
const requests = [job, { ...job, ...job.alternate }].map(requestBytes)
let turn = 0
const tally = new Tally()
/** Requests a millisecond; 0: as many as are answered. */
const rate = (job.rate ?? 0) / 1000
/** Connections that wait for a request to fall due. */
const free: ((due: number) => void)[] = []
/** When the requests fell due that wait for a connection. */
const waiting: number[] = []
let ended = false

function connect(ready: () => void): Socket {
  const to = { host: '127.0.0.1', port: job.port }
  if (job.tls === undefined) return connectPlain(to, ready)
  const { serverName: servername, ...pem } = job.tls
  return connectTls({ ...to, ...pem, servername, ALPNProtocols: ['http/1.1'] }, ready)
}

function open(): void {
  let sent = 0
  let received = ''
  const send = (due: number) => {
    sent = due
    socket.write(requests[turn++ & 1] ?? '')
  }
  const next = () => {
    if (ended) return
    if (rate === 0) send(performance.now())
    else if (waiting.length > 0) send(waiting.shift() ?? 0)
    else free.push(send)
  }
  const socket = connect(next).setNoDelay(true)
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
    const length = answerLength(received)
    if (length === 0) return
    tally.answered(sent, received)
    received = received.slice(length)
    next()
  })
  socket.on('error', error => tally.failed(error))
  socket.on('close', () => {
    const at = free.indexOf(send)
    if (at >= 0) free.splice(at, 1)
    if (!ended) setTimeout(open, 10)
  })
}

let due = performance.now()

function pace(): void {
  const now = performance.now()
  while (due <= now) {
    const send = free.shift()
    if (send) send(due)
    else waiting.push(due)
    due += -Math.log(1 - Math.random()) / rate
  }
  if (ended) return
  // A timer is a millisecond or more late; turning in between is what keeps to the time.
  if (due - now > 2) setTimeout(pace, 1)
  else setImmediate(pace)
}

for (let i = 0; i < job.connections; i++) open()
if (rate > 0) pace()
tally.after(job.seconds, () => {
  ended = true
})
