import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import twilio from 'twilio/lib/webhooks/webhooks.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { explain } from '../../src/cli/explain.ts'
import type { Finding } from '../../src/core/finding.ts'
import { providerOf } from '../../src/signing/index.ts'
import { runVerb } from './run-verb.ts'

const env = { TWILIO: '12345678901234567890123456789012', OWN: 'a-secret-of-our-own', BIRD: 'the-key-of-messagebird' }
const HOST = 'hooks.example.com'
const PUBLIC = `https://${HOST}`
const FORM = { From: '+491701234567', Body: 'Hi' }
const JSON_BODY = '{"a":1}'

interface Given {
  /** Of the listener; none where it is empty. */
  readonly origin?: string
  /** What the route matches. */
  readonly path?: string
}

/** A gate whose route signs as `by`. */
const gate = (by: string, { origin = PUBLIC, path = '/hooks/sms' }: Given): string => `
listeners: [{ name: public, bind: "127.0.0.1:0"${origin === '' ? '' : `, public-url: "${origin}"`} }]
routes:
  - name: sms
    match: { path: "${path}" }
    checks: [{ content-type: { accept: [form, json] } }, { signature: ${by} }]
    forward: { to: "http://127.0.0.1:9/x" }
`
const TWILIO = '{ provider: twilio, secrets: [{ env: TWILIO }] }'
const MESSAGEBIRD = '{ provider: messagebird, secrets: [{ env: BIRD }] }'
const spelled = (payload: string): string =>
  `{ scheme: hmac, algorithm: sha256, header: X-Sig, encoding: hex, payload: "${payload}", secrets: [{ env: OWN }] }`
const OWN = spelled('{url}{body}')

type Fields = Readonly<Record<string, string>>

/** The request that a service of `by` sends which was given `url`. */
function sent(by: string, url: string): { readonly fields: Fields; readonly body: string } {
  if (by === TWILIO) {
    const signature = twilio.getExpectedTwilioSignature(env.TWILIO, url, FORM)
    const fields = { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': signature }
    return { fields, body: new URLSearchParams(FORM).toString() }
  }
  const json = { 'Content-Type': 'application/json' }
  if (by === MESSAGEBIRD) {
    const message = { method: 'POST', url, body: Buffer.from(JSON_BODY), contentType: json['Content-Type'] }
    const key = Buffer.from(env.BIRD)
    const signed = providerOf('messagebird')?.scheme.sign(key, { ...message, nowMs: Date.now(), id: 'jti-1' }) ?? []
    return { fields: { ...json, ...Object.fromEntries(signed) }, body: JSON_BODY }
  }
  const text = /payload: "([^"]*)"/.exec(by)?.[1] ?? ''
  const path = new URL(url).pathname
  const payload = text
    .replaceAll('\\n', '\n')
    .replace('{method}', 'POST')
    .replace('{url}', url)
    .replace('{path}', path)
    .replace('{body}', JSON_BODY)
  return {
    fields: { ...json, 'X-Sig': createHmac('sha256', env.OWN).update(payload).digest('hex') },
    body: JSON_BODY,
  }
}

interface Came extends Given {
  readonly by: string
  /** What the service signed. */
  readonly signed: string
  /** What came. */
  readonly target?: string
  readonly host?: string
  readonly fields?: Fields
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-explain-url-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What `check` says of the gate, and what `explain` finds; none where the request is let through. */
async function asked({ by, signed, target = '/hooks/sms?a=1', host = HOST, fields = {}, ...given }: Came) {
  const made = sent(by, signed)
  const head = Object.entries({ Host: host, ...made.fields, ...fields, 'Content-Length': made.body.length })
  const lines = [`POST ${target} HTTP/1.1`, ...head.map(([name, value]) => `${name}: ${value}`), '', made.body]
  writeFileSync(join(folder, 'gate.yaml'), gate(by, given))
  writeFileSync(join(folder, 'request.txt'), lines.join('\r\n'))
  const checked = await runVerb(check, ['--config', 'gate.yaml'], { env, cwd: folder })
  expect(checked.code, checked.stderr).toBe(0)
  const args = ['request.txt', '--config', 'gate.yaml', '--json']
  const { stdout, code } = await runVerb(explain, args, { env, cwd: folder })
  const { steps } = JSON.parse(stdout) as { steps: { check: string; findings: Finding[] }[] }
  const findings = steps.find(({ check }) => check === 'signature')?.findings ?? []
  expect(JSON.stringify(findings)).not.toContain('a=1')
  return { passed: code === 0, findings, first: findings[0] }
}

const told = (mend: string | undefined, form: RegExp): string => form.exec(mend ?? '')?.[1] ?? 'not told'
const originIn = (mend: string | undefined): string =>
  told(mend, /^set public-url of the route or the listener to (\S+),/)
const enteredIn = (mend: string | undefined): string => told(mend, /enter the URL in the service as ([^\s,;]+)/)
const matchIn = (mend: string | undefined): string => told(mend, /and match (\S+) in the route$/)

describe('a URL that was signed otherwise, and its mend', () => {
  it.each<[by: string, signed: string, given?: Partial<Came>]>([
    [TWILIO, 'http://hooks.example.com'],
    [TWILIO, 'https://hooks.example.com:8443'],
    [TWILIO, 'https://other.example.com', { host: 'other.example.com' }],
    [TWILIO, 'http://tunnel.example.com:8080', { fields: { 'X-Forwarded-Host': 'tunnel.example.com' } }],
    [OWN, 'https://hooks.example.com:443'],
    [OWN, 'https://hooks.example.com', { origin: 'https://hooks.example.com:443' }],
    [OWN, 'https://hooks.example.com:443', { origin: 'https://hooks.example.com/' }],
    [OWN, 'http://hooks.example.com:80', { origin: '' }],
    [OWN, 'https://hooks.example.com', { origin: '' }],
  ])('%s: %s is named, and set as public-url', async (by, origin, given = {}) => {
    const came = { by, signed: `${origin}/hooks/sms?a=1`, ...given }
    const { first, passed } = await asked(came)
    expect(passed).toBe(false)
    expect(first).toMatchObject({ cause: 'signature.url', certainty: 'proven' })
    expect(originIn(first?.mend)).toBe(origin)
    expect(await asked({ ...came, origin: originIn(first?.mend) })).toMatchObject({ passed: true })
  })

  it.each([TWILIO, OWN])('%s: a slash at the end, entered without or passed on', async by => {
    const { first } = await asked({ by, signed: `${PUBLIC}/hooks/sms/?a=1` })
    expect(first).toMatchObject({ cause: 'signature.url', evidence: { 'signed-path': '/hooks/sms/' } })
    expect(first?.mend).not.toContain('public-url')
    const entered = enteredIn(first?.mend)
    expect(entered).toBe(`${PUBLIC}/hooks/sms`)
    expect(await asked({ by, signed: `${entered}?a=1` })).toMatchObject({ passed: true })
    const path = matchIn(first?.mend)
    expect(await asked({ by, signed: `${PUBLIC}/hooks/sms/?a=1`, path, target: `${path}?a=1` })).toMatchObject({
      passed: true,
    })
  })

  it('names no empty path to match', async () => {
    const { first } = await asked({ by: OWN, signed: PUBLIC, path: '/', target: '/' })
    expect(first?.mend).toBe(`enter the URL in the service as ${PUBLIC}/`)
    expect(await asked({ by: OWN, signed: enteredIn(first?.mend), path: '/', target: '/' })).toMatchObject({
      passed: true,
    })
  })

  it.each<[what: string, signed: string, fields?: Fields]>([
    ['a usual prefix', '/crm/hooks/sms'],
    ['X-Forwarded-Prefix', '/tenant-5/hooks/sms', { 'X-Forwarded-Prefix': '/tenant-5' }],
    ['X-Forwarded-Uri', '/in/7', { 'X-Forwarded-Uri': '/in/7?a=1' }],
    ['a prefix that a proxy adds', '/sms'],
  ])('%s: passed on as it came, and matched', async (_what, path, fields = {}) => {
    const came = { by: TWILIO, signed: `${PUBLIC}${path}?a=1`, fields }
    const { first } = await asked(came)
    expect(first).toMatchObject({ cause: 'signature.url', evidence: { 'signed-path': path } })
    expect(first?.mend).not.toContain('public-url')
    expect(first?.mend).toContain(`let the proxy in front pass the path on unchanged, and match ${path} in the route`)
    expect(await asked({ ...came, path, target: `${path}?a=1` })).toMatchObject({ passed: true })
  })

  it.each(['/hooks/Sms', '/hooks/s%20ms'])(
    '%s in lower case or without escapes: another path is entered',
    async path => {
      const signed = `${PUBLIC}${path.includes('%') ? decodeURIComponent(path) : path.toLowerCase()}`
      const { first } = await asked({ by: OWN, signed, path, target: path })
      expect(first).toMatchObject({ cause: 'signature.url', certainty: 'proven' })
      expect(first?.mend).toContain('small letters, digits and hyphens alone, and match it in the route')
      expect(first?.mend).not.toContain('public-url')
      expect(await asked({ by: OWN, signed: `${PUBLIC}/hooks/sms`, target: '/hooks/sms' })).toMatchObject({
        passed: true,
      })
    },
  )

  it.each([TWILIO, OWN])('%s: a query that is not signed is taken off', async by => {
    const { first } = await asked({ by, signed: `${PUBLIC}/hooks/sms` })
    expect(first?.mend).toMatch(
      /^let the proxy in front add no query; where the URL in the service has it, enter that without/,
    )
    expect(await asked({ by, signed: `${PUBLIC}/hooks/sms`, target: '/hooks/sms' })).toMatchObject({ passed: true })
  })

  it('tells a clause for each part that differs, which hold together', async () => {
    const { first } = await asked({ by: OWN, signed: 'http://hooks.example.com/hooks/sms/' })
    const [origin, path, query] = first?.mend.split('. Then ') ?? []
    expect(query).toMatch(/^let the proxy in front add no query/)
    const set = originIn(origin)
    expect(path).toMatch(/^enter the URL in the service as http:\/\/hooks\.example\.com\/hooks\/sms; or /)
    const signed = enteredIn(path)
    expect(await asked({ by: OWN, signed, origin: set, target: '/hooks/sms' })).toMatchObject({ passed: true })
  })
})

describe('a URL that no variant finds', () => {
  const THROUGH = { 'X-Forwarded-For': '192.0.2.9' }

  it.each<[what: string, came: Came]>([
    ['another host', { by: TWILIO, signed: 'https://sms.example.net/hooks/sms?a=1' }],
    ['a prefix that was stripped', { by: TWILIO, signed: `${PUBLIC}/in/hooks/sms?a=1` }],
    ['a query that was dropped', { by: TWILIO, signed: `${PUBLIC}/hooks/sms?b=2&a=1`, target: '/hooks/sms' }],
    ['a query in another order', { by: OWN, signed: `${PUBLIC}/hooks/sms?b=2&a=1`, target: '/hooks/sms?a=1&b=2' }],
    ['a template with the method', { by: spelled('{method}\\n{url}\\n{body}'), signed: `${PUBLIC}/in/hooks/sms?a=1` }],
  ])('%s: it is perhaps another URL', async (_what, came) => {
    const { findings } = await asked(came)
    expect(findings.every(({ certainty }) => certainty === 'possible')).toBe(true)
    expect(findings.map(({ cause }) => cause)).toEqual([
      'signature.unknown-secret',
      'signature.unknown-url',
      'signature.body-changed',
    ])
    expect(findings[1]).toMatchObject({ evidence: { url: `${PUBLIC}/hooks/sms` } })
    expect(findings[1]?.because).toContain(`${PUBLIC}/hooks/sms and `)
    const behind = await asked({ ...came, fields: THROUGH })
    expect(behind.first?.cause).toBe('signature.unknown-url')
  })

  it('counts the parameters of the query, and names none', async () => {
    const { findings } = await asked({ by: OWN, signed: 'https://sms.example.net/', target: '/hooks/sms?t0k3n&b=2' })
    expect(findings[1]).toMatchObject({ evidence: { url: `${PUBLIC}/hooks/sms`, 'query-parameters': 2 } })
    expect(JSON.stringify(findings)).not.toContain('t0k3n')
  })

  it('is a path where the path alone is signed, and nothing where none of it is', async () => {
    const path = await asked({ by: spelled('{path}\\n{body}'), signed: `${PUBLIC}/in/hooks/sms` })
    expect(path.findings[1]).toMatchObject({ cause: 'signature.unknown-url', evidence: { path: '/hooks/sms' } })
    const none = await asked({ by: spelled('other{body}').replace('env: OWN', 'env: BIRD'), signed: PUBLIC })
    expect(none.findings.map(({ cause }) => cause)).toEqual(['signature.unknown-secret', 'signature.body-changed'])
  })

  it('is likely where the signature holds and a digest of another URL is signed', async () => {
    const { findings } = await asked({ by: MESSAGEBIRD, signed: `${PUBLIC}/in/hooks/sms` })
    expect(findings).toMatchObject([{ level: 'fail', cause: 'signature.unknown-url', certainty: 'likely' }])
  })
})
