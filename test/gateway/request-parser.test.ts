import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Head, RequestParser } from '../../src/gateway/http/request-parser.ts'

type Seen = (Head | string)[]

/** What the parser makes of a text that comes in pieces, each somewhere in a buffer that is written over. */
function parse(text: string, cuts: readonly number[], headBytes = 16_384, takes = true): Seen {
  const parser = new RequestParser({ headBytes })
  const bytes = Buffer.from(text, 'latin1')
  const seen: Seen = []
  let body = ''
  let from = 0
  const buffer = Buffer.alloc(bytes.length + 64)
  const take = (piece: Buffer): void => {
    body += piece.toString('latin1')
  }
  try {
    for (const [count, to] of [...cuts, bytes.length].entries()) {
      let at = (count * 7) % 32
      const end = at + to - from
      bytes.copy(buffer.fill('X'), at, from, to)
      from = to
      parser.next()
      while (at < end || parser.behindHead) {
        const stop = parser.feed(buffer, at, end, takes ? take : undefined)
        at = parser.at
        if (stop === 'head') seen.push(parser.head)
        else if (stop === 'end') {
          seen.push(`end:${body}`)
          body = ''
        } else if (stop !== 'more') return [...seen, stop.code]
      }
    }
    return seen
  } finally {
    parser.close()
  }
}

const head = (method: string, target: string, fields: string[], more: Partial<Head> = {}): Head => ({
  method,
  target,
  fields,
  version: '1.1',
  expect: '',
  upgrade: false,
  keepAlive: true,
  ...more,
})
const UPGRADE = 'Upgrade: websocket\r\nConnection: upgrade\r\n'
const upgradeFields = ['Upgrade', 'websocket', 'Connection', 'upgrade']

const cases: readonly [string, string, Seen][] = [
  [
    'fields without a value, and blanks around values',
    'GET / HTTP/1.1\r\nHost: x\r\nEmpty:\r\nBlank: \r\nA: \t b  c \t\r\n\r\n',
    [head('GET', '/', ['Host', 'x', 'Empty', '', 'Blank', '', 'A', 'b  c']), 'end:'],
  ],
  [
    'requests one after the other, with an upgrade that is not made',
    `POST /a?b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n${UPGRADE}\r\nGET /3 HTTP/1.0\r\n\r\n`,
    [
      head('POST', '/a?b', ['Content-Length', '3']),
      'end:abc',
      head('GET', '/2', upgradeFields, { upgrade: true }),
      'end:',
      head('GET', '/3', [], { version: '1.0', keepAlive: false }),
      'end:',
    ],
  ],
  [
    'chunks with extensions and trailers, behind blank lines',
    '\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    [head('POST', '/', ['Transfer-Encoding', 'chunked']), 'end:abcde', head('GET', '/', []), 'end:'],
  ],
  [
    'an upgrade with a body, and Expect',
    `POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n${UPGRADE}\r\nabGET / HTTP/1.1\r\nConnection: close\r\n\r\n`,
    [
      head('POST', '/', ['Expect', '100-continue', 'Content-Length', '2', ...upgradeFields], {
        expect: '100-continue',
        upgrade: true,
      }),
      'end:ab',
      head('GET', '/', ['Connection', 'close'], { keepAlive: false }),
      'end:',
    ],
  ],
  [
    'a protocol by the name of another',
    'POST /a RTSP/1.1\r\nContent-Length: 2\r\n\r\nabSOURCE /b  ICE/1.1\r\n\r\n',
    [
      head('POST', '/a', ['Content-Length', '2'], { version: 'RTSP/1.1' }),
      'end:ab',
      head('SOURCE', '/b', [], { version: 'ICE/1.1' }),
      'end:',
    ],
  ],
  ['no protocol', 'GET /a\r\n\r\n', [head('GET', '/a', [], { version: '0.9', keepAlive: false }), 'end:']],
  ['a blank before the colon', 'GET / HTTP/1.1\r\nX : y\r\n\r\n', ['HPE_INVALID_HEADER_TOKEN']],
  ['a bare line feed', 'GET / HTTP/1.1\r\nX: y\nZ: 1\r\n\r\n', ['HPE_CR_EXPECTED']],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
    ['HPE_UNEXPECTED_CONTENT_LENGTH'],
  ],
  [
    'a length beside a coding',
    'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ['HPE_INVALID_TRANSFER_ENCODING'],
  ],
  [
    'a size that is no number',
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    [head('POST', '/', ['Transfer-Encoding', 'chunked']), 'HPE_INVALID_CHUNK_SIZE'],
  ],
  ['TLS', '\x16\x03\x01\x02\x00', ['HPE_INVALID_METHOD']],
]

describe.each(cases)('%s', (_what, text, expected) => {
  it('is read alike in one piece, in any two, and byte by byte', () => {
    expect(parse(text, [])).toEqual(expected)
    for (let cut = 1; cut < text.length; cut++) expect(parse(text, [cut]), `cut at ${cut}`).toEqual(expected)
    expect(parse(text, [...text].map((_char, at) => at).slice(1))).toEqual(expected)
  })
})

it.each([0, 1, 500, 1_000])('counts a head as it comes, cut at %i', cut => {
  const line = 'GET / HTTP/1.1\r\n'
  const sized = (bytes: number): string => `${line}X: ${'a'.repeat(bytes - line.length - 7)}\r\n\r\n`
  const cuts = cut === 0 ? [] : [cut]
  expect(parse(sized(1024), cuts, 1024)).toHaveLength(2)
  expect(parse(sized(1025), cuts, 1024)).toEqual(['HPE_HEADER_OVERFLOW'])
  // One that never ends.
  expect(parse(sized(2048).slice(0, -4), cuts, 1024)).toEqual(['HPE_HEADER_OVERFLOW'])
})

it('lets no sender hide an endless body in the extensions of chunks, or in trailers', () => {
  const start = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
  const extended = `1;${'e'.repeat(200)}\r\nx\r\n`
  expect(parse(start + extended.repeat(3), [], 1024)).toHaveLength(1)
  expect(parse(start + extended.repeat(10), [300, 900], 1024).at(-1)).toBe('HPE_CHUNK_EXTENSIONS_OVERFLOW')
  expect(parse(`${start}0\r\n${'T: x\r\n'.repeat(400)}`, [100, 700], 1024).at(-1)).toBe('HPE_CHUNK_EXTENSIONS_OVERFLOW')
  // Small chunks are a waste, and no attack.
  expect(parse(`${start}${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\n`, [], 1024).at(-1)).toBe(`end:${'x'.repeat(5_000)}`)
})

it('finds the end of a body that nobody takes, and its faults', () => {
  const start = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
  const small = `${start}${'1\r\nx\r\n'.repeat(5_000)}0\r\n\r\nGET / HTTP/1.1\r\n\r\n`
  expect(parse(small, [100, 20_001], 1024, false).map(each => (typeof each === 'string' ? each : each.method))).toEqual(
    ['POST', 'end:', 'GET', 'end:'],
  )
  expect(parse(`${start}1;${'e'.repeat(2_000)}\r\nx\r\n`, [300], 1024, false).at(-1)).toBe(
    'HPE_CHUNK_EXTENSIONS_OVERFLOW',
  )
  expect(parse(`${start}zz\r\n`, [], 1024, false).at(-1)).toBe('HPE_INVALID_CHUNK_SIZE')
})

it('reads bodies that are larger than its own memory for them', () => {
  const body = 'b'.repeat(300_000)
  const text = `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}GET / HTTP/1.1\r\n\r\n`
  expect(parse(text, []).filter(each => typeof each === 'string')).toEqual([`end:${body}`, 'end:'])
  expect(parse(text, [200_001]).filter(each => typeof each === 'string')).toEqual([`end:${body}`, 'end:'])
})

it('keeps the heads of connections apart that come in turns, piece by piece', () => {
  const texts = ['a', 'bb', 'a'].map(
    name => `POST /${name}?q HTTP/1.1\r\nHost: ${name}\r\nX-${name}: ${name.repeat(5)} \t\r\nSame: s\r\n\r\n`,
  )
  const parsers = texts.map(() => new RequestParser({ headBytes: 16_384 }, true))
  const buffer = Buffer.alloc(8)
  const heads: Head[] = []
  for (let at = 0; at < Math.max(...texts.map(text => text.length)); at++)
    for (const [i, parser] of parsers.entries()) {
      if (buffer.write(texts[i]?.slice(at, at + 1) ?? '', 'latin1') === 0) continue
      parser.next()
      if (parser.feed(buffer, 0, 1, undefined) === 'head') heads[i] = parser.head
    }
  for (const parser of parsers) parser.close()
  expect(heads).toEqual(
    ['a', 'bb', 'a'].map(name => head('POST', `/${name}?q`, ['Host', name, `X-${name}`, name.repeat(5), 'Same', 's'])),
  )
})

it('takes no field for that of the head before which it only begins like', () => {
  const values = ['abc', 'abcd', 'ab', 'abc ', 'abc', '', 'x'.repeat(65), 'x'.repeat(65), 'abc']
  for (const value of values)
    expect(parse(`GET /${value.trim()} HTTP/1.1\r\nX-${value.trim()}A: ${value}\r\n\r\n`, [])).toEqual([
      head('GET', `/${value.trim()}`, [`X-${value.trim()}A`, value.trim()]),
      'end:',
    ])
})

it('gives each head its own fields, whatever came before it on whichever connection', () => {
  const some = (...texts: string[]) => fc.constantFrom(...texts)
  const long = 'v'.repeat(64)
  const field = fc.tuple(
    some('Host', 'host', 'A', 'Ab', 'Abc', 'B', 'X'.repeat(64), 'X'.repeat(65)),
    some('', 'a', 'ab', 'b', 'ab c', 'ab\t', 'ab ', '\xe4', long, `${long}v`, `${long.slice(1)}w`),
  )
  const sent = fc.record({
    on: fc.nat(2),
    target: some('/', '/a', '/ab', '/a?b', `/${'t'.repeat(255)}`, `/${'t'.repeat(256)}`),
    fields: fc.array(field, { maxLength: 70 }),
    cut: fc.nat(400),
  })
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 12 }), requests => {
      const parsers = [0, 1, 2].map(() => new RequestParser({ headBytes: 65_536 }, true))
      const buffer = Buffer.alloc(65_536)
      const begun: (() => void)[] = []
      const goOn = (): void => {
        for (const rest of begun.splice(0)) rest()
      }
      for (const { on, target, fields, cut } of requests) {
        const text = `GET ${target} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
        const parser = parsers[on]
        if (parser === undefined) continue
        // One message of a connection is whole before the next, and others come in between.
        if (parser.begun) goOn()
        const feed = (piece: string): void => {
          const end = buffer.write(piece, 3, 'latin1') + 3
          parser.next()
          let stop = parser.feed(buffer, 3, end, undefined)
          if (stop === 'more') return
          expect(stop).toBe('head')
          expect(parser.head.target).toBe(target)
          expect(parser.head.fields).toEqual(fields.flatMap(([name, value]) => [name, value.trim()]))
          stop = parser.feed(buffer, parser.at, end, undefined)
          expect(stop).toBe('end')
        }
        const at = Math.min(cut, text.length - 1)
        feed(text.slice(0, at))
        begun.push(() => feed(text.slice(at)))
      }
      goOn()
      for (const parser of parsers) parser.close()
    }),
    { numRuns: 500 },
  )
})
