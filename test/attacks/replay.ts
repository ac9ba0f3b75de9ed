import { createServer } from 'node:http'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type AttackCase, bytesOf } from './case.ts'

/** Milliseconds without the connection ending after which what has come is the answer, if it is what is expected. */
const WAIT_MS = 400
/** Milliseconds after which it is the answer all the same: a busy machine is slow, and a deviation stays one. */
const LAST_MS = 5_000

interface Answer {
  readonly text: string
  readonly closed: boolean
  readonly ms: number
}

export type Dial = { readonly port: number; readonly tls: boolean }

function send(dial: Dial, bytes: Buffer, halfClose: boolean, enough: (answer: Answer) => boolean): Promise<Answer> {
  return new Promise(resolve => {
    const started = performance.now()
    const chunks: Buffer[] = []
    const base = { port: dial.port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = dial.tls ? connectTls({ ...base, rejectUnauthorized: false }) : connectTcp(base)
    const answer = (closed: boolean): Answer => ({
      text: Buffer.concat(chunks).toString('latin1'),
      closed,
      ms: performance.now() - started,
    })
    const finish = (closed: boolean): void => {
      clearInterval(timer)
      socket.destroy()
      resolve(answer(closed))
    }
    const timer = setInterval(() => {
      const so = answer(false)
      if (so.ms >= LAST_MS || enough(so)) finish(false)
    }, WAIT_MS)
    socket.on(dial.tls ? 'secureConnect' : 'connect', () => {
      socket.write(bytes)
      if (halfClose) socket.end()
    })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => finish(true))
    socket.on('error', () => finish(true))
  })
}

/** An upstream that keeps what it sees as text, and parses strictly. */
export async function startWitness(): Promise<{
  port: number
  take(): { count: number; text: string }
  close(): void
}> {
  let count = 0
  let text = ''
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      count++
      text += `${req.method} ${req.url}\r\n`
      for (let i = 0; i < req.rawHeaders.length; i += 2) text += `${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}\r\n`
      text += `\r\n${Buffer.concat(chunks).toString('latin1')}`
      res.end('{}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const seen = { count, text }
      count = 0
      text = ''
      return seen
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Sends one case; gives what deviates from what it expects. */
export async function deviations(
  attack: AttackCase,
  dial: Dial,
  witness: Awaited<ReturnType<typeof startWitness>>,
): Promise<string[]> {
  witness.take()
  let seen = witness.take()
  const look = (): typeof seen => {
    const more = witness.take()
    seen = { count: seen.count + more.count, text: seen.text + more.text }
    return seen
  }
  const answer = await send(
    dial,
    bytesOf(attack),
    attack.halfClose ?? false,
    so => judge(attack, so, look()).length === 0,
  )
  await new Promise(resolve => setTimeout(resolve, 10))
  return judge(attack, answer, look())
}

/** What deviates in an answer, and in what the upstream saw, from what the case expects. */
function judge(
  { expect }: AttackCase,
  answer: Answer,
  seen: { readonly count: number; readonly text: string },
): string[] {
  const statuses = [...answer.text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(match => Number(match[1]))
  const wrong: string[] = []
  if (!expect.forwarded.includes(seen.count)) wrong.push(`the upstream saw ${seen.count} requests`)
  const first = statuses.find(status => status >= 200)
  if (expect.closeOnly) {
    if (statuses.length > 0) wrong.push(`answered ${statuses}`)
  } else if (expect.status && first === undefined) {
    if (!expect.timeoutOk && !(answer.closed && expect.forwarded.includes(0))) wrong.push('no answer')
  } else if (expect.status && first !== undefined && !expect.status.includes(first)) wrong.push(`answered ${first}`)
  if (expect.closed && !answer.closed) wrong.push('left the connection open')
  for (const status of expect.never ?? []) if (statuses.includes(status)) wrong.push(`answered ${status}`)
  for (const text of expect.absentUpstream ?? [])
    if (seen.text.toLowerCase().includes(text.toLowerCase())) wrong.push(`the upstream saw ${JSON.stringify(text)}`)
  if (expect.maxResponses && statuses.filter(status => status >= 200).length > expect.maxResponses)
    wrong.push(`answered ${statuses}`)
  if (expect.maxMs && answer.ms > expect.maxMs + WAIT_MS) wrong.push(`took ${Math.round(answer.ms)} ms`)
  return wrong
}
