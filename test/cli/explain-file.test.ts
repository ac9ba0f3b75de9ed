import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'svix'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explain } from '../../src/cli/explain.ts'
import { craft } from '../tls/craft.ts'
import { runVerb } from './run-verb.ts'

const env = {
  GH: 'the-github-secret',
  KB: 'the-kb-token-1234',
  SVIX: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
}
const BODY = '{"a": 1}'
const GATE = `
listeners:
  - { name: inside, bind: "127.0.0.1:0" }
  - { name: public, bind: "127.0.0.2:0", public-url: "https://hooks.example.com" }
routes:
  - name: github
    listener: public
    match: { path: /hooks/github, host: hooks.example.com }
    checks:
      - source-ip: { allow: [192.0.2.0/24] }
      - signature: { provider: github, secrets: [{ env: GH }] }
    forward: { to: "http://127.0.0.1:9/x" }
  - name: kb
    listener: public
    match: { path: /kb }
    checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }]
    forward: { to: "http://127.0.0.1:9/x" }
  - name: either
    listener: public
    match: { path: /either, host: hooks.example.com }
    checks:
      - any-of: [{ signature: { provider: github, secrets: [{ env: GH }] } }, { bearer: { tokens: [{ name: kb, env: KB }] } }]
    forward: { to: "http://127.0.0.1:9/x" }
  - name: events
    listener: public
    match: { path: /events }
    checks: [{ signature: { provider: svix, secrets: [{ env: SVIX }] } }]
    forward: { to: "http://127.0.0.1:9/x" }
`

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-explain-'))
  writeFileSync(join(folder, 'gate.yaml'), GATE)
})
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}
const run = (...args: string[]) => runVerb(explain, [...args, '--config', 'gate.yaml'], { env, cwd: folder })

const signature = (body: string, key = env.GH) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
const raw = (body: string, signed: string, path = '/hooks/github', host = 'hooks.example.com') =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Hub-Signature-256: ${signed}\r\n\r\n${body}`

describe('sallyport explain FILE', () => {
  it('leaves out what the file can not tell, in the lists of any-of and all-of too', async () => {
    const nested = `
listeners: [{ name: public, bind: "127.0.0.2:0" }]
routes:
  - name: here
    match: { path: /here }
    checks:
      - any-of: [{ source-ip: { allow: [127.0.0.0/8] } }, { signature: { provider: github, secrets: [{ env: GH }] } }]
    forward: { to: "http://127.0.0.1:9/x" }
  - name: both
    match: { path: /both }
    checks:
      - any-of: [{ all-of: [{ source-ip: { allow: [127.0.0.0/8] } }] }, { bearer: { tokens: [{ name: kb, env: KB }] } }]
    forward: { to: "http://127.0.0.1:9/x" }
`
    write('nested.yaml', nested)
    const explained = async (path: string, ...more: string[]) => {
      const file = write('nested.txt', raw(BODY, signature(BODY, 'another secret'), path))
      const args = [file, '--config', 'nested.yaml', '--json', ...more]
      const { stdout, code } = await runVerb(explain, args, { env, cwd: folder })
      return { code, found: JSON.parse(stdout) }
    }
    for (const path of ['/here', '/both']) {
      const { code, found } = await explained(path)
      expect(code, path).toBe(1)
      expect(found.refusal, path).toMatchObject({ code: 'any-of.none' })
      expect(JSON.stringify(found), path).not.toContain('127.0.0.1')
      expect(found.limits, path).toEqual([expect.stringMatching(/^source-ip was left out/)])
      expect((await explained(path, '--source', '127.0.0.1')).code, path).toBe(0)
    }
  })

  it('says what the path of a file is relative to', async () => {
    expect((await run('nothing.txt')).stderr).toContain('relative to the current folder')
    const { stderr } = await run(write('names.sh', 'curl https://hooks.example.com/hooks/github -d @nothing.json'))
    expect(stderr).toContain('there is no file nothing.json\n')
    expect(stderr).toContain('relative to the file that names it')
  })

  it('walks the checks, and says what nearly matched', async () => {
    const { stdout, code } = await run(write('raw.txt', raw('{"a":1}', signature(BODY))), '--source', '192.0.2.7')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^POST \/hooks\/github from 192\.0\.2\.7, route github: refused, 401 signature\.mismatch\n/)
    expect(stdout).toMatch(/ {2}pass {2}source-ip/)
    expect(stdout).toMatch(/because +it matches over the JSON written with a blank behind each comma and colon/)
    expect(stdout).not.toContain(env.GH)
  })

  it('says so where all would let it through', async () => {
    const { stdout, code } = await run(write('good.txt', raw(BODY, signature(BODY))), '--json')
    expect(JSON.parse(stdout)).toMatchObject({ route: 'github', refusal: null, outcome: 'forwarded' })
    expect(JSON.parse(stdout).limits).toEqual([expect.stringMatching(/^source-ip was left out/)])
    expect(code).toBe(0)
  })

  it('explains a curl command with the variables of its shell', async () => {
    const command = 'curl https://hooks.example.com/kb --json \'{}\' -H "Authorization: Bearer Bearer $KB"'
    const { stdout } = await run(write('send.sh', command))
    expect(stdout).toMatch(/because +"Bearer" is written twice/)
    expect(stdout).not.toContain(env.KB)
  })

  it('reads of an .http file the entry that is asked for, whatever the others lack', async () => {
    const file = write(
      'two.http',
      '@host = hooks.example.com\n\n### first\nGET https://{{host}}/kb\n\n### second\n@url = https://{{nope}}/kb\nGET {{url}}\nbroken\n\n### third\nGET https://{{url}}/kb\n',
    )
    const first = await run(file, '--entry', '1')
    expect(first.stderr).toBe('')
    expect(first.stdout).toMatch(/^GET \/kb .*: refused/)
    expect((await run(file, '--entry', '2')).stderr).toMatch(/line 7: the variable \{\{nope\}\} has no value/)
    expect((await run(file, '--entry', '3')).stderr).toMatch(/line 12: the variable \{\{url\}\} has no value/)
    expect((await run(file, '--entry', '4')).stderr).toMatch(/one of 1 \(GET https:\/\/hooks\.example\.com\/kb\), 2 /)
    expect((await run(file)).stderr).toMatch(/line 7: the variable/)
  })

  it('says of a doubled slash that it stands in the URL', async () => {
    const { stdout } = await run(write('slash.txt', raw(BODY, signature(BODY), '//hooks/github')))
    expect(stdout).toMatch(/the path holds an empty segment/)
    expect(stdout).toMatch(/mend +Mend the URL in the sender: it was entered with a doubled slash/)
    expect(stdout).not.toMatch(/by hand/)
  })

  it('takes the refused of a HAR file at the time that it names, or the one that is chosen', async () => {
    const at = Date.UTC(2026, 10, 24, 10)
    const sign = (ms: number) => new Webhook(env.SVIX).sign('msg_1', new Date(ms), BODY)
    const entry = (ms: number, status: number) => ({
      startedDateTime: new Date(at).toISOString(),
      request: {
        method: 'POST',
        url: 'https://hooks.example.com/events',
        headers: Object.entries({
          'content-type': 'application/json',
          'svix-id': 'msg_1',
          'svix-timestamp': String(ms / 1000),
          'svix-signature': sign(ms),
        }).map(([name, value]) => ({ name, value })),
        postData: { mimeType: 'application/json', text: BODY },
      },
      response: { status },
    })
    const file = write('all.har', JSON.stringify({ log: { entries: [entry(at, 200), entry(at + 412_000, 401)] } }))
    const refused = await run(file)
    expect(refused.stdout).toMatch(/because +the signature holds, and the sender's clock is 412 s ahead of the gate's/)
    const chosen = await run(file, '--entry', '1')
    expect(chosen).toMatchObject({ code: 0, stdout: expect.stringMatching(/let through/) })
    expect((await run(file, '--entry', '3')).stderr).toMatch(
      /there is no entry 3 in the file\nmend: one of 1 \(1: POST \/events, answered 200\)/,
    )
  })

  it('asks a route that the request did not come to', async () => {
    const file = write('moved.txt', raw(BODY, signature(BODY, 'another'), '/api/github', 'internal.example'))
    const { stdout } = await run(file, '--route', 'github', '--source', '192.0.2.7')
    expect(stdout).toMatch(/route github: refused, 401 signature.mismatch/)
    expect(stdout).toMatch(/perhaps +none of \d+ variations matches: the sender holds another secret/)
    expect(stdout).toMatch(/The request was for \/api\/github; it is explained as if it had come to the route github\./)
    const lost = await run(file)
    expect(lost.stdout).toMatch(/no route: refused, 404 route\.none/)
  })

  it("lets the file's last change stand for the time that it does not tell", async () => {
    const at = Date.UTC(2026, 10, 24, 10)
    const value = new Webhook(env.SVIX).sign('msg_1', new Date(at), BODY)
    const text = `POST /events HTTP/1.1\nHost: hooks.example.com\nContent-Type: application/json\nsvix-id: msg_1\nsvix-timestamp: ${at / 1000}\nsvix-signature: ${value}\n\n${BODY}`
    const file = write('old.txt', text)
    utimesSync(join(folder, file), at / 1000, at / 1000)
    expect((await run(file)).code).toBe(0)
    const late = await run(file, '--at', new Date(at + 3 * 86_400_000).toISOString())
    expect(late.stdout).toMatch(/it was made 3 days before it came: an old event delivered again/)
  })

  const masked = (target: string, code: string, header: string) => ({
    id: '01KAR5D9M0V7T3E8Q2J4XWY6ZB',
    time: '2026-11-24T10:00:00.000Z',
    listener: 'public',
    route: 'kb',
    code,
    status: 401,
    evidence: { tried: ['signature.mismatch', 'bearer.missing'] },
    source: '192.0.2.9',
    peer: '192.0.2.9',
    encrypted: true,
    'server-name': null,
    method: 'POST',
    target,
    headers: [
      ['Host', 'hooks.example.com'],
      [header, '(masked)'],
    ],
    'client-certificates': [],
    body: { bytes: 2, cut: false, text: '{}', withheld: null },
  })

  it.each([
    ['/hooks/github', 'signature.mismatch'],
    ['/either', 'any-of.none'],
  ])('says of a signature that the file masks it: %s', async (target, code) => {
    const capture = masked(target, code, 'X-Hub-Signature-256')
    const { stdout } = await run(write('masked.json', JSON.stringify(capture)))
    expect(stdout).toMatch(/because +the credential is masked in the file, so it can't be tried/)
    expect(stdout).toMatch(/mend +let the running gate explain it by its id/)
    expect(stdout).not.toMatch(/kept in part|bytes that captures keep/)
  })

  it('tells what was recorded of a capture that masks what would have to be tried', async () => {
    const capture = masked('/kb', 'bearer.unknown', 'Authorization')
    const { stdout } = await run(write('capture.json', JSON.stringify(capture)))
    expect(stdout).toMatch(/^POST \/kb from 192\.0\.2\.9, route kb: refused, 401 bearer\.unknown/)
    expect(stdout).toMatch(/The file masks credentials/)
  })

  it('judges the client certificate of a capture, and leaves it out of what holds none', async () => {
    const ca = await craft({ subject: 'CN=Partners CA', ca: true })
    const ended = await craft({ subject: 'CN=p', issuer: ca, dns: ['p.example'], notAfter: Date.UTC(2026, 10, 1) })
    write('ca.pem', ca.certificate)
    write('server.crt', ca.certificate)
    write('server.key', ca.key)
    write(
      'mutual.yaml',
      `listeners: [{ name: public, bind: "127.0.0.1:0", tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: ca.pem } }]
routes: [{ name: p, match: { path: /p }, checks: [{ client-cert: {} }], forward: { to: "http://127.0.0.1:9/x" } }]
`,
    )
    const asked = (file: string) => runVerb(explain, [file, '--config', 'mutual.yaml', '--json'], { env, cwd: folder })
    const der = ended.certificate.replace(/-----[^-]+-----|\s/g, '')
    const capture = {
      id: '01KAR5D9M0V7T3E8Q2J4XWY6ZB',
      time: '2026-11-24T10:00:00.000Z',
      listener: 'public',
      code: 'client-cert.expired',
      status: 403,
      source: '192.0.2.9',
      encrypted: true,
      method: 'POST',
      target: '/p',
      headers: [
        ['Host', 'localhost'],
        ['Content-Type', 'application/json'],
      ],
      'client-certificates': [der],
      body: { bytes: 2, cut: false, text: '{}' },
    }
    const first = await asked(write('mutual.json', JSON.stringify(capture)))
    expect(first.stderr).toBe('')
    const judged = JSON.parse(first.stdout)
    expect(judged.refusal.code).toBe('client-cert.expired')
    expect(judged.limits).toEqual([])
    const none = JSON.parse((await asked(write('mutual.sh', "curl https://localhost/p --json '{}'"))).stdout)
    expect(none.refusal).toBeNull()
    expect(none.limits).toEqual([expect.stringMatching(/^client-cert was left out, as no HAR, curl command/)])
    rmSync(join(folder, 'ca.pem'))
    const lost = await asked('mutual.json')
    expect(lost.stderr).toMatch(/ca\.pem/)
    expect(lost.code).toBe(1)
  })

  it.each([
    [['nothing.txt'], /there is no file nothing.txt/],
    [['bad.sh'], /line 1: a quotation mark is never closed\nmend: close it with '/],
    [['raw.txt', '--route', 'gitub'], /there is no route "gitub"\nmend: did you mean "github"\?/],
    [['raw.txt', '--source', 'here'], /--source is no address/],
    [['raw.txt', '--at', 'soon'], /--at is no time/],
    [['raw.txt', '--send'], /--send is of a request that the gate has kept: name its id/],
    [['raw.txt', '--capture'], /--capture is of a request that the gate has kept: name its id/],
    [['--route', 'github', '--send'], /--send is of a request that the gate has kept/],
    [['01KAR5D9M0V7T3E8Q2J4XWY6ZB', '--entry', '1'], /--entry is of a file, and a request id is named/],
  ])('%j', async (args, message) => {
    write('bad.sh', "curl https://x.example -d 'a")
    const { stderr, code } = await run(...args)
    expect(stderr).toMatch(message)
    expect(code).not.toBe(0)
  })
})
