import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const GITHUB_SECRET = 'github-secret-of-the-test'
const BODY = '{"a":1}'
const COPIES = 100
const ROUNDS = Number(process.env.SALLYPORT_RACE_ROUNDS ?? 10)

describe('an event', () => {
  let gate: RunningGate
  let upstream: TestUpstream
  /** What the upstream answers next. */
  let status = 200
  let delayMs = 0

  beforeAll(async () => {
    upstream = await startUpstream((_req, res) => {
      setTimeout(() => res.writeHead(status).end('{}'), delayMs)
    })
    gate = await startGate(
      `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: standard
    match: { path: /standard }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
      - replay: {}
    forward: { to: ${upstream.url}/in }
  - name: github
    match: { path: /github }
    checks:
      - signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] }
      - replay: {}
    forward: { to: ${upstream.url}/in }
  - name: unreachable
    match: { path: /unreachable }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
      - replay: {}
    forward: { to: "http://127.0.0.1:9/in" }
`,
      { SECRET, GITHUB_SECRET },
    )
  })
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  })

  const send = (headers: Readonly<Record<string, string>>, path = '/standard') =>
    ask({ port: gate.port('public'), path, headers, body: BODY })

  it(`that comes ${COPIES} times at once, on as many sockets, is forwarded once, ${ROUNDS} times of ${ROUNDS}`, async () => {
    const forwarded: number[] = []
    const odd = new Set<string>()
    for (let round = 0; round < ROUNDS; round++) {
      delayMs = round % 3
      const before = upstream.received.length
      const answers = await together(gate.port('public'), signedBy('standard-webhooks', SECRET, BODY))
      forwarded.push(upstream.received.length - before)
      expect(answers.filter(answer => answer === '200').length).toBe(1)
      for (const answer of answers) if (!['200', '200 duplicate', '409'].includes(answer)) odd.add(answer)
    }
    delayMs = 0
    expect(forwarded).toEqual(Array.from({ length: ROUNDS }, () => 1))
    expect([...odd]).toEqual([])
  }, 60_000)

  it('that was delivered and comes again is answered 200 as a duplicate', async () => {
    const headers = signedBy('standard-webhooks', SECRET, BODY)
    const before = upstream.received.length
    expect((await send(headers)).headers).not.toHaveProperty('sallyport-duplicate')
    for (let i = 0; i < 3; i++) {
      const again = await send(headers)
      expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
    }
    expect(upstream.received.length).toBe(before + 1)
  })

  it.each([500, 503, 404, 429])(
    'that the upstream answered %i is forwarded when the sender tries again',
    async code => {
      const headers = signedBy('standard-webhooks', SECRET, BODY)
      const before = upstream.received.length
      status = code
      expect((await send(headers)).status).toBe(code)
      status = 200
      expect((await send(headers)).headers).not.toHaveProperty('sallyport-duplicate')
      expect(upstream.received.length).toBe(before + 2)
      expect((await send(headers)).headers['sallyport-duplicate']).toBe('true')
    },
  )

  it('that reached nobody is not remembered', async () => {
    const headers = signedBy('standard-webhooks', SECRET, BODY)
    for (let i = 0; i < 2; i++) expect((await send(headers, '/unreachable')).code).toBe('forward.unreachable')
  })

  it('whose body does not fit is not remembered', async () => {
    const headers = signedBy('standard-webhooks', SECRET, 'no JSON')
    const sent = { port: gate.port('public'), path: '/standard', headers, body: 'no JSON' }
    for (let i = 0; i < 2; i++) expect((await ask(sent)).code).toBe('body.malformed')
  })

  it('is known by what is signed: another delivery id makes it no other event', async () => {
    const signed = signedBy('github', GITHUB_SECRET, BODY)
    const before = upstream.received.length
    expect((await send({ ...signed, 'x-github-delivery': 'first' }, '/github')).status).toBe(200)
    const again = await send({ ...signed, 'x-github-delivery': 'second' }, '/github')
    expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
    const without = await send(signed, '/github')
    expect([without.status, without.headers['sallyport-duplicate']]).toEqual([200, 'true'])
    expect(upstream.received.length).toBe(before + 1)
  })

  it('is claimed only by a request that is verified', async () => {
    const id = 'msg_claimed'
    const forged = signedBy('standard-webhooks', webhookSecret(), BODY, { id })
    expect((await send(forged)).code).toBe('signature.mismatch')
    const reply = await send(signedBy('standard-webhooks', SECRET, BODY, { id }))
    expect([reply.status, reply.headers['sallyport-duplicate']]).toEqual([200, undefined])
  })
})

/** Opens every socket first, then writes the same request to all of them. */
async function together(port: number, headers: Readonly<Record<string, string>>): Promise<string[]> {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const bytes = `POST /standard HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n${fields.join('')}\r\n${BODY}`
  const sockets = await Promise.all(
    Array.from(
      { length: COPIES },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket))
          socket.on('error', reject)
        }),
    ),
  )
  const answers = sockets.map(
    socket =>
      new Promise<string>(resolve => {
        socket.once('data', chunk => {
          const text = chunk.toString('latin1')
          const duplicate = /^sallyport-duplicate: true/im.test(text) ? ' duplicate' : ''
          resolve(`${text.slice(9, 12)}${duplicate}`)
        })
      }),
  )
  for (const socket of sockets) socket.write(bytes)
  const heard = await Promise.all(answers)
  for (const socket of sockets) socket.destroy()
  return heard
}
