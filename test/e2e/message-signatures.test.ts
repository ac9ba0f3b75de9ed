import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseComponent } from '../../src/signing/component.ts'
import { signRequest } from '../../src/signing/message-signer.ts'
import { CASES, CREATED, KEYS, REQUEST, SHARED_SECRET } from '../checks/rfc9421.ts'
import { ask, speak } from '../support/client.ts'
import { startFrozenGate } from '../support/frozen-gate.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PUBLIC = 'https://hooks.example.com'
const BODY = '{"event":"ticket.created","id":7}'
const COVERED = ['@method', '@target-uri', '@authority', 'content-digest', 'content-type']

/** A request as the partner signs it: for the public URL, whatever name and port the test reaches the gate by. */
function signedBy(key: typeof privateKey, nonce: string, covered = COVERED, nowMs = Date.now()) {
  const components = covered.map(text => {
    const parsed = parseComponent(text)
    if ('why' in parsed) throw new Error(parsed.why)
    return parsed
  })
  const headers = [['Content-Type', 'application/json']] as const
  const made = signRequest(
    { algorithm: 'ecdsa-p256-sha256', key, keyid: 'partner-1', components },
    { method: 'POST', url: `${PUBLIC}/hooks/partner?a=1`, headers, body: Buffer.from(BODY), nowMs, nonce },
  )
  if ('why' in made) throw new Error(made.why)
  return Object.fromEntries<string>([...headers, ...made])
}

describe('HTTP message signatures, through a running gate', () => {
  let gate: RunningGate
  let upstream: TestUpstream

  beforeAll(async () => {
    upstream = await startUpstream()
    const folder = tempFolder()
    writeFileSync(join(folder, 'partner.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    const yaml = `
listeners:
  - { name: public, bind: "127.0.0.1:0", public-url: ${PUBLIC} }
routes:
  - name: partner
    match: { path: /hooks/partner }
    checks:
      - signature:
          scheme: http-message-signature
          algorithm: ecdsa-p256-sha256
          keys: [{ id: partner-1, file: partner.pem }]
          require: ["@method", "@target-uri", content-digest, content-type]
          max-age: 5m
      - replay: {}
    forward: { to: "${upstream.url}/in" }
`
    gate = await startGate(yaml, {}, folder)
  }, 30_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    await upstream.close()
  }, 30_000)

  const send = (headers: Readonly<Record<string, string>>, body = BODY, path = '/hooks/partner?a=1') =>
    ask({ port: gate.port('public'), path, headers, body })

  it('forwards a signed request, once, by its nonce', async () => {
    const headers = signedBy(privateKey, 'event-1')
    expect((await send(headers)).status).toBe(200)
    expect(upstream.received.at(-1)).toMatchObject({
      url: '/in?a=1',
      body: Buffer.from(BODY),
      headers: { 'sallyport-principal': 'signature:partner-1', 'sallyport-event-id': 'event-1' },
    })
    // The same nonce in another signature is the same event.
    const again = await send(signedBy(privateKey, 'event-1', [...COVERED, '@path']))
    expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
    expect(upstream.received).toHaveLength(1)
  })

  it('refuses what differs from what was signed, and tells the log what', async () => {
    const headers = signedBy(privateKey, 'event-2')
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const { Signature: _, ...unsigned } = headers
    const refusals: [Promise<{ status: number; code: string }>, string][] = [
      [send(headers, BODY.replace('7', '8')), 'signature.mismatch'],
      [send(headers, BODY, '/hooks/partner?a=2'), 'signature.mismatch'],
      [send({ ...headers, 'Content-Type': 'application/json; charset=utf-8' }), 'signature.mismatch'],
      [send(signedBy(other, 'event-2')), 'signature.mismatch'],
      [send(signedBy(privateKey, 'event-2', COVERED, Date.now() - 302_000)), 'signature.expired'],
      [send(signedBy(privateKey, 'event-2', COVERED, Date.now() + 120_000)), 'signature.expired'],
      [send(signedBy(privateKey, 'event-2', ['@method', 'content-type'])), 'signature.incomplete'],
      [send(unsigned), 'signature.missing'],
      [send({ ...headers, 'Signature-Input': 'sig1=(' }), 'signature.malformed'],
    ]
    for (const [reply, code] of refusals) expect(await reply).toMatchObject({ status: 401, code })
    expect(upstream.received).toHaveLength(1)
    const line = await gate.line(({ code }) => code === 'signature.incomplete')
    expect(line.evidence).toMatchObject({ missing: ['"@target-uri"', '"content-digest"'] })
    expect(gate.stdout()).not.toContain(String(headers.Signature).slice(6, 30))
  })

  it('refuses a forged one before it asks for the body', async () => {
    const { Signature: _, ...headers } = signedBy(privateKey, 'event-3')
    const head = Object.entries({ ...headers, Signature: 'sig1=:AAAA:', Host: 'x', Expect: '100-continue' })
    const text = `POST /hooks/partner?a=1 HTTP/1.1\r\nContent-Length: ${BODY.length}\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
    const heard = await speak(gate.port('public'), socket => socket.write(text), 5000)
    expect(heard.text).toMatch(/^HTTP\/1\.1 401 /)
    expect(heard.text).not.toContain('100 Continue')
  })
})

describe('the test cases of RFC 9421, appendix B, over a socket', () => {
  it.each(CASES)('$name', async ({ algorithm, keyid, input, signature: value }) => {
    const upstream = await startUpstream()
    const shared = algorithm === 'hmac-sha256'
    const gate = await startFrozenGate(
      `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: rfc
    match: { path: /foo }
    public-url: https://example.com
    checks:
      - signature:
          scheme: http-message-signature
          algorithm: ${algorithm}
          ${shared ? 'key-form: base64' : ''}
          ${shared ? 'secrets' : 'keys'}: [{ id: ${keyid}, env: KEY }]
          require: []
    forward: { to: "${upstream.url}/in" }
`,
      { KEY: shared ? SHARED_SECRET : (KEYS[keyid as keyof typeof KEYS] ?? '') },
      CREATED * 1000,
    )
    const send = async (changes: Readonly<Record<string, string>> = {}, path = '/foo?param=Value&Pet=dog') => {
      const headers = { ...REQUEST.headers, 'Signature-Input': input, Signature: value, ...changes }
      const { status, code } = await ask({ port: gate.port('public'), path, headers, body: REQUEST.body })
      return code === '' ? status : code
    }
    try {
      expect(await send()).toBe(200)
      expect(upstream.received).toHaveLength(1)
      expect(upstream.received[0]?.headers['sallyport-principal']).toBe(`signature:${keyid}`)
      expect(await send({ Signature: value.replace(/:([A-Za-z])/, (_, first) => (first === 'x' ? ':y' : ':x')) })).toBe(
        'signature.mismatch',
      )
      expect(await send({ 'Signature-Input': input.replace('1618884473', '1618884474') })).toBe('signature.mismatch')
      if (input.includes('"date"'))
        expect(await send({ Date: 'Tue, 20 Apr 2021 02:07:56 GMT' })).toBe('signature.mismatch')
      if (input.includes('"Pet"')) expect(await send({}, '/foo?param=Value&Pet=cat')).toBe('signature.mismatch')
      expect(upstream.received).toHaveLength(1)
    } finally {
      await gate.close()
      await upstream.close()
    }
  })
})
