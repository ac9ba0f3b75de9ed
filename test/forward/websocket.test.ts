import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { Rate } from '../../src/core/units.ts'
import { Bridge } from '../../src/forward/bridge.ts'
import type { Outbound } from '../../src/forward/normalise.ts'
import { systemTiming } from '../../src/forward/timing.ts'
import type { ProxyWay } from '../../src/forward/tunnel.ts'
import { Turnstile } from '../../src/forward/turnstile.ts'
import { type Reach, Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'
import { acceptOf } from '../../src/forward/websocket-handshake.ts'
import { LocalLedger } from '../../src/store/local-ledger.ts'
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

  it('is taken behind interim answers, and not behind endless ones', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
    const url = await serve((socket, accept) => socket.write(`${hints.repeat(3)}${taken(accept)}frames`))
    const result = await to(url).send(offering())
    expect([brief(result), result.ok && result.tunnel?.rest.toString()]).toEqual([101, 'frames'])
    const endless = await serve(socket => socket.write(hints.repeat(20)))
    expect(brief(await to(endless).send(offering()))).toBe('forward.malformed')
  })

  it.each<[string, (accept: string) => string]>([
    ['does not say Connection: Upgrade', accept => taken(accept).replace('Connection: Upgrade\r\n', '')],
    ['says another Connection', accept => taken(accept).replace('Connection: Upgrade', 'Connection: keep-alive')],
    ['upgrades to something else', accept => taken(accept).replace('websocket', 'h2c')],
    ['has the accept of another key', () => taken(acceptOf('another'))],
    ['chooses a subprotocol that was not offered', accept => taken(accept, 'Sec-WebSocket-Protocol: v3.chat\r\n')],
    ['chooses two', accept => taken(accept, 'Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2\r\n')],
    ['chooses a list', accept => taken(accept, 'Sec-WebSocket-Protocol: v1, v2\r\n')],
    ['uses an extension that was not offered', accept => taken(accept, 'Sec-WebSocket-Extensions: x-own; a=1\r\n')],
  ])('is none where the 101 %s (RFC 6455 section 4.1)', async (_what, answer) => {
    const url = await serve((socket, accept) => socket.write(answer(accept)))
    const result = await to(url).send(offering('v1, v2', 'permessage-deflate'))
    expect(brief(result)).toBe('forward.malformed')
  })

  it('has what was agreed on passed on, and nothing else', async () => {
    const agreed =
      'Sec-WebSocket-Protocol: v2\r\nX-Inside: 1\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9\r\n'
    const url = await serve((socket, accept) =>
      socket.write(taken(accept, agreed).replace('Connection: Upgrade', 'Connection: keep-alive, UPGRADE')),
    )
    const result = await to(url).send(offering('v1,v2', 'permessage-deflate; client_max_window_bits, x-other'))
    expect([brief(result), result.ok && result.headers]).toEqual([
      101,
      [
        ...['sec-websocket-protocol', 'v2'],
        ...['sec-websocket-extensions', 'permessage-deflate; client_max_window_bits=9'],
      ],
    ])
    const none = await serve((socket, accept) => socket.write(taken(accept, 'Sec-WebSocket-Protocol: v2\r\n')))
    expect(brief(await to(none).send(offering()))).toBe('forward.malformed')
  })

  it('counts for what is under way at once until it ends, and for the rate as one request', async () => {
    const url = await serve((socket, accept) => socket.write(taken(accept)))
    const limits = { concurrency: 1, burst: 2, maxWait: 100, maxQueue: 10 }
    const paced = (rate: Rate | undefined, cap?: LocalLedger) =>
      new Bridge({
        upstream: to(url),
        credentials: [],
        shaper: undefined,
        turnstile: new Turnstile({ ...limits, rate }, new LocalLedger(), systemTiming, cap),
        breaker: undefined,
        retry: undefined,
        patience: 0,
        timing: systemTiming,
        counts: { retries: 0 },
      })
    for (const bridge of [paced(undefined), paced({ count: 2, periodMs: 150 }, new LocalLedger())]) {
      const first = await bridge.send(offering())
      expect([brief(first), brief(await bridge.send(offering()))]).toEqual([101, 'forward.paced'])
      if (first.ok) first.tunnel?.socket.destroy()
      expect(brief(await bridge.send(offering()))).toBe(101)
    }
    const ledger = new LocalLedger()
    const turnstile = new Turnstile(
      { ...limits, concurrency: Number.POSITIVE_INFINITY, rate: { count: 1, periodMs: 50 } },
      ledger,
      systemTiming,
    )
    const turn = await turnstile.enter()
    if (turn.ok) turn.answered()
    expect(ledger.underWay).toBe(0)
    if (turn.ok) turn.end(true)
    expect(ledger.counted(systemTiming.monotonic(), 60_000)).toBe(1)
  })

  it('that no connection stands for in time is timed out, as any request is', async () => {
    const silent = Number(new URL(await serve(() => undefined)).port)
    const way: ProxyWay = { kind: 'http', host: '127.0.0.1', port: silent, username: '', password: undefined }
    const result = await to('http://127.0.0.1:1', { proxy: way }).send(offering())
    expect(result).toMatchObject({ ok: false, code: 'forward.timeout', unsent: true })
  })
})

describe('an upstream that takes no WebSocket', () => {
  const refused = 'HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nX-Own: 1\r\n'
  const bodyOf = (result: UpstreamResult) =>
    result.ok && result.body instanceof Readable ? text(result.body) : Promise.resolve('no stream')

  it.each<[string, readonly string[]]>([
    ['a length', [`${refused}Content-Length: 14\r\n\r\n{"why":`, '"none"}']],
    ['chunks', [`${refused}Transfer-Encoding: chunked\r\n\r\n7\r\n{"why":\r\n`, '6\r\n"none"\r\n1\r\n}\r\n0\r\n\r\n']],
    ['the end of the connection', [`${refused}\r\n{"why":`, '"none"}']],
  ])('has its answer passed on, its body framed by %s', async (how, pieces) => {
    const url = await serve(async socket => {
      for (const piece of pieces) {
        socket.write(piece)
        await pause(20)
      }
      if (how.startsWith('the end')) socket.end()
    })
    const result = await to(url).send(offering())
    expect(await bodyOf(result)).toBe('{"why":"none"}')
    expect([brief(result), result.ok && result.headers]).toEqual([
      403,
      ['content-type', 'application/json', 'x-own', '1', ...(how === 'a length' ? ['content-length', '14'] : [])],
    ])
  })

  it('has a large body passed on as it is read', async () => {
    const size = 8 * 1024 * 1024
    let waited = false
    const url = await serve(socket => {
      socket.write(`${refused}Content-Length: ${size}\r\n\r\n`)
      waited = !socket.write(Buffer.alloc(size, 'x'))
    })
    const result = await to(url).send(offering())
    await pause(100)
    expect(result.ok && result.body instanceof Readable && result.body.readableLength).toBeLessThan(256 * 1024)
    expect([(await bodyOf(result)).length, waited]).toEqual([size, true])
  })

  it.each<[string, (socket: Socket) => void]>([
    ['breaks off', socket => void setTimeout(() => socket.destroy(), 50)],
    ['falls silent', () => undefined],
    ['sends a chunk that is none', socket => void setTimeout(() => socket.write('zz\r\n'), 50)],
  ])('and %s in the middle has no part taken for the whole', async (_how, act) => {
    const url = await serve(socket => {
      socket.write(`${refused}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`)
      act(socket)
    })
    const result = await to(url).send(offering())
    expect(brief(result)).toBe(403)
    await expect(bodyOf(result)).rejects.toThrow()
  })

  it('has its connection ended where nobody reads the answer', async () => {
    let ended: Promise<unknown> | undefined
    const url = await serve(socket => {
      ended = once(socket, 'close')
      socket.write(`${refused}Content-Length: 100\r\n\r\n`)
    })
    const result = await to(url).send(offering())
    if (result.ok && result.body instanceof Readable) result.body.destroy()
    await ended
  })
})
