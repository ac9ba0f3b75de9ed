import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Outbound } from '../../src/forward/normalise.ts'
import type { ProxyWay } from '../../src/forward/tunnel.ts'
import { type Reach, Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'
import { acceptOf } from '../../src/forward/websocket.ts'
import { startHttpProxy, startSocksProxy } from '../support/proxies.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

/** A server of raw bytes, which is told each handshake's Sec-WebSocket-Accept. */
async function serve(answer: (socket: Socket, accept: string) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    socket.once('data', head => {
      const key = /^sec-websocket-key: (.*)\r$/im.exec(head.toString('latin1'))?.[1] ?? ''
      answer(socket, acceptOf(key))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function to(url: string, reach: Reach = {}): Upstream {
  const upstream = new Upstream(url, { connect: 300, response: 500 }, reach)
  open.push(() => upstream.destroy())
  return upstream
}

const offering = (protocols?: string, extensions?: string): Outbound => ({
  id: '1',
  method: 'GET',
  path: '/',
  headers: [],
  body: undefined,
  streams: { body: undefined, upgrade: { protocols, extensions } },
})
const taken = (accept: string, more = '') =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`
const brief = (result: UpstreamResult) => {
  if (result.ok && result.tunnel) open.push(() => result.tunnel?.socket.destroy())
  return result.ok ? result.status : result.code
}

describe('a WebSocket', () => {
  it.each(['http', 'socks5'] as const)('goes through a proxy (%s)', async kind => {
    const url = await serve((socket, accept) => socket.write(`${taken(accept)}frames`))
    const proxy = await (kind === 'http' ? startHttpProxy() : startSocksProxy())
    open.push(() => proxy.close())
    const way: ProxyWay = { kind, host: '127.0.0.1', port: proxy.port, username: '', password: undefined }
    const result = await to(url, { proxy: way }).send(offering())
    expect([brief(result), result.ok && result.tunnel?.rest.toString()]).toEqual([101, 'frames'])
    const socket = result.ok ? result.tunnel?.socket : undefined
    const ended = socket && once(socket.resume(), 'close')
    socket?.end()
    await ended
    expect(proxy.asked).toEqual([url.slice('http://'.length)])
  })
})
