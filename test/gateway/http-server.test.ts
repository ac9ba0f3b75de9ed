import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { HttpServer, type ServerLimits, type ServerOwner } from '../../src/gateway/http/server.ts'

const LIMITS: ServerLimits = { headBytes: 1024, head: 60_000, request: 60_000, idle: 60_000, connections: 100 }
const opened: { close(): void }[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
})

async function start(
  limits: Partial<ServerLimits>,
  more: Partial<ServerOwner> = {},
): Promise<{ server: HttpServer; dial(): Promise<Socket> }> {
  const server = new HttpServer({ ...LIMITS, ...limits }, undefined, {
    request: req => {
      req.drop()
      req.connection.answer(200, [], 'ok', false, undefined)
    },
    unreadable: (connection, fault) => connection.end(408, [], fault === 'timeout' ? fault : fault.code),
    failed: socket => socket.destroy(),
    opened: () => undefined,
    closed: () => undefined,
    ...more,
  })
  server.net.on('connection', (socket: Socket) => server.serve(socket))
  server.net.listen(0, '127.0.0.1')
  await once(server.net, 'listening')
  opened.push({
    close() {
      server.net.close()
      server.closeAll()
    },
  })
  const dial = async (): Promise<Socket> => {
    const socket = connect((server.net.address() as AddressInfo).port, '127.0.0.1')
    opened.push({ close: () => socket.destroy() })
    await once(
      socket.setEncoding('latin1').on('error', () => undefined),
      'connect',
    )
    return socket
  }
  return { server, dial }
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

async function answered(socket: Socket): Promise<void> {
  socket.write(GET)
  const [text] = (await once(socket, 'data')) as [string]
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/)
}

it('takes as many connections as it may, and another when one has closed', async () => {
  const { server, dial } = await start({ connections: 2 })
  const [first, second] = [await dial(), await dial()]
  await answered(first)
  await answered(second)
  const third = await dial()
  await once(third, 'close')
  first.destroy()
  await vi.waitFor(() => expect(server.connections.size).toBe(1))
  await answered(await dial())
  server.limits = { ...LIMITS, connections: 3 }
  await answered(await dial())
})

it('closes once its last connection has', async () => {
  const { server, dial } = await start({})
  const socket = await dial()
  await answered(socket)
  let closed = false
  server.net.close(() => {
    closed = true
  })
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(closed).toBe(false)
  socket.destroy()
  await vi.waitFor(() => expect(closed).toBe(true))
})

it('ends idle connections, and no other', async () => {
  const { server, dial } = await start({})
  const [idle, under] = [await dial(), await dial()]
  await answered(idle)
  await answered(under)
  under.write('GET / HT')
  await vi.waitFor(() => expect([...server.connections].filter(each => each.idle)).toHaveLength(1))
  server.closeIdle()
  await once(idle, 'close')
  under.write('TP/1.1\r\nHost: x\r\n\r\n')
  await once(under, 'data')
})

it.each([
  ['a head that never comes', 'head', ''],
  ['a head that never ends', 'head', 'GET / HTTP/1.1\r\nHost'],
  ['another head on a kept connection', 'head', `${GET}GET`],
])('waits for %s as long as it may', async (_what, which, bytes) => {
  const { dial } = await start({ [which]: 100 })
  const socket = await dial()
  let text = ''
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(bytes)
  await once(socket, 'close')
  expect(text).toMatch(/\r\n\r\ntimeout$/)
})

it('waits for a body as long as it may, and tells who takes it', async () => {
  const why: string[] = []
  const { dial } = await start(
    { request: 100 },
    {
      request: req =>
        req.take({
          data: () => true,
          end: () => why.push('end'),
          broken: fault => {
            why.push(fault)
            req.connection.answer(408, [], 'late', true, undefined)
          },
        }),
    },
  )
  const socket = await dial()
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf')
  const [text] = (await once(socket, 'data')) as [string]
  expect(text).toContain('HTTP/1.1 408 ')
  expect(why).toEqual(['timeout'])
  await once(socket, 'close')
})

it('ends a connection on which nothing moves, and keeps one that waits for its answer', async () => {
  const { dial } = await start({ idle: 150 }, { request: req => req.target === '/late' && void req.drop() })
  const [idle, busy] = [await dial(), await dial()]
  idle.resume()
  busy.write(GET.replace('/', '/late'))
  await once(idle, 'close')
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(busy.destroyed).toBe(false)
})

it('lets a reader take its time over one large piece, and ends one that has stopped', async () => {
  const piece = Buffer.alloc(64 * 1024 * 1024, 'x')
  const { server, dial } = await start(
    { idle: 1_500 },
    {
      request: req => {
        req.drop()
        req.connection.answer(200, [], piece, false, undefined)
      },
    },
  )
  const slow = await dial()
  let read = 0
  let stopped = false
  slow.on('data', (chunk: string) => {
    read += chunk.length
    slow.pause()
    setTimeout(() => stopped || slow.resume(), 20)
  })
  slow.write(GET)
  const from = performance.now()
  await vi.waitFor(() => expect(performance.now() - from).toBeGreaterThan(3_500), { timeout: 10_000, interval: 100 })
  const before = read
  await vi.waitFor(() => expect(read).toBeGreaterThan(before))
  expect(server.connections.size).toBe(1)
  stopped = true
  await vi.waitFor(() => expect(server.connections.size).toBe(0), { timeout: 10_000 })
  expect(read).toBeLessThan(piece.length)
})
