import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const answer = (body: string): string =>
  `HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`

/** An upstream that does as it is told when the first bytes of a request come, and reads no more of it. */
async function refusing(refuse: (socket: Socket) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.pause()
      refuse(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

async function gateTo(port: number): Promise<RunningGate> {
  const checks = 'checks: [{ source-ip: { allow: [127.0.0.0/8] } }]'
  const to = `to: "http://127.0.0.1:${port}/in"`
  const gate = await startGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - { name: plain, match: { path: /plain }, ${checks}, forward: { ${to} } }
  - { name: stream, match: { path: /stream }, ${checks}, forward: { ${to}, stream: true } }
  - name: bridge
    match: { path: /bridge }
    ${checks}
    forward: { ${to}, authenticate: { bearer: { env: TOKEN } }, allow-private: [127.0.0.0/8] }
`,
    { TOKEN: 'k'.repeat(40) },
  )
  closing.push(() => gate.stop())
  return gate
}

/** @returns the status, and the length of the answer's body */
function send(gate: RunningGate, path: string, body: string): Promise<string> {
  return new Promise(resolve => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = request({ host: '127.0.0.1', port: gate.port('public'), path, method: 'POST', agent: false, headers })
    sent.on('response', reply => {
      let bytes = 0
      reply.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      reply.on('close', () => resolve(`${reply.statusCode} ${reply.complete ? bytes : 'cut'}`))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sent.end(body)
  })
}

const SIZES = [64 * 1024, 256 * 1024, 1000 * 1024]
const bodyOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`

describe('an upstream that refuses a body before it has read it', () => {
  it.each([
    ['closes', (socket: Socket) => socket.write(answer('large'), () => socket.destroy())],
    ['resets the connection', (socket: Socket) => socket.write(answer('large'), () => socket.resetAndDestroy())],
  ])(
    'and %s has its answer passed on',
    async (_how, refuse) => {
      const gate = await gateTo(await refusing(refuse))
      for (const path of ['/stream', '/plain', '/bridge']) {
        const said = new Map<string, number>()
        for (let i = 0; i < 40; i++) {
          const came = await send(gate, path, bodyOf(SIZES[i % SIZES.length] ?? 0))
          said.set(came, (said.get(came) ?? 0) + 1)
        }
        expect([path, ...said]).toEqual([path, ['413 5', 40]])
      }
    },
    60_000,
  )

  it('and says nothing is told of as what the connection met', async () => {
    const gate = await gateTo(await refusing(socket => socket.resetAndDestroy()))
    const problem = await send(gate, '/stream', bodyOf(256 * 1024))
    expect(problem).toMatch(/^502 \d+$/)
    expect(await gate.line(({ msg }) => msg === 'failed')).toMatchObject({
      code: 'forward.unreachable',
      evidence: { said: expect.stringMatching(/ECONNRESET|EPIPE/) },
    })
  })
})
