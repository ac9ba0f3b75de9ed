import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, it, vi } from 'vitest'
import { HttpConnection } from '../../src/gateway/http/connection.ts'
import type { BodySink, Incoming } from '../../src/gateway/http/incoming.ts'
import type { ParserFault } from '../../src/gateway/http/request-parser.ts'
import { RequestBody } from '../../src/gateway/request-body.ts'

const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

interface Served {
  readonly client: Socket
  /** What has come back. */
  text(): string
  readonly faults: ParserFault[]
}

async function serve(request: (req: Incoming) => void): Promise<Served> {
  const faults: ParserFault[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    new HttpConnection(socket, {
      limits: { headBytes: 1024 },
      request,
      unreadable: (connection, fault) => {
        faults.push(fault)
        connection.end(400, [], 'no')
      },
      failed: () => socket.destroy(),
      waits: () => undefined,
      closed: () => undefined,
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  client.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  opened.push({
    close() {
      client.destroy()
      server.close()
    },
  })
  return { client, text: () => text, faults }
}

class Kept implements BodySink {
  text = ''
  ended = false
  gone: string | undefined
  data(chunk: Buffer): boolean {
    this.text += chunk.toString('latin1')
    return true
  }
  end(): void {
    this.ended = true
  }
  broken(why: string): void {
    this.gone = why
  }
}

const post = (body: string, target = '/'): string =>
  `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const answer = (req: Incoming, text: string): void => {
  req.connection.answer(200, [], text, false, undefined)
}
const answers = (text: string): string[] => [...text.matchAll(/\r\n\r\n([a-z]+)/g)].map(([, body]) => body ?? '')

it('hands over each body of a connection, whole, however it comes', async () => {
  const bodies: string[] = []
  const { client } = await serve(req => {
    const kept = new Kept()
    kept.end = () => {
      bodies.push(kept.text)
      answer(req, 'ok')
    }
    req.take(kept)
  })
  client.write(post('first') + post('second') + post('third').slice(0, -3))
  await vi.waitFor(() => expect(bodies).toEqual(['first', 'second']))
  client.write('ird')
  client.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfou\r\n2\r\nrt')
  client.write('\r\n1\r\nh\r\n0\r\n\r\n')
  await vi.waitFor(() => expect(bodies).toEqual(['first', 'second', 'third', 'fourth']))
})

it('serves pipelined requests one after the other, in order', async () => {
  const under = { way: 0, most: 0 }
  const { client, text } = await serve(req => {
    req.drop()
    under.way++
    under.most = Math.max(under.most, under.way)
    setImmediate(() => {
      under.way--
      answer(req, req.target.slice(1))
    })
  })
  client.write(post('x', '/a') + post('yy', '/b'))
  client.write(post('zzz', '/c'))
  client.end(post('', '/d'))
  await once(client, 'end')
  expect(answers(text())).toEqual(['a', 'b', 'c', 'd'])
  expect(under.most).toBe(1)
})

it('reads no more of a sender that sends on before it is answered', async () => {
  let held: Incoming | undefined
  const { client } = await serve(req => {
    req.drop()
    held = req
  })
  client.write(post('first'))
  await vi.waitFor(() => expect(held).toBeDefined())
  // More than the buffers of both sockets take.
  const more = 'x'.repeat(64 * 1024 * 1024)
  client.write(more)
  await vi.waitFor(() => expect(held?.socket.isPaused()).toBe(true))
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(held?.socket.bytesRead).toBeLessThan(1024 * 1024)
})

it('reads on for the next request where the answer was out before the body', async () => {
  const seen: string[] = []
  const { client } = await serve(req => {
    seen.push(req.target)
    answer(req, 'early')
    req.drop()
  })
  const long = 'x'.repeat(300_000)
  const [head = ''] = post(long).split('\r\n\r\n')
  client.write(`${head}\r\n\r\n`)
  await once(client, 'data')
  client.write(long + post('', '/next'))
  await vi.waitFor(() => expect(seen).toEqual(['/', '/next']))
})

it('asks nobody for a body before somebody takes it', async () => {
  const kept = new Kept()
  let request: Incoming | undefined
  const { client, text } = await serve(req => {
    request = req
  })
  client.write(post('body'))
  await vi.waitFor(() => expect(request).toBeDefined())
  expect(kept.text).toBe('')
  request?.take(kept)
  expect(kept.text).toBe('')
  await vi.waitFor(() => expect(kept.ended).toBe(true))
  expect(kept.text).toBe('body')
  expect(text()).toBe('')
})

it.each([
  ['the connection breaks', 'incomplete', (client: Socket) => client.destroy()],
  ['the sender ends its side', 'incomplete', (client: Socket) => client.end()],
  ['what comes is no chunk', 'malformed', (client: Socket) => client.write('zz\r\n')],
])('tells that %s, once', async (_what, why, act) => {
  const kept = new Kept()
  const { client } = await serve(req => req.take(kept))
  client.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nnever\r\n')
  await vi.waitFor(() => expect(kept.text).toBe('never'))
  act(client)
  await vi.waitFor(() => expect(kept.gone).toBe(why))
  expect(kept.ended).toBe(false)
})

it('takes no request behind an answer that ends the connection', async () => {
  const seen: string[] = []
  const { client, text } = await serve(req => {
    seen.push(req.target)
    req.connection.answer(200, [], 'last', true, undefined)
    req.drop()
  })
  client.write(post('a', '/1') + post('b', '/2'))
  await once(client, 'end')
  expect(seen).toEqual(['/1'])
  expect(text()).toContain('\r\nConnection: close\r\n')
})

it.each([
  ['a name that ends in a blank', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['a head that ends early', 'GET / HTTP/1.1\r\nHos', 'HPE_INVALID_EOF_STATE'],
  ['a head that is too large', `GET / HTTP/1.1\r\nHost: ${'x'.repeat(1024)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ['one that has no end yet', `GET / HTTP/1.1\r\nHost: ${'x'.repeat(1024)}`, 'HPE_HEADER_OVERFLOW'],
])('answers %s once', async (_what, bytes, code) => {
  const { client, text, faults } = await serve(() => expect.unreachable())
  client.end(bytes)
  await once(client, 'end')
  expect(text()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\nConnection: close\r\n[\s\S]*\r\n\r\nno$/)
  expect(faults.map(fault => fault.code)).toEqual([code])
})

it('answers HEAD and 204 without a body, and says the length of what it would be', async () => {
  const { client, text } = await serve(req => {
    req.drop()
    if (req.method === 'HEAD') answer(req, 'four')
    else req.connection.answer(204, [], undefined, true, undefined)
  })
  client.write('HEAD / HTTP/1.1\r\nHost: x\r\n\r\nDELETE / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'end')
  const [head, none] = text().split('\r\n\r\n')
  expect(head).toContain('\r\nContent-Length: 4\r\n')
  expect(none).toContain('HTTP/1.1 204 No Content\r\n')
  expect(none).not.toContain('Content-Length')
})

it.each([
  ['HTTP/1.1', 'Transfer-Encoding: chunked\r\nConnection: keep-alive', '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n'],
  ['HTTP/1.0', 'Connection: close', 'onetwo'],
])('streams an answer to %s', async (version, field, body) => {
  const { client, text } = await serve(req => {
    req.drop()
    const stream = req.connection.answerStream(200, [], false, undefined)
    stream?.write('one')
    stream?.end('two')
  })
  client.write(`GET / ${version}\r\nHost: x\r\n\r\n`)
  await vi.waitFor(() => expect(text()).toMatch(new RegExp(`\\r\\n\\r\\n${body}$`)))
  expect(text()).toContain(`\r\n${field}\r\n`)
})

it('cuts the connection where the stream of an answer breaks off', async () => {
  const { client, text } = await serve(req => {
    req.drop()
    const stream = req.connection.answerStream(200, [], false, undefined)
    stream?.on('error', () => undefined)
    stream?.write('half')
    setTimeout(() => stream?.destroy(new Error('gone')), 20)
  })
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'end')
  expect(text()).toContain('half')
  expect(text()).not.toContain('0\r\n\r\n')
})

it('refuses to write a field that would begin another', async () => {
  let thrown: unknown
  const { client } = await serve(req => {
    req.drop()
    try {
      req.connection.answer(200, ['X-A', 'b\r\nX-C: d'], '', false, undefined)
    } catch (error) {
      thrown = error
      req.socket.destroy()
    }
  })
  client.write(post(''))
  await once(client, 'end')
  expect(String(thrown)).toContain('X-A')
})

it('tells who collects for a capture that the connection broke after the answer', async () => {
  const collected: (Buffer | undefined)[] = []
  const { client } = await serve(req => {
    const body = new RequestBody(req, 100, false)
    expect(body.collectRest(1024, whole => collected.push(whole))).toBe(true)
    answer(req, 'refused')
  })
  client.write(post('x'.repeat(100)).slice(0, -50))
  await once(client, 'data')
  expect(collected).toEqual([])
  client.destroy()
  await vi.waitFor(() => expect(collected).toEqual([undefined]))
})

it('gives whoever takes the socket the last bytes where they come with the end', async () => {
  const told: string[] = []
  // In a thread of its own, so that both have come when this one looks.
  const server = createServer({ allowHalfOpen: true })
  const over = new Promise<void>(resolve => {
    server.on('connection', accepted => {
      new HttpConnection(accepted, {
        limits: { headBytes: 1024 },
        request(req) {
          setTimeout(() => {
            req.connection.detach()
            const { socket } = req
            socket.on('error', error => told.push(error.message)).on('close', resolve)
            socket
              .on('data', chunk => told.push(String(chunk)))
              .on('end', () => socket.end())
              .resume()
            socket.end('go on')
            setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300), 20)
          }, 20)
        },
        unreadable: () => undefined,
        failed: (_connection, error) => told.push(error.message),
        waits: () => undefined,
        closed: () => undefined,
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new Worker(
    `const socket = require('node:net').connect({ port: ${(server.address() as AddressInfo).port}, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    socket.once('data', () => setTimeout(() => socket.end('the last'), 100))`,
    { eval: true },
  )
  opened.push({
    close() {
      void client.terminate()
      server.close()
    },
  })
  await over
  expect(told).toEqual(['the last'])
})
