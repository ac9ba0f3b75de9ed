import { Agent } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { makeCertificates, startGate, tempFolder } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'
/** Every SIGTERM may meet another moment of a request's life. */
const ROUNDS = Number(process.env.SALLYPORT_DRAIN_ROUNDS ?? 6)
const CLIENTS = 16

const config = (upstream: string): string => `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: a
    match: { path: /a }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: ${upstream}/in }
`

/** Sends one request after the other on one connection until it is told that this was the last. */
async function client(port: number): Promise<{ answered: number; failed: string[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const failed: string[] = []
  let answered = 0
  try {
    for (;;) {
      const reply = await ask({
        port,
        path: '/a',
        headers: signedBy('standard-webhooks', SECRET, BODY),
        body: BODY,
        agent,
      })
      answered++
      if (reply.status !== 200) failed.push(`${reply.status} ${reply.code}`)
      if (reply.headers.connection === 'close') break
    }
  } catch (error) {
    failed.push(String(error))
  } finally {
    agent.destroy()
  }
  return { answered, failed }
}

async function round(index: number): Promise<string[]> {
  const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), index % 7))
  const gate = await startGate(config(upstream.url), { SECRET })
  try {
    const clients = Array.from({ length: CLIENTS }, () => client(gate.port('public')))
    await new Promise(resolve => setTimeout(resolve, 150 + index * 7))
    gate.process.kill('SIGTERM')
    const results = await Promise.all(clients)
    const wrong = results.flatMap(({ failed }) => failed)
    const answered = results.reduce((sum, each) => sum + each.answered, 0)
    if (answered !== upstream.received.length)
      wrong.push(`${answered} answers to ${upstream.received.length} forwarded`)
    if (answered < CLIENTS) wrong.push(`only ${answered} answers`)
    const code = await gate.exited
    if (code !== 0) wrong.push(`exit code ${code}`)
    return wrong
  } finally {
    await upstream.close()
    await gate.stop()
  }
}

describe('SIGTERM', () => {
  it(`under load fails no request, ${ROUNDS} times`, async () => {
    const wrong: string[] = []
    for (let index = 0; index < ROUNDS; index += 2)
      wrong.push(...(await Promise.all([round(index), round(index + 1)])).flat())
    expect(wrong).toEqual([])
  }, 120_000)

  it('lets a request that waits for the upstream end, and takes no new connection', async () => {
    const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), 1_500))
    const gate = await startGate(config(upstream.url), { SECRET })
    const port = gate.port('public')
    try {
      const slow = ask({ port, path: '/a', headers: signedBy('standard-webhooks', SECRET, BODY), body: BODY })
      await new Promise(resolve => setTimeout(resolve, 100))
      gate.process.kill('SIGTERM')
      await gate.line(line => line.msg === 'draining')
      await new Promise(resolve => setTimeout(resolve, 50))
      const late = await speak(port, () => {}, 200)
      expect(late).toMatchObject({ closed: true, text: '' })
      expect((await slow).status).toBe(200)
      expect(await gate.exited).toBe(0)
      expect(gate.lines.at(-1)).toMatchObject({ msg: 'stopped' })
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.each([
    ['a listener', 1],
    ['a listener of several workers', 2],
  ])(
    'lets requests end of %s that a reload has left out',
    async (_what, workers) => {
      const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), 2_500))
      const before = `workers: ${workers}${config(upstream.url)}`
      const both = before.replace('routes:', '  - { name: other, bind: "127.0.0.1:0" }\nroutes:')
      const gate = await startGate(both, { SECRET }, undefined, 2)
      try {
        const slow = ask({
          port: gate.port('other'),
          path: '/a',
          headers: signedBy('standard-webhooks', SECRET, BODY),
          body: BODY,
        })
        await expect.poll(() => upstream.received.length, { timeout: 5_000 }).toBe(1)
        expect(await gate.reload(before)).toMatchObject({ msg: 'reloaded' })
        gate.process.kill('SIGTERM')
        expect((await slow).status).toBe(200)
        expect(await gate.exited).toBe(0)
        expect(gate.lines.filter(({ msg }) => msg === 'forwarded')).toHaveLength(1)
      } finally {
        await upstream.close()
        await gate.stop()
      }
    },
    20_000,
  )

  it('lets requests end of a worker that a reload has left out', async () => {
    const requests = 24
    // The last is most likely one of a worker that is left out.
    let answers = 0
    const upstream = await startUpstream(
      (_req, res) => void setTimeout(() => res.end('{}'), ++answers < requests ? 1_500 : 4_000),
    )
    const gate = await startGate(`workers: 6${config(upstream.url)}`, { SECRET })
    try {
      const slow = Array.from({ length: requests }, () =>
        ask({
          port: gate.port('public'),
          path: '/a',
          headers: signedBy('standard-webhooks', SECRET, BODY),
          body: BODY,
        }),
      )
      await expect.poll(() => upstream.received.length, { timeout: 5_000 }).toBe(requests)
      expect(await gate.reload(`workers: 1${config(upstream.url)}`)).toMatchObject({ msg: 'reloaded' })
      gate.process.kill('SIGTERM')
      const replies = await Promise.all(slow)
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
      expect(await gate.exited).toBe(0)
      expect(gate.lines.filter(({ msg }) => msg === 'forwarded')).toHaveLength(requests)
      expect(gate.lines.at(-1)).toMatchObject({ msg: 'stopped' })
    } finally {
      await upstream.close()
      await gate.stop()
    }
  }, 20_000)

  it('hands the whole answer to a client that reads slowly', async () => {
    const answer = 'x'.repeat(250 * 1024)
    const upstream = await startUpstream((_req, res) => void res.end(answer))
    const gate = await startGate(config(upstream.url), { SECRET })
    try {
      const fields = Object.entries(signedBy('standard-webhooks', SECRET, BODY)).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      const one = `POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n${fields.join('')}\r\n${BODY}`
      const copies = 30
      const socket = connect(gate.port('public'), '127.0.0.1')
      socket.pause()
      socket.write(one.repeat(copies))
      await new Promise(resolve => setTimeout(resolve, 400))
      gate.process.kill('SIGTERM')
      const forwarded = () => upstream.received.length
      await new Promise(resolve => setTimeout(resolve, 1_500))
      let text = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk
      })
      socket.on('error', () => {}).resume()
      await new Promise(resolve => socket.once('close', resolve))
      expect(text.split('HTTP/1.1 200').length - 1).toBe(forwarded())
      expect(text.split(answer).length - 1).toBe(forwarded())
      expect(await gate.exited).toBe(0)
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.each(['plain HTTP', 'TLS'])('ends connections that send nothing, within the grace, over %s', async over => {
    const folder = tempFolder()
    await makeCertificates(folder)
    const tls = ', tls: { certificates: [{ cert: server.crt, key: server.key }] }'
    const yaml = config('http://127.0.0.1:9').replace(':0"', `:0"${over === 'TLS' ? tls : ''}`)
    const gate = await startGate(yaml, { SECRET }, folder)
    const held = speak(gate.port('public'), () => {}, 10_000)
    await new Promise(resolve => setTimeout(resolve, 100))
    const from = performance.now()
    expect(await gate.stop()).toBe(0)
    expect(performance.now() - from).toBeLessThan(5_000)
    expect((await held).closed).toBe(true)
  })
})
