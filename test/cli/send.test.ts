import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { variableOf } from '../../src/cli/providers-config.ts'
import { send } from '../../src/cli/send.ts'
import { Secret } from '../../src/core/secret.ts'
import { initCertificates } from '../../src/tls/directory.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { credentials, keyed } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { runVerb } from './run-verb.ts'

const made = keyed.map(provider => [variableOf(provider), credentials(provider)] as const)
/** What the senders hold; the gate is given the public half where there is one. */
const secrets = Object.fromEntries(made.map(([name, { held }]) => [name, held]))
const given = Object.fromEntries(made.map(([name, pair]) => [name, pair.given]))
const JSON_BODY = '{"zen":"Keep it logically awesome.","n":12345678901234567890}'
const FORM = 'application/x-www-form-urlencoded'
/** Of those that send forms and nothing else. */
const bodyOf = (id: string): string => (id === 'mandrill' ? 'mandrill_events=%5B%5D' : JSON_BODY)
const forwardedOf = (id: string): string => (id === 'mandrill' ? '{"mandrill_events":"[]"}' : JSON_BODY)

let upstream: TestUpstream
let gate: RunningGate

beforeAll(async () => {
  upstream = await startUpstream()
  const folder = tempFolder()
  await initCertificates(join(folder, 'certs'), { names: [], force: false, now: Date.now() })
  const route = (id: string, rest: string) => `
  - name: ${id}
    match: { path: /hooks/${id} }
    checks:
      - content-type: { accept: [json, form] }
      - ${rest}
    forward: { to: "${upstream.url}/${id}" }`
  const yaml = `listeners:
  - { name: plain, bind: "127.0.0.1:0" }
  - name: tls
    bind: 127.0.0.1:0
    tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }] }
routes:${keyed
    .map(provider =>
      route(
        provider.id,
        `signature: { provider: ${provider.id}, ${provider.secret ? 'secrets' : 'keys'}: [{ env: ${variableOf(provider)} }] }`,
      ),
    )
    .join('')}
  - name: named-outside
    match: { path: /hooks/outside }
    public-url: https://hooks.example.com
    checks:
      - content-type: { accept: [form] }
      - signature: { provider: twilio, secrets: [{ env: TWILIO_SECRET }] }
    forward: { to: "${upstream.url}/outside" }
  - name: port-outside
    match: { path: /hooks/port }
    public-url: https://hooks.example.com:443
    checks: [{ signature: { provider: trello, secrets: [{ env: TRELLO_SECRET }] } }]
    forward: { to: "${upstream.url}/outside" }
`
  gate = await startGate(yaml, given, folder, 2)
}, 30_000)

afterAll(async () => {
  await gate.stop()
  await upstream.close()
})

const plain = (path: string) => `http://127.0.0.1:${gate.port('plain')}${path}`
const run = (args: readonly string[], env: NodeJS.ProcessEnv = secrets) =>
  runVerb(send, args, { env, cwd: gate.folder })
const as = (provider: string, ...rest: string[]) => {
  const variable = Object.keys(secrets).find(name => name.startsWith(`${provider.toUpperCase().replaceAll('-', '_')}_`))
  const type = provider === 'braintree' ? ['--content-type', FORM] : []
  return ['--provider', provider, '--secret', `env:${variable}`, '--url', plain(`/hooks/${provider}`), ...type, ...rest]
}

/** Of services that sign inside the body, what was given for it. */
function unwrapped(id: string, received: string): string {
  if (id === 'braintree') return Buffer.from(JSON.parse(received).bt_payload, 'base64').toString()
  return received
    .replace(/"webhookTimestamp":\d+,/, '')
    .replace(/"(signature|additionalData)":\{[^}]*\},|"clientState":"[^"]*",/, '')
    .replace(/^\{.*\[(\{"NotificationRequestItem":)?(\{"zen".*?\})\}?\]\}$/, '$2')
}

describe('send', () => {
  it.each(keyed)('signs as $id, so that the gate lets it in', async ({ id }) => {
    const { code, stdout } = await run(as(id, '--data', bodyOf(id), '--id', `event-of-${id}`))
    expect(stdout).toContain('\n< 200 OK\n')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^> POST /hooks/${id}[^ ]* HTTP/1.1\n> host: 127.0.0.1:`))
    for (const secret of Object.values(secrets)) expect(stdout).not.toContain(secret)
    expect(upstream.received.at(-1)).toMatchObject({
      url: expect.stringMatching(new RegExp(`^/${id}(\\?bodySHA256=[0-9a-f]{64})?$`)),
    })
    const received = String(upstream.received.at(-1)?.body)
    expect(unwrapped(id, received)).toBe(forwardedOf(id))
  })

  it.each(keyed)('lets a forgery of $id be refused', async ({ id, scheme }) => {
    const before = upstream.received.length
    const secret = await run(as(id, '--data', bodyOf(id), '--forge', 'secret'))
    expect(secret).toMatchObject({ code: 1 })
    expect(secret.stdout).toContain('"code":"signature.mismatch"')
    const body = await run(as(id, '--data', bodyOf(id), '--forge', 'body'))
    if (scheme.kind === 'token') {
      expect(body).toMatchObject({ code: 2, stdout: '' })
      expect(body.stderr).toMatch(/signs nothing of the body.*\nmend: use --forge secret/)
    } else if (scheme.partOfBody) {
      expect(body).toMatchObject({ code: 2, stdout: '' })
      expect(body.stderr).toMatch(/signs a part of the body only.*\nmend: use --forge secret/)
    } else expect(body.stdout).toMatch(/"code":"signature\.(mismatch|malformed)"/)
    const timestamp = await run(as(id, '--data', bodyOf(id), '--forge', 'timestamp'))
    if (scheme.tolerance === undefined) {
      expect(timestamp).toMatchObject({ code: 2, stdout: '' })
      expect(timestamp.stderr).toMatch(/signs no timestamp/)
    } else expect(timestamp.stdout).toContain('"code":"signature.expired"')
    expect(upstream.received.length).toBe(before)
  })

  it('says what the body lacks that the service signs', async () => {
    const { code, stdout, stderr } = await run(
      as('mandrill', '--data', JSON_BODY, '--content-type', 'application/json'),
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('what Mailchimp Transactional, Mandrill signs is missing: the body is not announced as')
  })

  it('shows a signature shortened, and a token as its fingerprint', async () => {
    const github = (await run(as('github', '--data', '{}'))).stdout
    expect(github).toMatch(/^> x-hub-signature-256: sha256=[0-9a-f]{8}\.\.\.$/m)
    const telegram = (await run(as('telegram', '--data', '{}'))).stdout
    const { fingerprint } = new Secret(Buffer.from(secrets.TELEGRAM_TOKEN ?? ''))
    expect(telegram).toContain(`> x-telegram-bot-api-secret-token: secret:${fingerprint}\n`)
    const bearer = (await run(as('github', '--data', '{}', '--header', 'Authorization: Bearer abc'))).stdout
    expect(bearer).toContain('> Authorization: ...\n'.toLowerCase())
    expect(upstream.received.at(-1)?.headers.authorization).toBeUndefined()
  })

  it('posts forms, from a file, and signs the public URL where it is another', async () => {
    writeFileSync(join(gate.folder, 'body.txt'), 'Body=It%27s+on&From=%2B14158675309')
    const outside = ['--provider', 'twilio', '--secret', 'env:TWILIO_SECRET', '--url', plain('/hooks/outside?a=1')]
    const form = [...outside, '--body', 'body.txt', '--content-type', FORM]
    expect((await run([...form, '--public-url', 'https://hooks.example.com'])).code).toBe(0)
    expect(JSON.parse(String(upstream.received.at(-1)?.body))).toEqual({ Body: "It's on", From: '+14158675309' })
    expect((await run(form)).stdout).toContain('"code":"signature.mismatch"')
  })

  it('signs the port of the public URL as it is written', async () => {
    const trello = ['--provider', 'trello', '--secret', 'env:TRELLO_SECRET', '--data', '{}']
    trello.push('--url', plain('/hooks/port'))
    expect((await run([...trello, '--public-url', 'https://hooks.example.com:443'])).code).toBe(0)
    const bare = await run([...trello, '--public-url', 'https://hooks.example.com'])
    expect(bare.stdout).toContain('"code":"signature.mismatch"')
  })

  it('reads the body from stdin, and the secret from a file', async () => {
    writeFileSync(join(gate.folder, 'github.secret'), secrets.GITHUB_SECRET ?? '')
    const bin = join(import.meta.dirname, '../../bin/sallyport.js')
    const args = ['send', '--provider', 'github', '--secret', 'file:github.secret', '--url', plain('/hooks/github')]
    const child = spawn(process.execPath, [bin, ...args, '--body', '-'], {
      cwd: gate.folder,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdin.end('{"from":"stdin"}')
    expect(await text(child.stdout)).toContain('(16 bytes of body)\n\n< 200 OK\n')
    expect(String(upstream.received.at(-1)?.body)).toBe('{"from":"stdin"}')
  })

  it('trusts over TLS what --ca names, and nothing else', async () => {
    const port = gate.port('tls')
    const github = (url: string) => [
      '--provider',
      'github',
      '--secret',
      'env:GITHUB_SECRET',
      '--url',
      url,
      '--data',
      '{}',
    ]
    const url = `https://localhost:${port}/hooks/github`
    expect((await run([...github(url), '--ca', 'certs/ca.crt'])).code).toBe(0)
    for (const env of [secrets, { ...secrets, NODE_TLS_REJECT_UNAUTHORIZED: '0' }]) {
      const untrusted = await run(github(url), env)
      expect(untrusted.code).toBe(1)
      expect(untrusted.stderr).toMatch(
        /^sallyport send: the certificate does not lead to a CA .*\nmend: name its CA: --ca /,
      )
    }
    expect((await run([...github(url), '--ca', 'certs/clients-ca.crt'])).code).toBe(1)
    const other = await run([...github(`https://127.0.0.2:${port}/hooks/github`), '--ca', 'certs/ca.crt'])
    expect(other.stderr).toMatch(/nothing listens at|does not name 127\.0\.0\.2: /)
    expect((await run([...github(`https://127.0.0.1:${gate.port('plain')}/`)])).stderr).toMatch(
      /TLS is not spoken at 127\.0\.0\.1:\d+ \(.*\)\nmend: write http:/,
    )
    const plain = await run([...github(`http://127.0.0.1:${port}/`)])
    expect([plain.code, plain.stdout]).toEqual([1, expect.stringMatching(/< 400 [\s\S]*request\.plain-http/)])
  })

  it('says why there was no answer', async () => {
    const at = async (url: string) => {
      const { code, stderr } = await run([
        '--provider',
        'github',
        '--secret',
        'env:GITHUB_SECRET',
        '--url',
        url,
        '--data',
        '{}',
      ])
      expect(code).toBe(1)
      return stderr
    }
    const mute = createServer(socket => socket.destroy())
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    const address = mute.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await at(`http://127.0.0.1:${port}/`)).toMatch(/the connection ended before an answer came/)
    await new Promise(resolve => mute.close(resolve))
    expect(await at(`http://127.0.0.1:${port}/`)).toMatch(
      /nothing listens at .*\(ECONNREFUSED\)\nmend: is the gate running/,
    )
    // Too long for a name, so that nobody is asked.
    expect(await at(`http://${'a'.repeat(64)}.invalid/`)).toMatch(/no address is known for a+\.invalid/)
  })

  it('cuts a long answer, and shows control characters by their names', async () => {
    const loud = await startUpstream((_request, response) => {
      response.statusCode = 500
      response.end(`\u001b[2J${'x'.repeat(100_000)}`)
    })
    const { code, stdout } = await run([
      '--provider',
      'github',
      '--secret',
      'env:GITHUB_SECRET',
      '--url',
      loud.url,
      '--data',
      '{}',
    ])
    await loud.close()
    expect(code).toBe(1)
    expect(stdout).toContain('< 500 Internal Server Error\n\n<U+001B>[2Jxxx')
    expect(stdout.length).toBeLessThan(5000)
    expect(stdout).toMatch(/\n\.\.\. \(the rest is left out\)\n$/)
  })
})

describe('send, wrong usage', () => {
  const good = ['--provider', 'github', '--secret', 'env:GITHUB_SECRET', '--url', 'http://127.0.0.1:1/', '--data', '{}']
  const without = (option: string) => good.filter((word, at) => word !== option && good[at - 1] !== option)
  it.each([
    ['no provider', without('--provider'), /--provider is missing/],
    ['an unknown provider', [...without('--provider'), '--provider', 'gihub'], /did you mean "github"\?/],
    ['no secret', without('--secret'), /--secret is missing/],
    ['no URL', without('--url'), /--url is missing/],
    ['no body', without('--data'), /there is no body\nmend: write --body FILE/],
    ['two bodies', [...good, '--body', 'x'], /exclude each other/],
    ['a foreign scheme', [...without('--url'), '--url', 'ftp://x/'], /no http or https URL/],
    ['a password in the URL', [...without('--url'), '--url', 'http://u:p@x/'], /holds a user or a password/],
    ['a public URL with a path', [...good, '--public-url', 'https://x/y'], /--public-url holds a path/],
    ['an unknown forgery', [...good, '--forge', 'all'], /one of secret, body, timestamp/],
    ['a header without a colon', [...good, '--header', 'X'], /is no header/],
    ['a header with a line feed', [...good, '--header', 'X: a\nY: b'], /is no header/],
    ['a header that signing sets', [...good, '--header', 'x-hub-signature-256: x'], /is what the signature sets/],
    ['a header of the connection', [...good, '--header', 'Content-Length: 1'], /belongs to the connection/],
    ['the type as a header', [...good, '--header', 'Content-Type: a/b'], /write --content-type/],
    ['a spoilt type', [...good, '--content-type', 'json'], /is no media type/],
    ['an id with a blank', [...good, '--id', 'a b'], /can not stand in a header/],
    ['a further word', [...good, 'now'], /it takes options only/],
  ])('%s', async (_name, args, message) => {
    const { code, stdout, stderr } = await runVerb(send, args, { env: secrets })
    expect(stderr).toMatch(message)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it.each(['literal-secret-typed-by-mistake', 'vault:x'])('never repeats a secret typed as %s', async typed => {
    const { code, stderr } = await runVerb(send, [...without('--secret'), '--secret', typed], { env: secrets })
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^sallyport send: --secret takes a reference, not the secret itself\nmend: write --secret env:NAME/,
    )
    expect(stderr).not.toContain(typed)
  })

  it('holds the secret to the rules of the gate and of the provider', async () => {
    const github = (env: NodeJS.ProcessEnv) => runVerb(send, good, { env })
    expect((await github({})).stderr).toMatch(/GITHUB_SECRET is not set\nmend: set GITHUB_SECRET/)
    expect((await github({ GITHUB_SECRET: 'abc\n' })).stderr).toMatch(/LINE FEED.*\nmend: write it without a line end/)
    const stripe = ['--provider', 'stripe', '--secret', 'env:S', '--url', 'http://127.0.0.1:1/', '--data', '{}']
    const key = await runVerb(send, stripe, { env: { S: 'sk_live_123' } })
    expect(key).toMatchObject({ code: 1, stdout: '' })
    expect(key.stderr).toMatch(/the Stripe secret is an API key\nmend: use the endpoint's signing secret/)
    const missing = await runVerb(send, [...without('--data'), '--body', 'no-such-file'], { env: secrets })
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toMatch(/--body: there is no file no-such-file/)
  })
})
