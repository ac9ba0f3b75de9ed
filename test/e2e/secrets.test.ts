import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, type Reply } from '../support/client.ts'
import { type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { signedBy } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** A text that is in no other text by accident. */
const canary = (): string => `canary${randomBytes(12).toString('hex')}`

/** Every way in which a secret could be written out. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), bytes.toString('hex')]
}

const leaksIn = (text: string, secrets: readonly string[]): string[] =>
  secrets.flatMap(forms).filter(form => text.toLowerCase().includes(form.toLowerCase()))

const KEY = canary()
const OUT_KEY = canary()
const SECRETS = {
  GITHUB: canary(),
  HOOK: `whsec_${Buffer.from(KEY).toString('base64')}`,
  HMAC: canary(),
  TELEGRAM: canary(),
  TOKEN: canary(),
  OUT: `whsec_${Buffer.from(OUT_KEY).toString('base64')}`,
  ADMIN: canary(),
}
const IN_FILE = canary()
const ALL = [...Object.values(SECRETS), KEY, OUT_KEY, IN_FILE]
const BODY = '{"a":1}'

describe('no secret leaves', () => {
  let gate: RunningGate
  let upstream: TestUpstream
  let folder = ''
  const replies: Reply[] = []
  let yaml = ''

  beforeAll(async () => {
    upstream = await startUpstream()
    folder = tempFolder()
    writeFileSync(join(folder, 'hmac.secret'), IN_FILE)
    const to = `{ to: "${upstream.url}/in", sign: { env: OUT }, digest: true, pass-headers: [X-Custom] }`
    yaml = `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
admin:
  bind: 127.0.0.1:0
  token: { env: ADMIN }
routes:
  - { name: github, match: { path: /github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }] } }, { replay: {} }], forward: ${to} }
  - { name: standard, match: { path: /standard }, checks: [{ signature: { provider: standard-webhooks, secrets: [{ env: HOOK }] } }], forward: ${to} }
  - { name: telegram, match: { path: /telegram }, checks: [{ signature: { provider: telegram, secrets: [{ env: TELEGRAM }] } }], forward: ${to} }
  - { name: token, match: { path: /token }, checks: [{ bearer: { tokens: [{ name: t, env: TOKEN, expires: 2099-01-01 }] } }], forward: ${to} }
  - { name: offline, match: { path: /offline }, checks: [{ bearer: { tokens: [{ name: t, env: MISSING }] } }], forward: ${to} }
  - name: hmac
    match: { path: /hmac }
    checks:
      - signature:
          scheme: hmac
          algorithm: sha256
          header: X-Signature
          encoding: hex
          payload: "{body}"
          secrets: [{ name: current, file: hmac.secret }, { name: previous, env: HMAC, expires: 2099-01-01 }]
    forward: ${to}
`
    gate = await startGate(yaml, SECRETS, folder, 2)
    const port = gate.port('public')
    const type = { 'content-type': 'application/json' }
    const send = async (path: string, headers: Readonly<Record<string, string>>, body = BODY): Promise<void> => {
      replies.push(await ask({ port, path, headers: { ...type, ...headers }, body }))
    }
    // What is right, what is nearly right, and secrets where they do not belong.
    await send('/github', signedBy('github', SECRETS.GITHUB, BODY))
    await send('/github', signedBy('github', SECRETS.GITHUB, `${BODY} `))
    await send('/github', { 'x-hub-signature-256': SECRETS.GITHUB })
    await send('/standard', signedBy('standard-webhooks', SECRETS.HOOK, BODY))
    await send('/standard', { ...signedBy('standard-webhooks', SECRETS.HOOK, BODY), 'webhook-id': 'x' })
    await send('/telegram', signedBy('telegram', SECRETS.TELEGRAM, BODY))
    await send('/telegram', { 'x-telegram-bot-api-secret-token': `${SECRETS.TELEGRAM} x` })
    await send('/token', { authorization: `Bearer ${SECRETS.TOKEN}`, 'x-custom': 'kept' })
    for (const value of [
      `Basic ${SECRETS.TOKEN}`,
      `Bearer  ${SECRETS.TOKEN}`,
      `Bearer ${SECRETS.TOKEN}x`,
      SECRETS.TOKEN,
    ])
      await send('/token', { authorization: value })
    await send(`/token?access_token=${SECRETS.TOKEN}`, {})
    await send(`/nowhere?access_token=${SECRETS.TOKEN}`, { authorization: `Bearer ${SECRETS.TOKEN}` })
    await send('/offline', { authorization: `Bearer ${SECRETS.TOKEN}` })
    await send('/hmac', { 'x-signature': IN_FILE })
    await send('/token', { authorization: `Bearer ${SECRETS.TOKEN}` }, `{"secret":"${SECRETS.TOKEN}`)
    const admin = gate.port('admin')
    for (const path of ['/metrics', '/readyz', '/nowhere', `/metrics?token=${SECRETS.ADMIN}`])
      for (const token of [SECRETS.ADMIN, `${SECRETS.ADMIN}x`, ''])
        replies.push(
          await ask({
            port: admin,
            path,
            method: 'GET',
            headers: token === '' ? {} : { authorization: `Bearer ${token}` },
          }),
        )
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(4)
    await gate.reload(yaml.replace('name: telegram', 'nmae: telegram'))
    await gate.line(line => line.code === 'body.malformed')
  }, 30_000)
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  it('in the log', () => {
    expect(gate.stdout()).toContain('signature.mismatch')
    expect(leaksIn(gate.stdout(), ALL)).toEqual([])
    expect(leaksIn(gate.stderr(), ALL)).toEqual([])
  })

  it('in an answer, or in the metrics', () => {
    expect(replies.some(({ body }) => body.includes('sallyport_'))).toBe(true)
    for (const { headers, body } of replies) expect(leaksIn(JSON.stringify(headers) + body, ALL)).toEqual([])
  })

  it('to the upstream', () => {
    expect(upstream.received.length).toBeGreaterThan(3)
    for (const { url, rawHeaders } of upstream.received) {
      expect(leaksIn(`${url} ${rawHeaders.join(' ')}`, ALL)).toEqual([])
    }
    expect(upstream.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,/)
  })

  it('in a plan', async () => {
    const file = join(folder, 'gate.yaml')
    writeFileSync(file, yaml)
    for (const options of [[], ['--plan'], ['--json'], ['--json', '--plan']]) {
      const { code, stdout, stderr } = await sallyport(['check', file, ...options], SECRETS)
      expect(code).toBe(0)
      expect(leaksIn(stdout + stderr, ALL)).toEqual([])
    }
  })

  const literal = canary()
  it.each([
    ['as text', `"${literal}"`],
    ['under a wrong key', `{ value: "${literal}" }`],
    ['under a key of its own', `{ secret: "${literal}" }`],
    ['with white space as a variable', `{ env: "${literal} and more" }`],
    ['in broken YAML', `[{ env: "${literal} }`],
  ])('of a config that holds it literally, %s', async (_how, value) => {
    const place = tempFolder()
    const file = join(place, 'gate.yaml')
    writeFileSync(file, yaml.replace('[{ env: GITHUB }]', `[${value}]`))
    try {
      for (const args of [
        ['check', file],
        ['check', file, '--json', '--plan'],
        ['run', '--config', file],
      ]) {
        const { stdout, stderr } = await sallyport(args, SECRETS)
        expect(leaksIn(stdout + stderr, [literal])).toEqual([])
      }
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  })

  it.each([
    ['a line end', (value: string) => `${value}\n`],
    ['a blank', (value: string) => `${value} `],
    ['a leading Bearer', (value: string) => `Bearer ${value}`],
    ['typographic quotes', (value: string) => `\u201c${value}\u201d`],
    ['a zero-width space', (value: string) => `${value.slice(0, 9)}\u200b${value.slice(9)}`],
  ])('in the problem of one that has %s', async (_what, spoil) => {
    const spoilt = canary()
    const file = join(folder, 'gate.yaml')
    const { code, stdout, stderr } = await sallyport(['check', file, '--json'], { ...SECRETS, TOKEN: spoil(spoilt) })
    expect(code).toBe(1)
    expect(stdout).toContain('TOKEN')
    expect(leaksIn(stdout + stderr, [spoilt, spoilt.slice(0, 9), spoilt.slice(9)])).toEqual([])
  })
})
