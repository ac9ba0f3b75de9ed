import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { RemoteFault, readRemoteUrl } from '../../src/core/remote.ts'
import { Offline } from '../../src/core/resources.ts'
import { Remotes } from '../../src/gateway/remotes.ts'
import { createLog } from '../../src/observe/log.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A server whose answer a test may change, and what was asked of it. */
async function startServer(first: RequestListener) {
  const asked: { readonly url: string; readonly headers: Readonly<Record<string, unknown>> }[] = []
  const served = { answer: first, asked, url: '' }
  const server: Server = createServer((req, res) => {
    asked.push({ url: req.url ?? '', headers: req.headers })
    served.answer(req, res)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/list.json`
  open.push({
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    },
  })
  return served
}

function world() {
  const clock = frozenClock(Date.UTC(2026, 10, 24, 10))
  const lines: Record<string, unknown>[] = []
  const log = createLog({ destination: { write: text => lines.push(JSON.parse(text) as never) }, clock })
  const remotes = new Remotes(clock, log)
  open.push(remotes)
  return { clock, lines, remotes }
}

const json =
  (value: unknown, headers: Readonly<Record<string, string>> = {}): RequestListener =>
  (_req, res) => {
    for (const [name, field] of Object.entries(headers)) res.setHeader(name, field)
    res.end(JSON.stringify(value))
  }

/** Reads a list; anything else is a fault. */
const list = {
  without: 'nobody is admitted from it',
  parse(bytes: Buffer): readonly unknown[] | RemoteFault {
    try {
      const value: unknown = JSON.parse(bytes.toString())
      return Array.isArray(value) ? value : new RemoteFault('is no list', 'serve a list')
    } catch {
      return new RemoteFault('is no JSON', 'serve JSON')
    }
  },
  changed: (now: readonly unknown[], before: readonly unknown[] | undefined) => ({
    items: now.length,
    before: before?.length ?? 0,
  }),
}

describe('a document by URL', () => {
  it('is fetched at load, and told', async () => {
    const server = await startServer(json([1, 2]))
    const { remotes, lines, clock } = world()
    const held = remotes.hold(server.url, 'a', list)
    expect(held.remote.current()).toBeUndefined()
    await held.ready
    expect(held.remote.current()).toEqual([1, 2])
    expect(held.remote.confirmedAt()).toBe(clock.now())
    expect(server.asked[0]?.headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'sallyport' })
    expect(lines).toMatchObject([{ msg: 'document fetched', document: server.url, route: 'a', items: 2, before: 0 }])
  })

  it('keeps the last good copy when a refresh fails, warns with the mend and counts', async () => {
    const server = await startServer(json([1]))
    const { remotes, lines, clock } = world()
    const { remote, ready } = remotes.hold(server.url, 'a', list)
    await ready
    for (const [answer, reason] of [
      [(_req, res) => res.writeHead(503).end(), 'answered 503'],
      [
        (_req, res) => res.writeHead(302, { location: 'http://127.0.0.1/x' }).end(),
        /a redirect, which is not followed/,
      ],
      [(_req, res) => res.end('<html>'), 'is no JSON'],
      [json({}), 'is no list'],
      [(req, _res) => req.socket.destroy(), /^could not be fetched/],
      [(_req, res) => res.writeHead(200, { 'content-length': '50' }).write('[', () => res.destroy()), /^could not be/],
      [(_req, res) => res.writeHead(304).end(), 'answered 304'],
      [(_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('x'), 'came compressed, unasked'],
    ] as const satisfies readonly (readonly [RequestListener, string | RegExp])[]) {
      server.answer = answer
      lines.length = 0
      clock.advance(60_000)
      expect(await remote.refresh()).toEqual([1])
      expect(remote.fault()?.message).toMatch(reason)
      expect(lines).toMatchObject([
        { level: 'warn', msg: 'document not refreshed', routes: ['a'], 'in-force': 'the last good copy' },
      ])
      expect(lines[0]).toMatchObject({ reason: remote.fault()?.message, remedy: remote.fault()?.mend })
    }
    expect([...remotes.readings()]).toMatchObject([{ document: server.url, fetched: 1, failed: 8, ageMs: 480_000 }])
    server.answer = json([1, 2, 3])
    lines.length = 0
    clock.advance(60_000)
    expect(await remote.refresh()).toEqual([1, 2, 3])
    expect(lines).toMatchObject([
      { msg: 'document changed', items: 3, before: 1 },
      { msg: 'document refreshed again', failures: 8 },
    ])
  })

  it('says what its user does without it', async () => {
    const server = await startServer((_req, res) => res.writeHead(404).end())
    const { remotes, lines } = world()
    const { remote, ready } = remotes.hold(server.url, 'a', list)
    await ready
    expect(remote.current()).toBeUndefined()
    expect(lines).toMatchObject([{ reason: 'answered 404', 'in-force': 'nobody is admitted from it' }])
    expect(lines[0]).not.toHaveProperty('kept-s')
  })

  it('is fetched once however many wait, and not again within the cooldown', async () => {
    const server = await startServer(json([1]))
    const { remotes, clock } = world()
    const one = remotes.hold(server.url, 'a', list)
    const two = remotes.hold(server.url, 'b', list)
    await Promise.all([one.ready, two.ready, one.remote.refresh(), two.remote.refresh()])
    expect(server.asked).toHaveLength(1)
    expect(two.remote.current()).toEqual([1])
    clock.advance(29_999)
    await one.remote.refresh()
    expect(server.asked).toHaveLength(1)
    clock.advance(1)
    await Promise.all([one.remote.refresh(), two.remote.refresh()])
    expect(server.asked).toHaveLength(2)
  })

  it('asks with the validators of its copy, and takes 304 for a confirmation', async () => {
    const modified = 'Tue, 24 Nov 2026 09:00:00 GMT'
    const server = await startServer(json([1], { etag: '"v1"', 'last-modified': modified }))
    const { remotes, clock, lines } = world()
    const { remote, ready } = remotes.hold(server.url, 'a', list)
    await ready
    server.answer = (_req, res) => res.writeHead(304).end()
    lines.length = 0
    for (let i = 0; i < 2; i++) {
      clock.advance(30_000)
      expect(await remote.refresh()).toEqual([1])
      expect(server.asked.at(-1)?.headers).toMatchObject({ 'if-none-match': '"v1"', 'if-modified-since': modified })
    }
    expect(remote.confirmedAt()).toBe(clock.now())
    expect(lines).toEqual([])
    expect([...remotes.readings()]).toMatchObject([{ fetched: 1, unchanged: 2, failed: 0 }])
  })

  it('does not take a validator of a copy that it refused', async () => {
    const server = await startServer(json([1], { etag: '"good"' }))
    const { remotes, clock } = world()
    const { remote, ready } = remotes.hold(server.url, 'a', list)
    await ready
    server.answer = json({}, { etag: '"bad"' })
    clock.advance(30_000)
    await remote.refresh()
    clock.advance(30_000)
    await remote.refresh()
    expect(server.asked.at(-1)?.headers['if-none-match']).toBe('"good"')
  })

  it('is bounded in size and time', async () => {
    const large = await startServer(json('x'.repeat(2000)))
    const slow = await startServer((_req, res) => res.writeHead(200).write('['))
    const { remotes } = world()
    const a = remotes.hold(large.url, 'a', { ...list, maxBytes: 1024 })
    const b = remotes.hold(slow.url, 'a', { ...list, deadline: 100 })
    await Promise.all([a.ready, b.ready])
    expect(a.remote.fault()?.message).toBe('is larger than 1 KiB')
    expect(b.remote.fault()?.message).toBe('gave no whole answer within 100 ms')
  })

  it('is fetched lazily where asked so', async () => {
    const server = await startServer(json([1]))
    const { remotes } = world()
    const { remote, ready } = remotes.hold(server.url, 'a', { ...list, lazy: true })
    await ready
    expect(server.asked).toHaveLength(0)
    expect(await remote.refresh()).toEqual([1])
  })

  it('is refreshed by itself, and no more once its last user has gone', async () => {
    const server = await startServer(json([1]))
    const { remotes } = world()
    const { remote, close } = remotes.hold(server.url, 'a', { ...list, every: 20 })
    server.answer = json([2])
    await vi.waitFor(() => expect(remote.current()).toEqual([2]))
    close()
    await new Promise(resolve => setTimeout(resolve, 40))
    const { length } = server.asked
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(server.asked).toHaveLength(length)
    expect([...remotes.readings()]).toEqual([])
  })

  it("takes the server's max-age for a shorter interval, not for a shorter one than a minute", async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const waits: number[] = []
      const set = vi.spyOn(globalThis, 'setTimeout')
      const server = await startServer(json([1], { 'cache-control': 'public, max-age=700', age: '100' }))
      const { remotes, clock } = world()
      const { remote, ready } = remotes.hold(server.url, 'a', list)
      await ready
      for (const field of ['max-age=1', 'max-age=9999999', 'no-store']) {
        server.answer = json([1], { 'cache-control': field })
        clock.advance(60_000)
        await remote.refresh()
      }
      for (const [, ms] of set.mock.calls) if (ms !== undefined && ms >= 60_000) waits.push(ms)
      expect(waits).toEqual([600_000, 60_000, 3_600_000, 3_600_000])
      set.mockRestore()
    } finally {
      vi.useRealTimers()
    }
  })

  it('keeps its copy for the config that comes after', async () => {
    const server = await startServer(json([1]))
    const { remotes } = world()
    const before = remotes.hold(server.url, 'a', list)
    await before.ready
    server.answer = (_req, res) => res.writeHead(500).end()
    const after = remotes.hold(server.url, 'a', list)
    before.close()
    expect(after.remote.current()).toEqual([1])
    expect(server.asked).toHaveLength(1)
  })

  it.each([
    ['http://feeds.example/list', 'is plain http to another host'],
    ['ftp://feeds.example/list', 'is no http or https URL'],
    ['list.json', 'is no http or https URL'],
    ['https://user:word@feeds.example/list', 'holds credentials'],
    ['https://feeds.example/list#part', 'holds a fragment'],
  ])('refuses %s', (url, message) => {
    const { remotes } = world()
    expect(() => remotes.hold(url, 'a', list)).toThrow(Offline)
    expect(readRemoteUrl(url)).toMatchObject({ message })
  })

  it.each(['https://feeds.example/list?key=1', 'http://127.0.0.1:3000/x', 'http://[::1]/x', 'http://localhost/x'])(
    'admits %s',
    url => expect(readRemoteUrl(url)).toBeInstanceOf(URL),
  )

  it('tells no query', async () => {
    const server = await startServer((_req, res) => res.writeHead(401).end())
    const { remotes, lines } = world()
    await remotes.hold(`${server.url}?key=hidden`, 'a', list).ready
    expect(lines).toMatchObject([{ document: `${server.url}?...` }])
    expect(JSON.stringify(lines)).not.toContain('hidden')
  })
})
