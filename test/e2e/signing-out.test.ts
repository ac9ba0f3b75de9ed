import { createSecretKey, generateKeyPairSync, hash, type KeyObject, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createVerifier, httpbis } from 'http-message-signatures'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../../src/cli/send.ts'
import { MESSAGE_ALGORITHMS, type MessageAlgorithm } from '../../src/signing/message-algorithm.ts'
import { runVerb } from '../cli/run-verb.ts'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { type Received, startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = randomBytes(32).toString('base64')
const BODY = '{"event":"ticket.created","text":"it\u2019s"}'

/** Both ends of a key: what the gate signs with, in a file, and what the receiver verifies by. */
const KEYS: Readonly<Record<MessageAlgorithm, { readonly held: string; readonly open: KeyObject }>> = {
  ed25519: pem(generateKeyPairSync('ed25519')),
  'ecdsa-p256-sha256': pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  'ecdsa-p384-sha384': pem(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  'rsa-pss-sha512': pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
  'rsa-v1_5-sha256': pem(generateKeyPairSync('rsa', { modulusLength: 2048 })),
  'hmac-sha256': { held: SECRET, open: createSecretKey(Buffer.from(SECRET, 'base64')) },
}

function pem({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) {
  return { held: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), open: publicKey }
}

describe('message signatures that the gate makes, verified by a library of others', () => {
  let receiver: TestUpstream
  let gate: RunningGate
  let refuseOnce = false

  /** What the receiver makes of a request: whether the signature holds, and the digest is the body's. */
  async function verified(algorithm: MessageAlgorithm, seen: Received, change: Record<string, string> = {}) {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(seen.headers)) headers[name] = String(value)
    const { open } = KEYS[algorithm]
    const held = await httpbis
      .verifyMessage(
        {
          keyLookup: async ({ keyid }) =>
            keyid === 'crm-1' ? { id: keyid, algs: [algorithm], verify: createVerifier(open, algorithm) } : null,
          requiredParams: ['created', 'keyid', 'nonce'],
          requiredFields: seen.body.length > 0 ? ['@target-uri', 'content-digest', 'content-type'] : ['@target-uri'],
          maxAge: 300,
          tolerance: 60,
        },
        { method: seen.method, url: receiver.url + seen.url, headers: { ...headers, ...change } },
      )
      .catch(() => false)
    const digest = headers['content-digest']
    return held === true && (digest === undefined || digest === `sha-256=:${hash('sha256', seen.body, 'base64')}:`)
  }
  const last = (): Received => {
    const seen = receiver.received.at(-1)
    if (seen === undefined) throw new Error('nothing was received')
    return seen
  }

  beforeAll(async () => {
    receiver = await startUpstream((_request, response) => {
      const status = refuseOnce ? 503 : 200
      refuseOnce = false
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
    const folder = tempFolder()
    for (const algorithm of MESSAGE_ALGORITHMS) writeFileSync(join(folder, `${algorithm}.key`), KEYS[algorithm].held)
    const route = (name: string, signature: string, more = '') => `
  - name: ${name}
    match: { path-prefix: /${name}/, methods: [GET, POST] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: ${receiver.url}/in/
      pass-query: true
      pass-headers: [X-Event, Idempotency-Key]
      authenticate: { signature: { scheme: http-message-signature, key-id: crm-1, ${signature} } }${more}`
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:${[
        ...MESSAGE_ALGORITHMS.map(algorithm =>
          route(
            algorithm,
            `algorithm: ${algorithm}, key: { file: ${algorithm}.key }${algorithm === 'hmac-sha256' ? ', key-form: base64' : ''}`,
          ),
        ),
        route(
          'all',
          'algorithm: ed25519, key: { file: ed25519.key }, label: out, tag: crm, lifetime: 1m, tell-algorithm: true, components: ["@method", "@target-uri", "@authority", "@query", host, x-event, content-digest, content-type, content-length]',
          '\n      concurrency: 1\n      breaker: {}',
        ),
        route(
          'again',
          'algorithm: ed25519, key: { file: ed25519.key }',
          '\n      retry: { attempts: 2, backoff: { first: 1ms } }\n      body: { compress: { above: 20B } }',
        ),
        route(
          'coded',
          'algorithm: ed25519, key: { file: ed25519.key }, components: ["@target-uri", content-digest, content-type, content-encoding]',
          '\n      body: { compress: { above: 20B } }',
        ),
      ].join('')}
`,
      {},
      folder,
    )
  }, 30_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    await receiver.close()
  }, 30_000)

  const post = (path: string, headers: Record<string, string> = {}, body: string | undefined = BODY) =>
    ask({
      port: gate.port('crm-side'),
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })

  it.each(MESSAGE_ALGORITHMS)('of a bridge, with %s', async algorithm => {
    expect((await post(`/${algorithm}/a%20b/~c?q=%7e&r`)).status).toBe(200)
    const seen = last()
    expect(seen.url).toBe('/in/a%20b/~c?q=%7e&r')
    expect(await verified(algorithm, seen)).toBe(true)
    expect(await verified(algorithm, { ...seen, url: `${seen.url}1` })).toBe(false)
    expect(await verified(algorithm, { ...seen, body: Buffer.from('{}') })).toBe(false)
    expect(await verified(algorithm, seen, { 'content-type': 'text/plain' })).toBe(false)
    expect(String(seen.headers['signature-input'])).toMatch(
      /^sig1=\("@method" "@target-uri" "content-digest" "content-type"\);created=\d+;nonce="[\w-]{24}";keyid="crm-1"$/,
    )
    expect(gate.stdout()).not.toContain(KEYS[algorithm].held.slice(40, 80))
  })

  it('of a bridge, over all that was named, and of a request without a body over the head', async () => {
    expect((await post('/all/x?a=1', { 'x-event': 'ticket' })).status).toBe(200)
    expect(await verified('ed25519', last())).toBe(true)
    expect(String(last().headers['signature-input'])).toMatch(
      /^out=\(.*"host" "x-event" "content-digest" "content-type" "content-length"\);created=(\d+);expires=\d+;nonce=.*;alg="ed25519";tag="crm"$/,
    )
    expect(await verified('ed25519', last(), { 'x-event': 'other' })).toBe(false)
    const bare = await ask({
      port: gate.port('crm-side'),
      path: '/all/x?a=1',
      method: 'GET',
      headers: { 'x-event': 'ticket' },
    })
    expect(bare.status).toBe(200)
    expect(last()).toMatchObject({ method: 'GET', body: Buffer.alloc(0) })
    expect(last().headers['content-digest']).toBeUndefined()
    expect(await verified('ed25519', last())).toBe(true)
  })

  it('is not sent where a field that is covered is missing, and says which', async () => {
    const before = receiver.received.length
    expect(await post('/all/x')).toMatchObject({ status: 422, code: 'forward.unsigned' })
    expect(receiver.received.length).toBe(before)
    const line = await gate.line(({ code }) => code === 'forward.unsigned')
    expect(JSON.stringify(line)).toContain('\\"x-event\\": the request has no such field')
    // Its turn is free again.
    expect((await post('/all/x', { 'x-event': 'ticket' })).status).toBe(200)
  })

  it('of every attempt anew, over what is sent', async () => {
    refuseOnce = true
    expect((await post('/again/x', { 'idempotency-key': 'k-1' }, BODY.padEnd(400))).status).toBe(200)
    const [first, second] = receiver.received.slice(-2)
    for (const seen of [first, second]) {
      expect(seen?.headers['content-encoding']).toBe('gzip')
      expect(seen && (await verified('ed25519', seen))).toBe(true)
    }
    expect(first?.headers['signature-input']).not.toBe(second?.headers['signature-input'])
  })

  it('covers Content-Encoding where the body is compressed', async () => {
    for (const [body, covered] of [
      [BODY.padEnd(400), true],
      ['{"a":1}', false],
    ] as const) {
      expect((await post('/coded/x', {}, body)).status).toBe(200)
      expect(String(last().headers['signature-input']).includes('"content-encoding"')).toBe(covered)
      expect(await verified('ed25519', last())).toBe(true)
    }
  })

  const run = (args: readonly string[]) => runVerb(send, args, { env: {}, cwd: gate.folder })
  const as = (algorithm: MessageAlgorithm, ...more: string[]) => [
    ...['--scheme', 'http-message-signature', '--algorithm', algorithm, '--key-id', 'crm-1'],
    ...['--secret', `file:${algorithm}.key`, '--url', `${receiver.url}/in?a=1`, '--data', BODY],
    ...(algorithm === 'hmac-sha256' ? ['--key-form', 'base64'] : []),
    ...more,
  ]

  it.each(MESSAGE_ALGORITHMS)('of send, with %s; and forged', async algorithm => {
    const { code, stdout } = await run(as(algorithm, '--id', 'event-1'))
    expect(code).toBe(0)
    expect(stdout).not.toContain(KEYS[algorithm].held.slice(40, 80))
    expect(last().headers['signature-input']).toContain(';nonce="event-1";')
    expect(await verified(algorithm, last())).toBe(true)
    for (const forgery of ['secret', 'body', 'timestamp']) {
      expect((await run(as(algorithm, '--forge', forgery))).code).toBe(0)
      expect(await verified(algorithm, last()), forgery).toBe(false)
    }
  })

  it('of send, over headers of its own', async () => {
    const components = ['--components', '@method  @target-uri x-event content-digest content-type']
    const { code } = await run(as('ed25519', ...components, '--header', 'X-Event: ticket'))
    expect(code).toBe(0)
    expect(await verified('ed25519', last())).toBe(true)
    expect(await verified('ed25519', last(), { 'x-event': 'other' })).toBe(false)
    expect((await run(as('ed25519', ...components))).stderr).toMatch(
      /is missing: "x-event": the request has no such field\nmend: give it with --header/,
    )
  })

  it.each([
    [['--scheme', 'hmac'], /--scheme hmac is not known\nmend: write --scheme http-message-signature/],
    [['--scheme', 'http-message-signature', '--provider', 'github'], /--provider and --scheme exclude each other/],
    [['--scheme', 'http-message-signature'], /--algorithm is missing\nmend: one of ed25519, /],
    [['--scheme', 'http-message-signature', '--algorithm', 'rsa'], /--algorithm rsa is not known/],
    [['--provider', 'github', '--tag', 'x'], /--tag is for --scheme http-message-signature/],
    [
      ['--scheme', 'http-message-signature', '--algorithm', 'ed25519', '--components', '@method @status'],
      /--components: "@status" is no component/,
    ],
    [
      [...as0('ed25519'), '--components', '@method', '--forge', 'body'],
      /signs a part of the body only.*\nmend: use --forge secret, or add content-digest to --components/,
    ],
  ])('of send: %j is refused with its mend', async (args, message) => {
    const { code, stderr } = await run([...args, '--secret', 'file:ed25519.key', '--url', receiver.url, '--data', '{}'])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

function as0(algorithm: MessageAlgorithm): string[] {
  return ['--scheme', 'http-message-signature', '--algorithm', algorithm]
}
