import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyConfig } from '../../src/forward/body-config.ts'
import { BodyShaper } from '../../src/forward/body-shaper.ts'
import { urlencodedToJson } from '../../src/forward/forms.ts'
import { memberAt, membersOf } from '../../src/forward/json-spans.ts'
import { FORM_TEXT, JSON_TEXT } from '../../src/forward/text-writing.ts'

const HEADERS = ['X-Request-Id', '1', 'Content-Type', 'application/json']

async function shape(config: object, body: string | Buffer | undefined) {
  const given = {
    id: '1',
    method: 'POST',
    path: '/',
    headers: HEADERS,
    body: body === undefined ? undefined : Buffer.from(body),
  }
  const shaped = await new BodyShaper(bodyConfig.parse(config)).shape(given)
  if ('ok' in shaped) return { failure: shaped, headers: [], body: '' }
  return { failure: undefined, headers: shaped.headers, body: String(shaped.body), bytes: shaped.body }
}

describe('a body', () => {
  it('is sent as it is where nothing is asked for', async () => {
    const body = '{"big":12345678901234567890, "x":1.10}'
    expect(await shape({}, body)).toMatchObject({ body, headers: HEADERS })
    expect((await shape({ as: 'form', max: '1B' }, undefined)).failure).toBeUndefined()
  })

  it('is compressed above a size, and where that makes it smaller', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(5000) })
    const { headers, bytes } = await shape({ compress: { above: '1KiB' } }, body)
    expect(headers).toEqual([...HEADERS, 'Content-Encoding', 'gzip'])
    expect(bytes?.length).toBeLessThan(200)
    expect(String(gunzipSync(bytes ?? ''))).toBe(body)
    expect(await shape({ compress: { above: '5KiB' } }, body)).toMatchObject({ body, headers: HEADERS })
    expect((await shape({ compress: { above: '0B' } }, '{"a":1}')).headers).toEqual(HEADERS)
  })

  it('too large is refused, and its largest members named', async () => {
    const body = JSON.stringify({ id: 1, note: 'n'.repeat(3000), data: { text: 't'.repeat(9000) } })
    const { failure } = await shape({ max: '4KiB' }, body)
    expect(failure).toMatchObject({ code: 'forward.too-large', unsent: true })
    expect(failure?.evidence?.fields).toEqual(['data: 8.8 KiB', 'note: 2.9 KiB', 'id: 1 B'])
    expect(failure?.detail).toBe(
      'The body is 11.8 KiB, the upstream takes 4 KiB. data: 8.8 KiB, note: 2.9 KiB, id: 1 B.',
    )
  })

  it('too large has named texts cut, the first first, and every other byte kept', async () => {
    const body = `{"big": 12345678901234567890,\n "note":"${'n'.repeat(3000)}","data":{"text":"${'t'.repeat(9000)}","x":[1.10]}}`
    const truncate = { fields: ['data.text', 'note'] }
    const once = await shape({ max: '4KiB', truncate }, body)
    expect(Buffer.byteLength(once.body)).toBe(4096)
    expect(once.body).toMatch(
      /^\{"big": 12345678901234567890,\n "note":"n{3000}","data":\{"text":"t+\[truncated\]","x":\[1\.10\]\}\}$/,
    )
    const twice = await shape({ max: '2KiB', truncate }, body)
    expect(Buffer.byteLength(twice.body)).toBe(2048)
    expect(twice.body).toMatch(/"note":"n+\[truncated\]","data":\{"text":"\[truncated\]"/)
    expect((await shape({ max: '50B', truncate }, body)).failure?.code).toBe('forward.too-large')
    expect((await shape({ max: '4KiB', truncate: { fields: ['absent', 'big', 'data'] } }, body)).failure?.code).toBe(
      'forward.too-large',
    )
  })

  it('that is cut stays JSON of at most that size, whatever its texts are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', minLength: 200, maxLength: 600 }),
        fc.nat(200),
        async (text, extra) => {
          const max = 80 + extra
          const written = JSON.stringify({ before: 1, text, after: [text.slice(0, 3)] })
          const { body, failure } = await shape(
            { max: `${max}B`, truncate: { fields: ['text'], marker: '…"' } },
            written,
          )
          if (failure) return
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(max)
          const read = JSON.parse(body)
          expect(read.after).toEqual([text.slice(0, 3)])
          expect(text.startsWith(read.text.replace(/…"$/, ''))).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('that is sent as a form is cut as the form needs it', async () => {
    const config = { as: 'form', max: '300B', truncate: { fields: ['text'] } }
    const { body, failure } = await shape(config, JSON.stringify({ id: 1, text: 'é'.repeat(200) }))
    expect(failure).toBeUndefined()
    expect(body).toMatch(/^id=1&text=(%C3%A9)+%5Btruncated%5D$/)
    // One more would take six bytes.
    expect(body.length).toBeGreaterThan(294)
    expect(body.length).toBeLessThanOrEqual(300)
    // The JSON takes more than the form, and is not what is sent.
    const quotes = `{"text":"${'\\u0061'.repeat(250)}"}`
    expect((await shape(config, quotes)).body).toBe(`text=${'a'.repeat(250)}`)
    const other = await shape(config, JSON.stringify({ text: 'x', more: 'é'.repeat(100) }))
    expect(other.failure?.code).toBe('forward.too-large')
  })

  it('that is cut has the longest text that fits, in either form', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('json', 'form'),
        fc.string({ unit: 'binary', minLength: 40, maxLength: 80 }),
        fc.nat(100),
        async (as, text, extra) => {
          const max = 40 + extra
          const config = { as, max: `${max}B`, truncate: { fields: ['text'], marker: '' } }
          const { body, failure } = await shape(config, JSON.stringify({ text }))
          expect(failure).toBeUndefined()
          const read = as === 'json' ? JSON.parse(body).text : new URLSearchParams(body).get('text')
          const [next = ''] = text.slice(read.length)
          const longer = JSON.stringify({ text: read + next })
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(max)
          if (read.length < text.length) expect((await shape({ as, max: `${max}B` }, longer)).failure).toBeDefined()
        },
      ),
      { numRuns: 300 },
    )
  })

  it.each(['json', 'form'])('of ten megabytes is cut without holding up everything else (%s)', async as => {
    const config = { as, max: '64KiB', truncate: { fields: ['text'] } }
    const body = Buffer.from(JSON.stringify({ text: 'ab é"'.repeat(1_700_000) }))
    const before = process.threadCpuUsage().user
    const shaped = await shape(config, body)
    expect([shaped.failure, (shaped.bytes?.length ?? 0) > 65_000]).toEqual([undefined, true])
    // Microseconds of this thread, whatever else the machine does.
    expect(process.threadCpuUsage().user - before).toBeLessThan(500_000)
  })

  it('becomes a form, by the inverse of the rule for forms', async () => {
    const body =
      '{"name":"Ada Lovelace","n":12345678901234567890,"f":1.10,"ok":true,"none":null,"tag":["a","b",3],"ä&=":"\\u00fc"}'
    const { headers, body: form } = await shape({ as: 'form' }, body)
    expect(headers).toEqual(['X-Request-Id', '1', 'Content-Type', 'application/x-www-form-urlencoded'])
    expect(form).toBe(
      'name=Ada+Lovelace&n=12345678901234567890&f=1.10&ok=true&none=&tag=a&tag=b&tag=3&%C3%A4%26%3D=%C3%BC',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string({ minLength: 1 }),
          fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2, maxLength: 3 })),
        ),
        async value => {
          const json = JSON.stringify(value)
          expect(urlencodedToJson(Buffer.from((await shape({ as: 'form' }, json)).body))).toBe(json)
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each(['[1]', '{"a":{"b":1}}', '{"a":[[1]]}', '{"a":[{}]}'])('%s is no form', async body => {
    expect((await shape({ as: 'form' }, body)).failure).toMatchObject({ code: 'forward.no-form', unsent: true })
  })
})

describe('a text', () => {
  it.each([
    ['JSON', JSON_TEXT, (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2],
    ['a form', FORM_TEXT, (text: string) => new URLSearchParams({ '': text }).toString().length - 1],
  ])('takes in %s what is counted for each of its characters', (_where, writing, bytes) => {
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += codePoint < 0x3000 ? 1 : 97)
      if (bytes(String.fromCodePoint(codePoint)) !== writing.add(codePoint)) expect.unreachable(`U+${codePoint}`)
    for (const codePoint of [0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff, 0x10000, 0x10ffff])
      expect(writing.add(codePoint)).toBe(bytes(String.fromCodePoint(codePoint)))
  })
})

describe('the members of a JSON text', () => {
  it('stand where JSON.parse finds them', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const found = [...membersOf(text, 0)]
        expect(found.map(({ name }) => name)).toEqual(Object.keys(value))
        for (const { name, start, end } of found)
          expect(JSON.parse(text.slice(start, end))).toEqual(JSON.parse(text)[name])
      }),
    )
    expect(memberAt('{"a":{"b":[1],"c":"}"},"d":2}', ['a', 'c'])).toMatchObject({ name: 'c', start: 18, end: 21 })
    expect(memberAt('{"a":1}', ['a', 'b'])).toBeUndefined()
  })
})
