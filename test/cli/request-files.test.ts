import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VerbFault } from '../../src/cli/fault.ts'
import type { CurlWorld } from '../../src/cli/request-files/curl.ts'
import { fileFault } from '../../src/cli/request-files/file-request.ts'
import { readRequestFile } from '../../src/cli/request-files/read.ts'

const FILES: Readonly<Record<string, string>> = {
  'body.json': '{\n  "a": 1\r\n}\n',
  'fields.txt': 'X-One: 1\nX-Two: 2\n',
}
const world: CurlWorld = {
  env: { TOKEN: 'from-the-environment' },
  readFile(path) {
    const text = FILES[path.replace(/^.*\//, '')]
    if (text === undefined) throw fileFault(`there is no file ${path}`, 'make it')
    return Buffer.from(text)
  },
}
const read = (text: string | Buffer) => readRequestFile(typeof text === 'string' ? Buffer.from(text) : text, world)
const one = (text: string | Buffer) => {
  const [request, ...more] = read(text)
  if (request === undefined || more.length > 0) throw new Error(`${more.length + 1} requests`)
  return request
}
/** Names in lower case, sorted. */
const fields = (headers: readonly (readonly [string, string])[]) =>
  headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort()

describe('a curl command is read as curl itself sends it', () => {
  let server: Server
  let received = Buffer.alloc(0)
  let port = 0
  let folder = ''

  beforeAll(async () => {
    server = createServer(socket => {
      let bytes = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk])
        const end = bytes.indexOf('\r\n\r\n')
        const length = Number(/content-length: (\d+)/i.exec(bytes.toString('latin1', 0, Math.max(end, 0)))?.[1] ?? 0)
        if (end < 0 || bytes.length < end + 4 + length) return
        received = bytes
        socket.end('HTTP/1.1 204 No Content\r\n\r\n')
      })
    })
    folder = await mkdtemp(join(tmpdir(), 'sallyport-curl-'))
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })
  afterAll(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })

  it.each([
    `curl URL/hooks/x`,
    `curl -X POST URL/hooks/x?a=1 -H 'Content-Type: application/json' --data-raw '{"a":"it'\\''s"}'`,
    `curl URL/x -d a=1 -d 'b=2 3' --data-urlencode 'c=ä &' --data-urlencode '=x y'`,
    `curl URL/x --json '{"a":1}' --json ',{}'`,
    `curl -sSLkX PUT URL/x -d @body.json -H 'Content-Type: text/plain'`,
    `curl URL/x --data-binary @body.json -H @fields.txt`,
    `curl -G URL/x?z=0 -d a=1 --data-urlencode 'b=2 3'`,
    `curl URL/x --url-query 'a=b c' -u 'user:pass word' -A agent -e http://ref.example -b 'a=b'`,
    `curl -d$'{"a":"\\u00fc\\n\\x41"}' URL/x --oauth2-bearer abc -H 'Accept:' -H 'X-Empty;'`,
    `curl "URL/x" -H "Authorization: Bearer $TOKEN" -d "a\\"b\\\\c"`,
    `curl \\\n  --url URL/x \\\n  --header 'X-A: b' \\\n  --data-raw 'x'`,
    `curl URL -d ''`,
    `curl -T body.json URL/x`,
    `curl -T body.json URL/up/?a=1`,
    `curl -T body.json URL`,
    `curl URL/a/./b/../c?x=/../y`,
    `curl URL/..`,
    `curl --path-as-is URL/a/../b`,
    `curl http://ada:p%40w:x@HOST/x -r 0-10`,
    `curl ada@HOST/x`,
    `curl http://ada:pw@HOST/x -u 'b:c'`,
    `curl http://ada:pw@HOST/x -H 'Authorization: Bearer z'`,
    `curl URL/x -b a=1 -b b=2 -A '' -e ''`,
  ])('%s', async command => {
    const whole = command.replace('URL', 'http://HOST').replace('HOST', `127.0.0.1:${port}`)
    await promisify(execFile)('bash', ['-c', `${whole} -s`], { cwd: folder, env: { ...process.env, ...world.env } })
    const sent = one(received)
    const understood = one(whole)
    expect([understood.method, understood.target]).toEqual([sent.method, sent.target])
    expect(understood.body.toString('latin1')).toBe(sent.body.toString('latin1'))
    const own = /^(host|content-length|expect): /
    const agent = (row: string): string => row.replace(/^user-agent: curl.*/, 'user-agent: curl')
    expect(fields(understood.headers)).toEqual(
      fields(sent.headers)
        .filter(row => !own.test(row))
        .map(agent),
    )
  })

  it('in a script, with the variables that are set before it', () => {
    const script = `#!/bin/sh
set -eu
# the endpoint
HOST=hooks.example
export TOKEN='a b' OTHER="$HOST/x"

curl "https://$OTHER" -H "Authorization: Bearer $TOKEN"
echo done
`
    expect(one(script)).toMatchObject({ target: '/x', authority: 'hooks.example' })
    expect(one(script).headers).toContainEqual(['Authorization', 'Bearer a b'])
    expect(faultOf(() => read('A=1\nB=$(date)\ncurl https://x.example\n')).message).toMatch(
      /^line 2: the command has a command in \$\( \)/,
    )
    expect(faultOf(() => read('A=1\n\ncurl https://$NOT_SET/\n')).message).toMatch(/^line 3: .*NOT_SET/)
  })

  it("reads what Windows' browsers copy", () => {
    const copied =
      'curl ^"https://hooks.example/x^" ^\r\n  -H ^"content-type: application/json^" ^\r\n  --data-raw ^"^{^\\^"a^\\^":1^}^"'
    expect(one(copied)).toMatchObject({ method: 'POST', target: '/x', authority: 'hooks.example', encrypted: true })
    expect(one(copied).body.toString()).toBe('{"a":1}')
  })

  it.each([
    ['curl https://x.example/ --dta 1', /--dta is none that is known/, /--data/],
    ["curl https://x.example/ -d 'abc", /line 1: a quotation mark is never closed/, /'/],
    ['curl https://x.example/ \\\n -H "A: $(cat f)"', /line 2: the command has a command in \$\( \)/, /result/],
    ['curl https://x.example/ -H "A: $NOT_SET"', /needs the variable NOT_SET/, /set NOT_SET/],
    ['curl https://x.example/ -F a=b', /multipart/, /HAR/],
    ['curl -X POST', /names no URL/, /add the URL/],
    ['curl -K conf https://x.example/', /takes options from a file \(--config\), which is not read/, /as options/],
    ['curl https://x.example/ -d @nothing.json', /there is no file nothing.json/, /make it/],
    ['curl https://x.example/ -H', /--header has no value/, /value/],
  ])('%s', (command, message, mend) => {
    const fault = faultOf(() => read(command))
    expect(fault.message).toMatch(message)
    expect(fault.mend).toMatch(mend)
  })
})

describe('HTTP as text', () => {
  const raw =
    'POST /hooks/x?a=1 HTTP/1.1\r\nHost: hooks.example\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'

  it('takes the body byte by byte, whatever the line ends of the head', () => {
    expect(one(raw)).toMatchObject({ method: 'POST', target: '/hooks/x?a=1', authority: 'hooks.example', cut: false })
    for (const text of [raw, raw.replaceAll('\r\n', '\n'), `${raw}\n`, `E..@.\x00.%..P...${raw}`])
      expect(one(text).body.toString()).toBe('{"a":1}')
  })

  it('says what its length leaves open', () => {
    expect(one(raw.slice(0, -2))).toMatchObject({
      cut: true,
      limits: [/7 bytes, and the file has 5/].map(each => expect.stringMatching(each)),
    })
    expect(one(`${raw}more`).limits[0]).toMatch(/11: what is more was left out/)
  })

  it('joins chunks', () => {
    const chunked = raw
      .replace('Content-Length: 7', 'Transfer-Encoding: chunked')
      .replace('{"a":1}', '4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')
    expect(one(chunked).body.toString()).toBe('{"a":1}')
  })

  it('names UTF-16, which PowerShell writes, as what it is', () => {
    const text = '\ufeffPOST /x HTTP/1.1\r\nHost: a\r\n\r\n{}'
    for (const bytes of [Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()])
      expect(faultOf(() => read(bytes))).toMatchObject({ message: 'the file is UTF-16' })
  })

  it('reads what curl -v prints', () => {
    const printed =
      '* ALPN: server accepted http/1.1\n> POST /x HTTP/1.1\n> Host: a.example\n> Content-Length: 7\n> \n* upload completely sent off\n< HTTP/1.1 401 Unauthorized\n'
    expect(one(printed)).toMatchObject({
      method: 'POST',
      encrypted: true,
      cut: true,
      status: 401,
      authority: 'a.example',
    })
  })

  it('reads files that editors send requests from', () => {
    const text =
      '@host = https://hooks.example\n\n### first\n# a note\nPOST {{host}}/x\n  ?a=1\nContent-Type: application/json\n\n{"a":1}\n\n### second\nGET {{host}}/y\n'
    const [first, second, ...more] = read(text)
    expect(first).toMatchObject({ method: 'POST', target: '/x?a=1', authority: 'hooks.example', encrypted: true })
    expect(first?.body.toString()).toBe('{"a":1}')
    expect(second).toMatchObject({ method: 'GET', target: '/y' })
    expect(more).toEqual([])
    expect(faultOf(() => read('POST {{host}}/x\n')).message).toMatch(/line 1: the variable \{\{host\}\} has no value/)
  })

  it('names the line that is no header', () => {
    expect(faultOf(() => read('POST /x HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n')).message).toBe(
      'line 3: this is no header field',
    )
  })
})

describe('HAR', () => {
  const har = (postData: object, status = 401) => ({
    log: {
      entries: [
        {
          startedDateTime: '2026-11-24T10:00:00.000Z',
          request: {
            method: 'POST',
            url: 'https://hooks.example/x?a=%7E1',
            headers: [
              { name: ':authority', value: 'hooks.example' },
              { name: 'X-A', value: 'b' },
            ],
            postData,
          },
          response: { status },
        },
      ],
    },
  })

  it('keeps the URL as it is written, and turns HTTP/2 back', () => {
    const request = one(JSON.stringify(har({ mimeType: 'application/json', text: '{"ü":1}' })))
    expect(request).toMatchObject({
      target: '/x?a=%7E1',
      authority: 'hooks.example',
      headers: [['X-A', 'b']],
      status: 401,
    })
    expect(request.receivedAt).toBe(Date.UTC(2026, 10, 24, 10))
    expect(request.body.toString()).toBe('{"ü":1}')
  })

  it('reads base64, and says where it writes a form anew', () => {
    expect(one(JSON.stringify(har({ text: 'AAEC', encoding: 'base64' }))).body).toEqual(Buffer.from([0, 1, 2]))
    const form = one(JSON.stringify(har({ params: [{ name: 'a', value: 'b c' }] })))
    expect([form.body.toString(), form.limits.length]).toEqual(['a=b+c', 1])
  })

  it.each([
    ['{"log":', /begins as JSON, and is none/],
    ['{}', /no log.entries/],
    ['{"log":{"entries":[]}}', /no entries/],
    ['{"log":{"entries":[{"request":{"method":"GET"}}]}}', /entry 1 of the HAR file: request.url/],
    ['', /the file is empty/],
    ['hello', /holds no request/],
  ])('%s', (text, message) => {
    expect(faultOf(() => read(text)).message).toMatch(message)
  })
})

describe('any file', () => {
  it('is read, or refused with a sentence and a mend', () => {
    const pieces = fc.constantFrom(
      'curl ',
      '-d ',
      "'",
      '"',
      '\\\n',
      '$',
      'POST ',
      '/x ',
      'HTTP/1.1\r\n',
      'a: b\r\n',
      '\r\n',
      '{"log":{"entries":[',
      ']}}',
      '### ',
      '@a=b\n',
      '{{a}}',
      '> ',
      '^"',
      '5\r\n',
      'Transfer-Encoding: chunked\r\n',
    )
    const texts = fc
      .array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 30 })
      .map(parts => Buffer.from(parts.join('')))
    fc.assert(
      fc.property(
        fc.oneof(
          texts,
          fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
        ),
        bytes => {
          try {
            for (const request of readRequestFile(bytes, world)) expect(request.method).not.toBe('')
          } catch (error) {
            if (!(error instanceof VerbFault)) throw error
            expect([error.message, error.mend].every(text => text !== '' && text.length < 2000)).toBe(true)
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})

function faultOf(read: () => unknown): VerbFault {
  try {
    read()
  } catch (error) {
    if (error instanceof VerbFault) return error
    throw error
  }
  throw new Error('it was read')
}
