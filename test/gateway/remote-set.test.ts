import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { RemoteFault } from '../../src/core/remote.ts'
import { FetchedSet } from '../../src/gateway/remote-set.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'

const HOST = 'certs.example'
let host: DocumentHost
let status = 200

beforeAll(async () => {
  host = await startDocumentHost([HOST], (req, res) => {
    res.writeHead(req.url?.startsWith('/missing') ? 404 : status).end(`document ${req.url}`)
  })
})

afterAll(() => host.close())

beforeEach(() => {
  host.asked.length = 0
  status = 200
})

const url = (path: string): string => `https://${HOST}/${path}`

function makeSet(options: { readonly keep?: number; readonly capacity?: number } = {}) {
  const clock = frozenClock(0)
  const set = new FetchedSet(
    {
      admits: ({ hostname }) => hostname === HOST,
      parse: bytes => (bytes.includes('bad') ? new RemoteFault('is bad', 'none') : bytes.toString()),
      ...options,
    },
    { agent: host.source, clock },
    new AbortController().signal,
  )
  return { set, clock }
}

describe('documents that requests name', () => {
  it('are fetched once however many wait, and kept', async () => {
    const { set, clock } = makeSet({ keep: 1000 })
    const both = await Promise.all([set.get(url('a')), set.get(url('a'))])
    expect(both).toEqual(['document /a', 'document /a'])
    expect(set.get(url('a'))).toBe('document /a')
    expect(host.asked).toEqual([`${HOST}/a`])
    clock.advance(1000)
    status = 500
    expect(set.get(url('a'))).toBe('document /a')
    await expect.poll(() => host.asked).toEqual([`${HOST}/a`, `${HOST}/a`])
  })

  it.each([
    'http://certs.example/a',
    'https://certs.example:8443/a',
    'https://certs.example.evil.example/a',
    'https://certs.example@evil.example/a',
    'https://user@certs.example/a',
    'https://evil.example/certs.example',
    'https://certs.example/a#b',
    'https://CERTS.example/a',
    'https://certs.example/x/../a',
    ' https://certs.example/a',
    'https:\\\\certs.example\\a',
    'https://certs.example',
    'file:///etc/passwd',
    '',
  ])('are not fetched from %j', text => {
    const { set } = makeSet()
    expect(set.get(text)).toBeInstanceOf(RemoteFault)
    expect(host.asked).toEqual([])
  })

  it('are not asked for again soon where they gave nothing', async () => {
    const { set, clock } = makeSet()
    for (const path of ['missing', 'bad']) {
      expect(await set.get(url(path))).toBeInstanceOf(RemoteFault)
      expect(set.get(url(path))).toBeInstanceOf(RemoteFault)
    }
    expect(host.asked).toHaveLength(2)
    clock.advance(60_000)
    await set.get(url('bad'))
    expect(host.asked).toHaveLength(3)
  })

  it('are bounded, and those that gave nothing push out none', async () => {
    const { set } = makeSet({ capacity: 2 })
    for (const path of ['a', 'b', 'missing1', 'missing2', 'missing3', 'c']) await set.get(url(path))
    expect(set.get(url('b'))).toBe('document /b')
    expect(set.get(url('a'))).toBeInstanceOf(Promise)
    expect(await set.get(url('a'))).toBe('document /a')
  })

  it('are at most 60 new ones a minute', async () => {
    const { set, clock } = makeSet()
    await set.get(url('good'))
    for (let i = 0; i < 59; i++) await set.get(url(`missing${i}`))
    expect(await set.get(url('missing-too'))).toMatchObject({ message: expect.stringContaining('too many') })
    expect(host.asked).toHaveLength(60)
    expect(set.get(url('good'))).toBe('document /good')
    clock.advance(60_000)
    expect(await set.get(url('late'))).toBe('document /late')
  })
})
