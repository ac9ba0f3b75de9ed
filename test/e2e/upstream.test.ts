import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'

/** What a raw upstream does with a request, by the path that was asked for. */
const MANNERS: Readonly<Record<string, (socket: Socket) => void>> = {
  hang: () => {},
  'half-head': socket => void socket.write('HTTP/1.1 200 OK\r\nContent-Le'),
  'half-body': socket => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half"'),
  'reset-at-once': socket => void socket.resetAndDestroy(),
  'close-at-once': socket => void socket.end(),
  'cut-body': socket => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half"'),
  'cut-chunks': socket => void socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
  'no-http': socket => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  'two-lengths': socket => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x'),
  'length-and-chunked': socket =>
    void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
  switch: socket => void socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  'more-than-asked': socket =>
    void socket.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"evil"',
    ),
  early: socket =>
    void socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
}
const LARGE = 8 * 1024 * 1024

describe('an upstream in trouble', () => {
  let gate: RunningGate
  const servers: { readonly server: Server; readonly sockets: Set<Socket> }[] = []
  let seen = ''

  const listen = async (server: Server): Promise<number> => {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    })
    servers.push({ server, sockets })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  beforeAll(async () => {
    const folder = tempFolder()
    await makeCertificates(folder)
    const raw = await listen(
      createServer(socket => {
        socket.on('data', chunk => {
          const text = chunk.toString('latin1')
          const path = /^POST \/([a-z-]+) /.exec(text)?.[1]
          if (path !== undefined) seen += `${path} `
          if (path === 'cut-stream' || path === 'reset-stream') {
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`)
            socket.write(Buffer.alloc(LARGE / 2, 0x78), () => {
              setTimeout(() => (path === 'cut-stream' ? socket.end() : socket.resetAndDestroy()), 100)
            })
          } else if (path !== undefined) MANNERS[path]?.(socket)
        })
      }),
    )
    const tls = await listen(
      createTlsServer(
        { cert: readFileSync(join(folder, 'server.crt')), key: readFileSync(join(folder, 'server.key')) },
        (req, res) => {
          seen += `tls${req.url} `
          res.end('{}')
        },
      ),
    )
    const none = await freePort()
    const route = (name: string, to: string): string => `
  - name: ${name}
    match: { path: /${name} }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "${to}", timeout: { connect: 500ms, response: 1s } }`
    const paths = [...Object.keys(MANNERS), 'cut-stream', 'reset-stream']
    gate = await startGate(
      `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
${paths.map(path => route(path, `http://127.0.0.1:${raw}/${path}`)).join('')}
${route('refused', `http://127.0.0.1:${none}/in`)}
${route('unverified', `https://localhost:${tls}/in`)}
${route('no-tls', `https://127.0.0.1:${raw}/hang`)}
`,
      { SECRET },
      folder,
    )
  }, 30_000)
  afterAll(async () => {
    const code = await gate.stop()
    for (const { server, sockets } of servers) {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    expect(code).toBe(0)
  }, 40_000)

  const send = (name: string) =>
    ask({
      port: gate.port('public'),
      path: `/${name}`,
      headers: signedBy('standard-webhooks', SECRET, BODY),
      body: BODY,
    })

  it.each([
    ['refused', 502, 'forward.unreachable'],
    ['reset-at-once', 502, 'forward.unreachable'],
    ['close-at-once', 502, 'forward.unreachable'],
    ['cut-body', 502, 'forward.unreachable'],
    ['cut-chunks', 502, 'forward.unreachable'],
    ['no-http', 502, 'forward.malformed'],
    ['two-lengths', 502, 'forward.malformed'],
    ['length-and-chunked', 502, 'forward.malformed'],
    ['switch', 502, 'forward.malformed'],
    ['hang', 504, 'forward.timeout'],
    ['half-head', 504, 'forward.timeout'],
    ['half-body', 504, 'forward.timeout'],
  ])('%s: %i %s, sent once, and the evidence says what happened', async (name, status, code) => {
    seen = ''
    const reply = await send(name)
    expect([reply.status, reply.code]).toEqual([status, code])
    expect(reply.body).not.toMatch(/127\.0\.0\.1|ECONN|half/)
    expect(seen).toBe(name === 'refused' ? '' : `${name} `)
    const id = reply.headers['x-request-id']
    const line = await gate.line(each => each['request-id'] === id)
    expect(line).toMatchObject({ code, status, route: name })
    expect(JSON.stringify(line.evidence)).toMatch(/said/)
  })

  it('whose certificate does not verify is sent nothing', async () => {
    seen = ''
    const reply = await send('unverified')
    expect([reply.status, reply.code]).toEqual([502, 'forward.unreachable'])
    const id = reply.headers['x-request-id']
    const line = await gate.line(each => each['request-id'] === id)
    expect(JSON.stringify(line.evidence)).toMatch(/certificate/i)
    expect(seen).toBe('')
  })

  it('that speaks no TLS where it should is sent nothing', async () => {
    seen = ''
    expect((await send('no-tls')).status).toBeGreaterThanOrEqual(502)
    expect(seen).toBe('')
  })

  it.each(['cut-stream', 'reset-stream'])('that breaks off a large answer (%s) leaves no whole 200', async name => {
    const fields = Object.entries(signedBy('standard-webhooks', SECRET, BODY)).map(
      ([field, value]) => `${field}: ${value}\r\n`,
    )
    const heard = await speak(
      gate.port('public'),
      socket =>
        socket.write(
          `POST /${name} HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n${fields.join('')}\r\n${BODY}`,
        ),
      10_000,
    )
    expect(heard.closed).toBe(true)
    const [head = '', ...rest] = heard.text.split('\r\n\r\n')
    const body = rest.join('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    const whole = /transfer-encoding: chunked/i.test(head) ? body.endsWith('0\r\n\r\n') : body.length === length
    expect(whole).toBe(false)
  })

  it('that answers twice to one request gives nobody the second answer', async () => {
    expect((await send('more-than-asked')).body).toBe('{}')
    for (let i = 0; i < 3; i++) expect((await send('early')).body).toBe('{}')
  })

  it('hands no informational answer to the sender', async () => {
    const reply = await send('early')
    expect([reply.status, reply.headers.link]).toEqual([200, undefined])
  })
})
