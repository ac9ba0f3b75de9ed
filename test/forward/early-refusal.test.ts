import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Upstream } from '../../src/forward/upstream.ts'

const closing: (() => unknown)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

it('an answer that is read slowly comes whole, though the upstream has reset the connection meanwhile', async () => {
  // Some more than is held here for whoever reads, and no more than the kernel holds for us: what it has not taken is lost.
  const long = 'x'.repeat(330_000)
  const reset = Promise.withResolvers<void>()
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.pause()
      socket.write(`HTTP/1.1 413 Content Too Large\r\nContent-Length: ${long.length}\r\n\r\n${long}`, async () => {
        // Until the kernel of the other side has it all.
        await wait(200)
        socket.resetAndDestroy()
        reset.resolve()
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const upstream = new Upstream(`http://127.0.0.1:${port}`, { connect: 5_000, response: 10_000 })
  closing.push(
    () => upstream.destroy(),
    () => server.close(),
  )
  const readable = new PassThrough()
  const body = { length: 1_000_000, readable, onBroken: () => undefined }
  readable.write('first')
  const answer = await upstream.send({
    id: 'i',
    method: 'POST',
    path: '/',
    headers: [],
    body: undefined,
    streams: { body },
  })
  if (!answer.ok) throw new Error(answer.message)
  await reset.promise
  // Nobody has read yet, and what is written now fails.
  for (let i = 0; i < 5; i++) {
    readable.write('more')
    await wait(20)
  }
  let bytes = 0
  for await (const chunk of answer.body as Readable) bytes += (chunk as Buffer).length
  expect([answer.status, bytes]).toEqual([413, long.length])
})
