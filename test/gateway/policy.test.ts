import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathFault } from '../../src/config/values.ts'
import { Headers } from '../../src/core/headers.ts'
import { checkHead, hostOf, PolicyFault } from '../../src/gateway/policy.ts'

const host = ['Host', 'gw.test']
const rule = (target: string, raw: string[] = host, version = '1.1', method = 'POST'): string | undefined => {
  const facts = checkHead(method, target, version, new Headers(raw), 100)
  return facts instanceof PolicyFault ? facts.rule : undefined
}

describe('the request policy', () => {
  it('takes every path that a route may have', () => {
    const piece = fc.constantFrom(
      '/',
      'a',
      '.',
      ';',
      '*',
      '\\',
      '%25',
      '%3B',
      '%3F',
      '%23',
      '%5C',
      '%20',
      '%C3%A9',
      '%FF',
      '%00',
    )
    const refused = fc.array(piece, { maxLength: 8 }).map(pieces => `/${pieces.join('')}`)
    fc.assert(
      fc.property(refused, path => {
        if (pathFault(path) === undefined) expect(rule(path), path).toBeUndefined()
      }),
      { numRuns: 2000 },
    )
    expect(pathFault('/a%20b/%C3%A9,c=1/*')).toBeUndefined()
  })

  it('takes apart what it accepts', () => {
    expect(
      checkHead('POST', '/a/b%20c?x=%0d%0a', '1.1', new Headers(['Host', 'GW.test:8443', 'Content-Length', '7']), 100),
    ).toEqual({
      path: '/a/b%20c',
      query: 'x=%0d%0a',
      host: 'gw.test',
      authority: 'GW.test:8443',
      contentLength: 7,
    })
    expect(checkHead('POST', '/', '1.1', new Headers([...host, 'Transfer-Encoding', 'Chunked']), 100)).toMatchObject({
      contentLength: undefined,
    })
  })

  it.each([
    '/a/../b',
    '/a/./b',
    '/..',
    '/a/..',
    '//a',
    '/a//b',
    '/a;b',
    '/a\\b',
    '/%2e%2e/a',
    '/a%2fb',
    '/a%5cb',
    '/%78',
    '/a%00',
    '/a%0d%0ab',
    '/a%zz',
    '/a%',
    '/a%c0%af',
    '/a b',
    '/a#b',
    '/a%23',
    '/a%3fb',
    '/a%25',
    '/a%20',
    '/a%20/b',
    '/é',
    '*',
    'http://gw.test/a',
    'gw.test:443',
    '',
    '/a?b c',
    '/a?b#c',
    '/a?%zz',
    '/a?\u00e9',
    '/a?<',
  ])('refuses the target %j', target => expect(rule(target)).toBeDefined())

  it.each([
    '/',
    '/a',
    '/a/',
    '/a.b/..c/.d',
    '/a/...',
    "/a-_~!$&'()*+,=:@",
    '/caf%C3%A9',
    '/a%20b',
    '/a?',
    '/a?b=c&d[]=[1]&e={f|g};h?/',
  ])('accepts the target %j', target => expect(rule(target)).toBeUndefined())

  it.each([
    [['Content-Length', '7']],
    [[...host, ...host]],
    [[...host, 'Content-Length', '7', 'Transfer-Encoding', 'chunked']],
    [[...host, 'Content-Length', '7', 'content-length', '7']],
    [[...host, 'Content-Length', '+7']],
    [[...host, 'Content-Length', '7, 7']],
    [[...host, 'Content-Length', '']],
    [[...host, 'Content-Length', '9'.repeat(16)]],
    [[...host, 'Transfer-Encoding', 'gzip, chunked']],
    [[...host, 'Transfer-Encoding', 'chunked, chunked']],
    [[...host, 'Transfer-Encoding', '']],
    [[...host, 'Transfer_Encoding', 'chunked']],
    [[...host, 'Content_Length', '0']],
    [[...host, 'X', 'a\u007fb']],
    [[...host, 'X', 'a\u0000b']],
    [[...host, 'X', 'a\rb']],
    [[...host, 'Authorization', 'Bearer a', 'Authorization', 'Bearer b']],
    [[...host, 'Content-Type', 'a/b', 'Content-Type', 'a/b']],
    [['Host', 'a, b']],
    [['Host', 'a/b']],
    [['Host', 'a:99999']],
    [['Host', 'a:']],
    [['Host', '']],
    [['Host', '[::1']],
    [['Host', 'a@b']],
  ])('refuses the fields %j', raw => expect(rule('/a', raw)).toBeDefined())

  it('knows HTTP/1.0, bounds the fields and lets obs-text be', () => {
    expect(rule('/a', host, '1.0')).toBeUndefined()
    expect(rule('/a', [...host, 'Transfer-Encoding', 'chunked'], '1.0')).toBeDefined()
    expect(rule('/a', [...host, ...Array.from({ length: 100 }, () => ['b', '1']).flat()])).toContain('100')
    expect(rule('/a', [...host, 'X-Note', 'caf\u00c3\u0080', 'X_Other', 'b\tc'])).toBeUndefined()
    expect(rule('/a', host, '2.0')).toBeDefined()
    expect(rule('/a', [...host, 'x'.repeat(300), '1'])).toBeDefined()
    expect(rule('/a', host, '1.1', 'CONNECT')).toBeDefined()
  })

  it('reads hosts as RFC 9110 writes them', () => {
    expect(hostOf('[::1]:80')).toBe('[::1]')
    expect(hostOf('Example.COM.')).toBe('example.com.')
    for (const text of ['[::1]x', '[1.2.3.4]', 'a..b', 'a b', '-a', 'a:0']) expect(hostOf(text), text).toBeUndefined()
  })

  it('judges each head by itself, whatever the head before was', () => {
    const raw = fc
      .tuple(
        fc.constantFrom('Host', 'host', 'X-Host'),
        fc.constantFrom('gw.test', 'gw.test\u0001', 'other.test', 'a b'),
        fc.constantFrom('Content-Length', 'Transfer-Encoding', 'Content_Length', 'X-Note'),
        fc.constantFrom('7', '8', 'chunked', '7\n', 'note '.repeat(20)),
        fc.constantFrom('X-Note', 'Host', 'Content-Length'),
        fc.constantFrom('7', 'note', '\u0000'),
      )
      .map((fields): string[] => fields)
    const judge = (fields: string[]) => checkHead('POST', '/a', '1.1', new Headers(fields), 100)
    fc.assert(
      fc.property(fc.array(raw, { maxLength: 12 }), heads => {
        const alone = heads.map(head => {
          judge(['Unlike', 'any', 'Of', 'them', 'Host', 'x', 'And', 'longer'])
          return judge(head)
        })
        expect(heads.map(judge)).toEqual(alone)
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws, and what it accepts decodes to itself', () => {
    const text = fc.string({ unit: fc.constantFrom(...'/.%2eF5cAaz;?#\\ \u0000\u00e9&=~'), maxLength: 20 })
    fc.assert(
      fc.property(text, tail => {
        const facts = checkHead('POST', `/${tail}`, '1.1', new Headers(host), 100)
        if (facts instanceof PolicyFault) return
        const url = new URL(`http://gw.test/${tail}`)
        expect(url.pathname).toBe(facts.path)
      }),
      { numRuns: 5000 },
    )
  })
})
