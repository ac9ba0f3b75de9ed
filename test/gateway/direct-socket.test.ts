import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { directSocket } from '../../src/gateway/http/direct-socket.ts'
import { issueCa, issueLeaf } from '../../src/tls/issue.ts'

const now = Date.now()
const ca = await issueCa('Test CA', now)
const leaf = await issueLeaf(ca, { commonName: 'gate', use: 'server', names: { dns: ['localhost'] }, now })
const plain = createServer({ allowHalfOpen: true })
const secure = createTlsServer({ cert: leaf.certificate, key: leaf.key, allowHalfOpen: true })
afterAll(() => {
  plain.close()
  secure.close()
})

/** A connection to a server, and what the server reads of it. */
async function connection(over: 'TCP' | 'TLS') {
  const server = over === 'TCP' ? plain : secure
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  let text = ''
  const buffers = new Set<Buffer>()
  const accepted = once(server, over === 'TCP' ? 'connection' : 'secureConnection').then(([socket]: Socket[]) => {
    if (socket === undefined) throw new Error('no connection')
    return directSocket(socket, (buffer, length) => {
      buffers.add(buffer)
      text += buffer.toString('latin1', 0, length)
      return true
    })
  })
  const client =
    over === 'TCP'
      ? connect(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificate })
  const socket = await accepted
  if (socket === undefined) throw new Error('it is not read directly')
  return { client, socket, buffers, read: () => text }
}

describe.each(['TCP', 'TLS'] as const)('a connection over %s that is read directly', over => {
  it('is read into one buffer, and says when it ends', async () => {
    const { client, socket, buffers, read } = await connection(over)
    const ended = once(socket, 'end')
    client.write('one ')
    client.end('two')
    await ended
    expect(read()).toBe('one two')
    expect(buffers.size).toBe(1)
    const answer = once(client, 'data')
    const closed = once(socket, 'close')
    socket.end('three')
    expect(String((await answer)[0])).toBe('three')
    await closed
  })

  it('is not read while it is paused, and loses nothing', async () => {
    const { client, socket, read } = await connection(over)
    const sent = 'x'.repeat(8 * 1024 * 1024)
    socket.pause()
    client.end(sent)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(read().length).toBeLessThan(sent.length / 2)
    const ended = once(socket, 'end')
    socket.resume()
    await ended
    expect(read().length).toBe(sent.length)
    const closed = once(socket, 'close')
    socket.end()
    await closed
  })
})

it('tells when a connection breaks', async () => {
  const { client, socket } = await connection('TCP')
  const failed = once(socket, 'error')
  client.resetAndDestroy()
  expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
})
