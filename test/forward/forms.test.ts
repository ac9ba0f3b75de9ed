import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMediaType } from '../../src/core/media-type.ts'
import { ContentFault, toContent } from '../../src/forward/content.ts'
import { FormFault, MAX_FIELDS, multipartToJson, urlencodedToJson } from '../../src/forward/forms.ts'

const form = (text: string | Buffer) => urlencodedToJson(Buffer.from(text as string))
const multipart = async (body: string, contentType = 'multipart/form-data; boundary=frontier') => {
  const type = parseMediaType(contentType)
  if (!type) throw new Error('no type')
  return multipartToJson(Buffer.from(body, 'latin1'), type, contentType)
}
const part = (disposition: string, text: string) =>
  `--frontier\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${text}\r\n`

describe('a form as JSON', () => {
  it.each([
    ['a=1&b=2', '{"a":"1","b":"2"}'],
    ['b=2&a=1&b=3', '{"b":["2","3"],"a":"1"}'],
    ['10=x&2=y', '{"10":"x","2":"y"}'],
    ['a[b]=1&a.c=2', '{"a[b]":"1","a.c":"2"}'],
    ['__proto__[admin]=1&__proto__=2&constructor=3', '{"__proto__[admin]":"1","__proto__":"2","constructor":"3"}'],
    ['a=x+y%20z&=e&f', '{"a":"x y z","":"e","f":""}'],
    ['caf%C3%A9=%E2%82%AC', '{"café":"€"}'],
    ['a=%00', '{"a":"\\u0000"}'],
    ['', '{}'],
    ['&&a=1&', '{"a":"1"}'],
  ])('%s is %s', (text, json) => expect(form(text)).toBe(json))

  it('refuses what can be read in two ways, and too much of it', () => {
    for (const text of ['a=%zz', 'a=%', '%ff=1', 'a=%c0%af', Buffer.from([0x61, 0x3d, 0xff])])
      expect(form(text)).toBeInstanceOf(FormFault)
    expect(form('a=1&'.repeat(MAX_FIELDS))).not.toBeInstanceOf(FormFault)
    expect(form('a=1&'.repeat(MAX_FIELDS + 1))).toBeInstanceOf(FormFault)
    expect(form('a=1&'.repeat(500_000))).toBeInstanceOf(FormFault)
  })

  it('gives back what URLSearchParams wrote', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 8 }),
        fields => {
          const json = form(new URLSearchParams(fields).toString())
          expect(Object.entries(JSON.parse(String(json)))).toEqual(Object.entries(fields))
        },
      ),
      { numRuns: 500 },
    )
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  it('reads multipart fields and files by the same rule', async () => {
    const body = `${part('name="a"', '1')}${part('name="a"', '2')}${part('name="__proto__"', 'x')}${part('name="f"; filename="../../etc/passwd"', 'abc')}--frontier--\r\n`
    expect(await multipart(body)).toBe(
      '{"a":["1","2"],"__proto__":"x","f":{"filename":"../../etc/passwd","type":"text/plain","base64":"YWJj"}}',
    )
  })

  it.each([
    ['a disposition', 'name="a"\r\nContent-Disposition: form-data; name="b"', 'field content-disposition'],
    ['one spelled otherwise', 'name="a"\r\nX: y\r\nCONTENT-disposition :form-data;name=b', 'field content-disposition'],
    ['a type', 'name="a"; filename="f"\r\nContent-Type: a/b\r\nContent-Type: a/c', 'field content-type'],
    ['a name', 'name="a"; name="b"', 'parameter name'],
    ['the same name', 'name="a";NAME=a', 'parameter name'],
    ['a name without semicolon', 'name="a" name=b', 'parameter name'],
    ['a name, once extended', `name="a"; name*=utf-8''b`, 'parameter name'],
    ['a name, once extended before', `name*=utf-8''b; name="a"`, 'parameter name'],
    ['a file name', 'name="a"; filename="x"; filename="y"', 'parameter filename'],
    ['an extended file name', `name="a"; filename*=utf-8''x; filename*=utf-8''y`, 'parameter filename*'],
  ])('refuses a multipart body of which a part has %s twice', async (_what, disposition, what) => {
    const body = `${part('name="first"', '1')}${part(disposition, '2')}--frontier--\r\n`
    expect(await multipart(body)).toEqual(new FormFault(`part 2 of the multipart body has the ${what} twice`))
  })

  it.each([
    ['a file name in both forms', `name="a"; filename="x"; filename*=utf-8''y`, '"filename":"y"'],
    ['a quoted text like a parameter', 'name="a"; filename="; name=b"', '"filename":"; name=b"'],
    ['a field that means nothing twice', 'name="a"\r\nX: 1\r\nX: 2', '"a":"1"'],
  ])('reads a part with %s', async (_what, disposition, expected) =>
    expect(await multipart(`${part(disposition, '1')}--frontier--\r\n`)).toContain(expected),
  )

  it.each([
    ['a value', 'name="a"', 'gr\xfcn', true],
    ['a value of another charset', 'name="a"\r\nContent-Type: text/plain; charset=iso-8859-1', 'gr\xfcn', true],
    ['a name', 'name="\xfc"', '1', true],
    ['a file name', 'name="a"; filename="\xfc.txt"', '1', true],
    ['a file', 'name="a"; filename="f"', 'gr\xfcn', false],
    ['a file named in the other form', 'name="a"; filename*=utf-8\'\'f', 'gr\xfcn', false],
    ['no part, but what is behind the end', 'name="a"', '1\r\n--frontier--\r\n\xfc', false],
  ])('replaces nothing where bytes are not UTF-8 in %s', async (_what, disposition, value, refused) => {
    const json = await multipart(`${part('name="first"', '1')}${part(disposition, value)}--frontier--\r\n`)
    if (refused) expect(json).toEqual(new FormFault('part 2 of the multipart body holds bytes that are not UTF-8'))
    else expect(json).toContain('"a":')
  })

  it.each([
    ['text in base64', 'name="a"', 'base64', 'Z3LDvG4=', '"a":"grün"'],
    ['text in lines of base64', 'name="a"', ' base64 ', 'Z3LD\r\nvG4=', '"a":"grün"'],
    ['nothing in base64', 'name="a"', 'base64', '', '"a":""'],
    ['bytes of a file in base64', 'name="a"; filename="f"', 'base64', '//4=', '"base64":"//4="'],
    ['text as it is', 'name="a"', '7bit', 'Z3LDvG4=', '"a":"Z3LDvG4="'],
    ['text as it is, said loudly', 'name="a"', '8BIT', 'Z3LDvG4=', '"a":"Z3LDvG4="'],
    ['a file as it is', 'name="a"; filename="f"', 'binary', '\xff\xfe', '"base64":"//4="'],
  ])('reads %s', async (_what, disposition, encoding, value, expected) => {
    const body = part(`${disposition}\r\nContent-Transfer-Encoding:${encoding}`, value)
    expect(await multipart(`${body}--frontier--\r\n`)).toContain(expected)
  })

  it.each([
    ['bytes that are no text', 'name="a"', 'base64', '//4=', 'holds base64 of bytes that are not UTF-8'],
    ['other characters', 'name="a"', 'base64', 'Z3L*vG4=', 'says that it is base64, and is none'],
    ['the other alphabet', 'name="a"', 'base64', '__4-', 'says that it is base64, and is none'],
    ['more behind its end', 'name="a"', 'base64', 'aGk=aGk=', 'says that it is base64, and is none'],
    ['no padding', 'name="a"', 'base64', 'aGk', 'says that it is base64, and is none'],
    ['bits left over', 'name="a"', 'base64', 'aGl=', 'says that it is base64, and is none'],
    ['a file of other characters', 'name="a"; filename="f"', 'base64', 'a*b', 'says that it is base64, and is none'],
    [
      'quoted-printable',
      'name="a"',
      'quoted-printable',
      'gr=C3=BCn',
      'has a Content-Transfer-Encoding that some parsers undo and some do not',
    ],
    [
      'a spelling of its own',
      'name="a"',
      'BASE64',
      'aGk=',
      'has a Content-Transfer-Encoding that some parsers undo and some do not',
    ],
  ])(
    'refuses what parsers would change or read in two ways: %s',
    async (_what, disposition, encoding, value, fault) => {
      const body = `${part('name="first"', '1')}${part(`${disposition}\r\nContent-Transfer-Encoding: ${encoding}`, value)}`
      expect(await multipart(`${body}--frontier--\r\n`)).toEqual(new FormFault(`part 2 of the multipart body ${fault}`))
    },
  )

  it('changes no byte of whatever a part in base64 is made of, or refuses it', async () => {
    const piece = fc.constantFrom('a', 'G', 'k', '=', '/', '+', '-', ' ', '\r\n', '\n', '*', '\xff')
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async pieces => {
        const written = pieces.join('')
        const disposition = 'name="a"; filename="f"\r\nContent-Transfer-Encoding: base64'
        const json = await multipart(`${part(disposition, written)}--frontier--\r\n`)
        if (json instanceof FormFault) return
        const { a } = JSON.parse(json) as { a: { base64: string } }
        expect(a.base64).toBe(written.replaceAll('\r\n', ''))
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes what stands in a file, or behind the end, for no part', async () => {
    const twice = 'Content-Disposition: form-data; name="a"; name="b"\r\n\r\n'
    const body = `${part('name="f"; filename="f"', `--other\r\n${twice}`)}--frontier--\r\n--frontier\r\n${twice}`
    expect(await multipart(body)).toContain('"f":{')
  })

  it('never takes the last of two names, whatever a disposition is made of', async () => {
    const piece = fc.constantFrom(
      ...[
        'name',
        'NAME',
        'filename',
        'x',
        '*',
        '=',
        '=',
        '"',
        '"',
        ';',
        '; ',
        ' ',
        '\t',
        '\\',
        "utf-8''",
        'a',
        'b',
        '0',
      ],
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async pieces => {
        const json = await multipart(`${part(`name="a"${pieces.join('')}`, '1')}--frontier--`)
        if (!(json instanceof FormFault)) expect(Object.keys(JSON.parse(json))).toEqual(['a'])
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['no final boundary', part('name="a"', '1'), undefined],
    ['no boundary named', `${part('name="a"', '1')}--frontier--`, 'multipart/form-data'],
    ['no form at all', 'x', undefined],
  ])('refuses a multipart body with %s', async (_name, body, type) =>
    expect(await multipart(body, type)).toBeInstanceOf(FormFault),
  )
})

describe('content', () => {
  const content = async (body: string | Buffer, type: string) =>
    toContent(Buffer.from(body as string), parseMediaType(type), type)

  it('keeps the bytes of JSON, whatever numbers and order they hold', async () => {
    const text = '{ "b":1e400, "2":12345678901234567890, "1":0.10000000000000000555 }'
    const result = await content(text, 'application/vnd.api+json; charset=utf-8')
    expect(result instanceof ContentFault ? result : result.bytes.toString()).toBe(text)
  })

  it('says text as a JSON string and refuses bytes that are none', async () => {
    const text = await content('line "1"\n', 'text/plain')
    expect(text instanceof ContentFault ? text : text.bytes.toString()).toBe('"line \\"1\\"\\n"')
    expect(await content(Buffer.from([0xff, 0xfe]), 'application/octet-stream')).toBeInstanceOf(ContentFault)
    expect(await content('', 'application/json')).toBeInstanceOf(ContentFault)
    expect(await content('{"a":1,"a":2}', 'application/json')).toBeInstanceOf(ContentFault)
  })
})
