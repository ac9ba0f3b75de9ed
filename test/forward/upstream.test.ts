import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { Outbound } from '../../src/forward/normalise.ts'
import { Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'

const outbound: Outbound = { id: '1', method: 'POST', path: '/in', headers: ['X-A', '1'], body: Buffer.from('{"a":1}') }
const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** A server of raw bytes: it answers each request's arrival as it is told. */
async function raw(
  answer: (socket: Socket, request: string, count: number) => void,
): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', chunk => {
      seen.push(chunk.toString('latin1'))
      answer(socket, chunk.toString('latin1'), seen.length)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

function to(url: string, response = 1_000): Upstream {
  const upstream = new Upstream(url, { connect: 500, response })
  open.push(() => upstream.destroy())
  return upstream
}
const head = 'HTTP/1.1 200 OK\r\n'
const brief = (result: UpstreamResult) => (result.ok ? result.status : result.code)

describe('an upstream', () => {
  it('ups-008: gets what was built, and its answer comes back without what ends at this hop', async () => {
    const server = await raw(socket =>
      socket.write(
        `${head}Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nServer: nginx\r\nX-Powered-By: PHP\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok`,
      ),
    )
    const result = await to(server.url).send(outbound)
    expect(result).toMatchObject({
      ok: true,
      status: 200,
      headers: ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x-b', '2'],
    })
    expect(result.ok && result.body.toString()).toBe('ok')
    expect(server.seen[0]?.toLowerCase()).toMatch(
      /^post \/in http\/1.1\r\nhost: 127.0.0.1:\d+\r\n[\s\S]*x-a: 1\r\n[\s\S]*content-length: 7\r\n\r\n\{"a":1\}$/,
    )
  })

  it.each<[string, (socket: Socket) => void, string | number]>([
    ['resets before an answer', socket => socket.resetAndDestroy(), 'forward.unreachable'],
    ['ends before an answer', socket => socket.end(), 'forward.unreachable'],
    ['breaks off in the middle', socket => socket.end(`${head}Content-Length: 100\r\n\r\nhalf`), 'forward.unreachable'],
    [
      'says CL and TE',
      socket => socket.write(`${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
      'forward.malformed',
    ],
    [
      'says two lengths',
      socket => socket.write(`${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`),
      'forward.malformed',
    ],
    [
      'sends a bad chunk',
      socket => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc`),
      'forward.malformed',
    ],
    ['speaks no HTTP', socket => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'forward.malformed'],
    [
      'switches protocols unasked',
      socket => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'forward.malformed',
    ],
    ['sends endless headers', socket => socket.write(`${head}${'X-A: b\r\n'.repeat(10_000)}`), 'forward.malformed'],
    ['never answers', () => undefined, 'forward.timeout'],
    ['drips for ever', socket => void setInterval(() => socket.write(' '), 100).unref(), 'forward.timeout'],
  ])(
    'that %s gives a failure, is sent nothing twice, and serves the next request',
    async (_name, misbehave, expected) => {
      const server = await raw((socket, _request, count) =>
        count === 1 ? misbehave(socket) : socket.write(`${head}Content-Length: 2\r\n\r\nok`),
      )
      const upstream = to(server.url, 400)
      if (_name === 'drips for ever') {
        const dripping = await raw(socket => {
          socket.write(`${head}Content-Length: 1000\r\n\r\n`)
          misbehave(socket)
        })
        expect(brief(await to(dripping.url, 400).send(outbound))).toBe(expected)
        return
      }
      expect(brief(await upstream.send(outbound))).toBe(expected)
      expect(server.seen.filter(text => text.startsWith('POST')).length).toBe(1)
      expect(brief(await upstream.send(outbound))).toBe(200)
    },
  )

  it('that refuses the connection is unreachable', async () => {
    expect(brief(await to('http://127.0.0.1:1').send(outbound))).toBe('forward.unreachable')
  })

  it('passes interim answers over', async () => {
    const server = await raw(socket =>
      socket.write(`${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3)}${head}Content-Length: 0\r\n\r\n`),
    )
    expect(brief(await to(server.url).send(outbound))).toBe(200)
  })

  it('ups-006: that sends more than its answer never has the rest taken for another', async () => {
    const server = await raw((socket, request) => {
      const id = /x-id: (\d+)/i.exec(request)?.[1]
      socket.write(`${head}Content-Length: ${id?.length}\r\n\r\n${id}${head}Content-Length: 6\r\n\r\npoison`)
    })
    const upstream = to(server.url)
    for (let i = 0; i < 200; i++) {
      const result = await upstream.send({ ...outbound, headers: ['X-Id', String(i)] })
      if (result.ok) expect(result.body.toString()).toBe(String(i))
      else expect(['forward.unreachable', 'forward.malformed']).toContain(result.code)
    }
  })

  it('ups-003: that answers before it has read the body is believed, and its connection is not used again', async () => {
    let connections = 0
    const server = createServer(socket => {
      connections++
      socket.on('error', () => undefined)
      socket.pause()
      socket.write(`${head}Content-Length: 2\r\n\r\nno`)
      setTimeout(() => socket.resume(), 200)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    open.push(() => server.close())
    const upstream = to(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const large = { ...outbound, body: Buffer.alloc(16 * 1024 * 1024, 'x') }
    expect(brief(await upstream.send(large))).toBe(200)
    expect(brief(await upstream.send(large))).toBe(200)
    expect(connections).toBe(2)
  })

  it('ups-009: that closes idle connections costs no request', async () => {
    let gone: Promise<unknown> = Promise.resolve()
    const server = await raw(socket => {
      socket.write(`${head}Content-Length: 2\r\n\r\nok`)
      setTimeout(() => socket.end(), 5)
      gone = once(socket, 'close')
    })
    const upstream = to(server.url)
    for (let i = 0; i < 20; i++) {
      expect(brief(await upstream.send(outbound))).toBe(200)
      // Once the gate has closed its end too. What is sent while the upstream closes is a race that no client wins.
      await gone
    }
  })

  it('that says how long it keeps a connection is not asked on it later', async () => {
    const sockets = new Set<Socket>()
    const server = await raw(socket => {
      sockets.add(socket)
      socket.write(`${head}Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok`)
    })
    const upstream = to(server.url)
    for (let i = 0; i < 3; i++) expect(brief(await upstream.send(outbound))).toBe(200)
    expect(sockets.size).toBe(3)
  })

  it('gets no more than 256 connections: the others wait their turn, and those that wait too long are never sent', async () => {
    const sockets = new Set<Socket>()
    const server = await raw((socket, request) => {
      sockets.add(socket)
      if (!request.includes('x-late')) setTimeout(() => socket.write(`${head}Content-Length: 2\r\n\r\nok`), 20)
    })
    const upstream = to(server.url, 2_000)
    const results = await Promise.all(Array.from({ length: 600 }, () => upstream.send(outbound)))
    expect(results.filter(result => result.ok).length).toBe(600)
    expect(sockets.size).toBeLessThanOrEqual(256)
    const hanging = to(server.url, 500)
    const late = await Promise.all(
      Array.from({ length: 300 }, () => hanging.send({ ...outbound, headers: ['x-late', '1'] })),
    )
    expect(new Set(late.map(brief))).toEqual(new Set(['forward.timeout']))
    // A connection that was cut makes room, for those that still have a few milliseconds.
    expect(server.seen.filter(text => text.includes('x-late')).length).toBeLessThan(280)
  })

  it('that is retired sends what comes late, and keeps no connection', async () => {
    const sockets = new Set<Socket>()
    const server = await raw(socket => {
      sockets.add(socket)
      setTimeout(() => socket.write(`${head}Content-Length: 2\r\n\r\nok`), 50)
    })
    const upstream = to(server.url)
    expect(brief(await upstream.send(outbound))).toBe(200)
    const answer = upstream.send(outbound)
    upstream.retire()
    expect(brief(await answer)).toBe(200)
    expect(brief(await upstream.send(outbound))).toBe(200)
    await expect.poll(() => [...sockets].filter(socket => !socket.destroyed).length).toBe(0)
    expect(server.seen.length).toBe(3)
  })

  it('that is destroyed sends nothing more', async () => {
    const server = await raw(() => undefined)
    const upstream = to(server.url)
    const answer = upstream.send(outbound)
    upstream.destroy()
    expect(brief(await answer)).toBe('forward.unreachable')
    expect(brief(await upstream.send(outbound))).toBe('forward.unreachable')
  })

  it.each(['X-A\r\nX-B', 'a\nb', 'caf\u0113', '\0'])('is sent nothing where a field holds %j', async value => {
    const server = await raw(socket => socket.write(`${head}Content-Length: 2\r\n\r\nok`))
    const upstream = to(server.url)
    expect(brief(await upstream.send({ ...outbound, headers: ['X-A', value] }))).toBe('forward.unreachable')
    expect(brief(await upstream.send({ ...outbound, path: `/in ${value}` }))).toBe('forward.unreachable')
    expect(server.seen).toEqual([])
    expect(brief(await upstream.send(outbound))).toBe(200)
  })

  it('streams a large answer with back-pressure, and cuts it where the upstream breaks off', async () => {
    const block = Buffer.alloc(1024 * 1024, 'x')
    const whole = await raw(socket => {
      socket.write(`${head}Content-Length: ${block.length * 8}\r\n\r\n`)
      for (let i = 0; i < 8; i++) socket.write(block)
    })
    const result = await to(whole.url, 5_000).send(outbound)
    expect(result.ok && result.body instanceof Readable && (await buffer(result.body)).length).toBe(block.length * 8)

    const broken = await raw(socket => {
      socket.write(`${head}Content-Length: ${block.length * 8}\r\n\r\n`)
      socket.write(block, () => socket.destroy())
    })
    const half = await to(broken.url).send(outbound)
    await expect(half.ok && half.body instanceof Readable && buffer(half.body)).rejects.toThrow()
  })

  it.each([
    ['ends', 'socket.end()', 'forward.unreachable'],
    ['speaks unasked', "socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n')", 'forward.malformed'],
  ])('has sent nothing where a kept connection %s before the request is written', async (_name, act, code) => {
    // In a thread of its own, so that it can act while this one stands still.
    const server = new Worker(
      `const { parentPort } = require('node:worker_threads')
      let count = 0
      require('node:net').createServer(socket => {
        socket.on('error', () => undefined)
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
          setTimeout(() => { ${act} }, 50)
        })
      }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })`,
      { eval: true },
    )
    open.push(() => void server.terminate())
    const [port] = await once(server, 'message')
    const upstream = to(`http://127.0.0.1:${port}`)
    expect(brief(await upstream.send(outbound))).toBe(200)
    const result = await new Promise<UpstreamResult>(resolve => {
      setTimeout(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
        resolve(upstream.send(outbound))
      }, 0)
    })
    expect(result).toMatchObject({ ok: false, code, unsent: true })
  })
})
