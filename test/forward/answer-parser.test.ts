import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnswerHead } from '../../src/forward/answer-head.ts'
import { AnswerParser } from '../../src/forward/answer-parser.ts'

interface Read {
  readonly heads: AnswerHead[]
  body: string
  ended: boolean
  fault: string | undefined
  /** Whether an end of the connection would leave nothing open. */
  whole: boolean
}

/** Reads `text` in the given pieces, through one buffer that is used again, as a connection does. */
function read(pieces: readonly string[], method = 'POST'): Read {
  const parser = new AnswerParser()
  const buffer = Buffer.alloc(64 * 1024, 0x0a)
  const result: Read = { heads: [], body: '', ended: false, fault: undefined, whole: false }
  parser.expect(method, {
    head: head => void result.heads.push(head),
    data(chunk) {
      result.body += chunk.toString('latin1')
      return true
    },
    end() {
      result.ended = true
    },
  })
  for (const piece of pieces) {
    buffer.fill(0x0a)
    buffer.write(piece, 7, 'latin1')
    result.fault = parser.feed(buffer, 7, 7 + piece.length)?.message
    if (result.fault !== undefined) return result
  }
  result.whole = parser.close()
  return result
}

const OK = 'HTTP/1.1 200 OK\r\n'
const WHOLE: readonly (readonly [name: string, text: string, body: string])[] = [
  ['a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
  ['no body', `${OK}Content-Length: 0\r\n\r\n`, ''],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 'x'],
  ['chunks', `${OK}Transfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x="y"\r\nlo\r\n0\r\n\r\n`, 'hello'],
  ['trailers', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n`, 'hello'],
  [
    'chunk data that looks like chunks',
    `${OK}Transfer-Encoding: chunked\r\n\r\n7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`,
    '0\r\n\r\n\r\n',
  ],
  ['an end by closing', `${OK}X-A: 1\r\n\r\nhello`, 'hello'],
  ['an old version', 'HTTP/1.0 200 OK\r\n\r\nhello', 'hello'],
  [
    'interim answers',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    'ok',
  ],
  ['a status without a body', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
  ['a status without a body, and a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n', ''],
]

const FAULTS: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /begin with/],
  ['a later version', 'HTTP/2.0 200 OK\r\n\r\n', /begin with|status line/],
  ['a version like 1.10', 'HTTP/1.10 200 OK\r\n\r\n', /status line/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', /status line/],
  ['a status out of range', 'HTTP/1.1 999 OK\r\n\r\n', /status line/],
  ['a status that goes on', 'HTTP/1.1 2000\r\n\r\n', /status line/],
  ['a bare line feed', `${OK}X-A: 1\nX-B: 2\r\n\r\n`, /CRLF/],
  ['a bare carriage return', `${OK}X-A: 1\rX-B: 2\r\n\r\n`, /CRLF/],
  ['a NUL', `${OK}X-A: \0\r\n\r\n`, /control/],
  ['a folded line', `${OK}X-A: 1\r\n 2\r\n\r\n`, /no field/],
  ['a blank before the colon', `${OK}Content-Length : 5\r\n\r\nhello`, /no field/],
  ['a line without a colon', `${OK}Content-Length 5\r\n\r\n`, /no field/],
  ['a field without a name', `${OK}: 5\r\n\r\n`, /no field/],
  ['two lengths', `${OK}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, /two Content-Length/],
  ['two equal lengths', `${OK}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, /two Content-Length/],
  ['a list of lengths', `${OK}Content-Length: 3, 3\r\n\r\nabc`, /no number/],
  ['a signed length', `${OK}Content-Length: +3\r\n\r\nabc`, /no number/],
  ['an empty length', `${OK}Content-Length: \r\n\r\n`, /no number/],
  ['a length and chunks', `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /both/],
  ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, /exactly/],
  ['two codings', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /exactly/],
  ['chunks of an old version', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /HTTP\/1.0/],
  ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\n;x\r\n\r\n`, /size/],
  ['a chunk of a strange size', `${OK}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n`, /size/],
  ['a chunk of a huge size', `${OK}Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n`, /size/],
  ['a chunk that is longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n`, /longer/],
  ['a chunk that ends in a bare line feed', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\n0\r\n\r\n`, /longer/],
  ['a chunk line without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5000)}`, /does not end/],
  ['trailers without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X-A: b\r\n'.repeat(1000)}`, /trailers/],
  ['a head without an end', `${OK}X-A: ${'b'.repeat(40_000)}`, /longer than/],
  ['a head of bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\n{}', /does not end in CRLF/],
  ['a thousand fields', `${OK}${'A:b\r\n'.repeat(1000)}\r\n`, /more than 256 fields/],
  ['an upgrade that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', /switches/],
  ['twenty interim answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20), /interim/],
  ['more than the answer', `${OK}Content-Length: 2\r\n\r\nok!`, /more than the answer/],
  ['a second answer', `${OK}Content-Length: 2\r\n\r\nok${OK}Content-Length: 6\r\n\r\npoison`, /more than the answer/],
]

describe('an answer', () => {
  it.each(WHOLE)('with %s is read whole, however it is cut', (_name, text, body) => {
    const wanted = { body, ended: true, fault: undefined, whole: true }
    expect(read([text])).toMatchObject(wanted)
    expect(read([...text])).toMatchObject(wanted)
    for (let cut = 1; cut < text.length; cut++)
      expect(read([text.slice(0, cut), text.slice(cut)])).toMatchObject(wanted)
  })

  it.each(WHOLE.filter(([name]) => !/closing|old version/.test(name)))(
    'with %s is not whole before its end',
    (_name, text) => {
      for (let cut = 1; cut < text.length; cut++) {
        const { whole, ended } = read([text.slice(0, cut)])
        expect([cut, whole, ended]).toEqual([cut, false, false])
      }
    },
  )

  it.each(FAULTS)('with %s is a fault, however it is cut', (_name, text, fault) => {
    expect(read([text]).fault).toMatch(fault)
    // By halves, and not at every byte: some are long.
    for (let cut = text.length - 1; cut > 0; cut = Math.floor(cut / 2))
      expect(read([text.slice(0, cut), text.slice(cut)]).fault).toMatch(fault)
  })

  it('to a HEAD has no body, whatever it says', () => {
    expect(read([`${OK}Content-Length: 5\r\n\r\n`], 'HEAD')).toMatchObject({ body: '', ended: true, whole: true })
    expect(read([`${OK}Content-Length: 5\r\n\r\nhello`], 'HEAD').fault).toMatch(/more than the answer/)
  })

  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true, undefined],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-A , Close\r\n\r\n', false, undefined],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false, undefined],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n', true, undefined],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=5, max=100\r\n\r\n', true, 5000],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: nottimeout=5\r\n\r\n', true, undefined],
    ['HTTP/1.1 200 OK\r\n\r\n', false, undefined],
  ])('%j: the connection may be used again: %s, for %s ms', (text, reusable, keptMs) => {
    expect(read([text]).heads).toMatchObject([{ reusable, keptMs }])
  })

  it('loses the fields that Connection names, and keeps those that only look alike', () => {
    const text = `${OK}Connection: X-Hop,\tX-Other\r\nX-Hop: 1\r\nX-Hops: 2\r\nx-other: 3\r\nX-Value:  x-hop \r\nContent-Length: 0\r\n\r\n`
    expect(read([text]).heads[0]?.headers).toEqual(['x-hops', '2', 'x-value', 'x-hop'])
  })

  it('that begins as the one before is read as that was, whatever was made of it, and for its own method', () => {
    const parser = new AnswerParser()
    const heads: AnswerHead[] = []
    let body = ''
    const ask = (method: string, text: string) => {
      parser.expect(method, {
        head(head) {
          heads.push({ ...head, headers: [...head.headers] })
          head.headers.push('x-added', 'by whoever got it')
        },
        data(chunk) {
          body += chunk.toString()
          return true
        },
        end: () => undefined,
      })
      expect(parser.feed(Buffer.from(text), 0, text.length)).toBeUndefined()
      expect(parser.idle).toBe(true)
    }
    const head = `${OK}X-A: 1\r\nContent-Length: 2\r\n\r\n`
    ask('POST', `${head}ab`)
    ask('POST', `${head}cd`)
    ask('HEAD', head)
    ask('POST', `${head}ef`)
    ask('POST', `${OK}X-A: 2\r\nContent-Length: 2\r\n\r\ngh`)
    expect(body).toBe('abcdefgh')
    expect(heads.map(({ headers }) => headers)).toEqual([
      ['x-a', '1'],
      ['x-a', '1'],
      ['x-a', '1', 'content-length', '2'],
      ['x-a', '1'],
      ['x-a', '2'],
    ])
    expect(heads.map(({ framing }) => framing)).toEqual(['length', 'length', 'none', 'length', 'length'])
  })

  it('of random bytes never throws, and never ends twice', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        OK,
        'Content-Length: 3\r\n',
        'Transfer-Encoding: chunked\r\n',
        '\r\n',
        '\r',
        '\n',
        '0\r\n\r\n',
        '3\r\nabc\r\n',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }).map(text => Buffer.from(text).toString('latin1')),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const { heads, ended, fault } = read(pieces)
        expect(heads.length).toBeLessThanOrEqual(1)
        if (ended && fault === undefined) expect(heads.length).toBe(1)
      }),
      { numRuns: 10_000 },
    )
  })
})
