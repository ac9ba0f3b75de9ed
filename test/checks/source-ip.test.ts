import { describe, expect, it } from 'vitest'
import { sourceIp } from '../../src/checks/source-ip.ts'
import { RemoteFault } from '../../src/core/remote.ts'
import { compile, fakeRequest, fakeResources, testCheck } from './testCheck.ts'

const FEED = 'https://feeds.example/networks.json'
const SELECT = '$.prefixes[*].cidr'
const feed = (...cidrs: string[]) => JSON.stringify({ prefixes: cidrs.map(cidr => ({ cidr })) })

testCheck(sourceIp, {
  allows: [
    { name: 'a listed network', config: { allow: ['192.0.2.0/24'] } },
    { name: 'IPv4 in IPv6 form', config: { allow: ['192.0.2.0/24'] }, request: { source: '::ffff:192.0.2.9' } },
    { name: 'IPv6', config: { allow: ['2001:db8::/32'] }, request: { source: '2001:db8::1' } },
    {
      name: "a provider's network",
      config: { allow: ['provider:telegram', '127.0.0.0/8'] },
      request: { source: '149.154.167.220' },
    },
    {
      name: 'a network of a file',
      config: { allow: [{ file: 'partners.txt' }] },
      resources: { files: { 'partners.txt': '# partners\r\n\n  192.0.2.0/24 # one\n2001:db8::/32' } },
    },
    {
      name: 'a network of a JSON feed',
      config: { allow: ['10.0.0.0/8', { feed: FEED, select: SELECT, every: '1h' }] },
      resources: { documents: { [FEED]: feed('198.51.100.0/24', '192.0.2.0/24') } },
    },
    {
      name: 'networks that several selectors find, passing over what lacks the member',
      config: { allow: [{ feed: FEED, select: ['$.v6[*].net', "$.v4[*]['net']"] }] },
      resources: { documents: { [FEED]: JSON.stringify({ v6: [{}, { net: '::1' }], v4: [{ net: '192.0.2.1' }] }) } },
    },
    {
      name: 'a network of a text feed',
      config: { allow: [{ feed: FEED }] },
      resources: { documents: { [FEED]: '192.0.2.1\n' } },
    },
    {
      name: 'the other networks while a feed can not be had',
      config: { allow: ['192.0.2.0/24', { feed: FEED }] },
    },
    {
      name: 'what a feed of deny does not hold',
      config: { allow: ['192.0.2.0/24'], deny: [{ feed: FEED }] },
      resources: { documents: { [FEED]: '192.0.2.7\n' } },
    },
  ],
  denies: [
    {
      name: 'what stands in a feed that can not be had, naming it',
      config: { allow: ['10.0.0.0/8', { feed: FEED }] },
      code: 'source-ip.outside',
      evidence: { because: 'not in allow', 'not-fetched': [FEED] },
    },
    {
      name: 'everybody while a feed of deny can not be had',
      config: { allow: ['192.0.2.0/24'], deny: [{ feed: FEED }] },
      code: 'source-ip.unready',
      evidence: { 'not-fetched': [FEED] },
    },
    {
      name: 'what a feed of deny holds',
      config: { allow: ['192.0.2.0/24'], deny: [{ feed: FEED }] },
      resources: { documents: { [FEED]: '192.0.2.0/28\n' } },
      code: 'source-ip.outside',
      evidence: { because: 'in deny' },
    },
    {
      name: 'what is not listed',
      config: { allow: ['198.51.100.0/24'] },
      code: 'source-ip.outside',
      evidence: { source: '192.0.2.1', because: 'not in allow' },
    },
    {
      name: 'what deny lists, though allow does too',
      config: { allow: ['192.0.2.0/24'], deny: ['192.0.2.1'] },
      code: 'source-ip.outside',
      evidence: { source: '192.0.2.1', because: 'in deny' },
    },
    {
      name: 'IPv4 where only ::/0 is listed',
      config: { allow: ['::/0'] },
      request: { source: '::ffff:192.0.2.1' },
      code: 'source-ip.outside',
    },
  ],
})

describe('source-ip configuration', () => {
  it.each([
    [{ allow: [] }, 'an empty list admits nobody'],
    [{}, ''],
    [{ allow: ['192.0.2.0/33'] }, '"192.0.2.0/33" is no network'],
    [{ allow: ['010.0.0.1'] }, '"010.0.0.1" is no network'],
    [{ allow: ['127.1'] }, 'is no network'],
    [{ allow: ['2130706433'] }, 'is no network'],
    [{ allow: ['0x7f.0.0.1'] }, 'is no network'],
    [{ allow: ['0177.0.0.1'] }, 'is no network'],
    [{ allow: ['fe80::1%eth0'] }, 'is no network'],
    [{ allow: ['provider:nobody'] }, 'known are provider:telegram'],
    [
      { allow: ['provider:github'] },
      'publishes its networks as a feed that changes: write { feed: https://api.github.com/meta',
    ],
    [{ allow: [{}] }, 'takes one of file, feed'],
    [{ allow: [{ file: 'a', feed: FEED }] }, 'takes one of file, feed'],
    [{ allow: [{ file: 'a', every: '1h' }] }, 'a file takes neither select nor every'],
    [{ allow: [{ feed: 'http://feeds.example/x' }] }, 'is plain http to another host'],
    [{ allow: [{ feed: FEED, select: 'prefixes' }] }, 'is no selector'],
    [{ allow: [{ feed: FEED, select: '$..cidr' }] }, 'is no selector'],
    [{ allow: [{ feed: FEED, select: '$.a[?(@.b)]' }] }, 'is no selector'],
    [{ allow: [{ feed: FEED, every: '1s' }] }, 'must be at least 10s'],
    [{ allow: ['10.0.0.0/8'], deny: ['x'] }, '"x" is no network'],
  ])('refuses %j', (config, message) => {
    const result = sourceIp.config.safeParse(config)
    expect(result.success).toBe(false)
    expect(result.error?.message).toContain(message.replaceAll('"', '\\"'))
  })
})

describe('a feed of source-ip', () => {
  const from = (source: string) => fakeRequest({ source })

  it.each([
    ['no JSON', 'is no unambiguous JSON'],
    ['{"prefixes":[],"prefixes":[]}', 'is no unambiguous JSON'],
    [feed(), 'holds no network'],
    [feed('192.0.2.0/24', 'nonsense'), 'match 2 of $.prefixes[*].cidr is no network'],
    [feed('0.0.0.0/0'), 'match 1 of $.prefixes[*].cidr is every address there is'],
    [JSON.stringify({ prefixes: [{ cidr: 7 }] }), 'match 1 of $.prefixes[*].cidr is no text'],
    [new RemoteFault('answered 503', 'see'), 'answered 503'],
  ])('keeps the whole old copy when it becomes %j', async (next, message) => {
    const resources = fakeResources({ documents: { [FEED]: feed('192.0.2.0/24') } })
    const remotes: { refresh(): Promise<unknown>; fault(): RemoteFault | undefined }[] = []
    const check = compile(
      sourceIp,
      { allow: [{ feed: FEED, select: SELECT }] },
      {
        ...resources,
        remote: (url, options) => {
          const remote = resources.remote(url, options)
          remotes.push(remote)
          return remote
        },
      },
    )
    resources.documents.set(FEED, next)
    resources.clock.advance(3_600_000)
    await remotes[0]?.refresh()
    expect(remotes[0]?.fault()?.message).toBe(message)
    expect(check.decide(from('192.0.2.1'), {})).toMatchObject({ ok: true })
    expect(check.decide(from('198.51.100.1'), {})).toMatchObject({ ok: false })
    resources.documents.set(FEED, feed('198.51.100.0/24'))
    resources.clock.advance(3_600_000)
    await remotes[0]?.refresh()
    expect(check.decide(from('198.51.100.1'), {})).toMatchObject({ ok: true })
    expect(check.decide(from('192.0.2.1'), {})).toMatchObject({ ok: false })
  })

  it.each([
    ['192.0.2.0/24\nnonsense', 'partners.txt: line 2 is no network'],
    ['# nothing\n', 'partners.txt: holds no network'],
    ['::/0', 'partners.txt: line 1 is every address there is'],
  ])('takes the route offline where a file holds %j', (text, message) => {
    const resources = fakeResources({ files: { 'partners.txt': text } })
    expect(() => compile(sourceIp, { allow: [{ file: 'partners.txt' }] }, resources)).toThrow(message)
  })
})
