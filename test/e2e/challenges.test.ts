import { createHmac } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { provider, signed } from '../checks/sent.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { credentials } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

let crm: TestUpstream
let gate: RunningGate | undefined

beforeEach(async () => {
  crm = await startUpstream()
})

afterEach(async () => {
  await gate?.stop()
  await crm.close()
})

const open = (): string => new Date(Date.now() + 600_000).toISOString().replace(/\.\d+Z$/, 'Z')

const config = (until: string): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: slack
    match: { path: /slack }
    checks:
      - content-type: { accept: [json, form] }
      - signature: { provider: slack, secrets: [{ env: SLACK_SECRET }] }
      - challenge: {}
    forward: { to: ${crm.url}/slack }
  - name: dropbox
    match: { path: /dropbox }
    checks:
      - signature: { provider: dropbox, secrets: [{ env: SLACK_SECRET }] }
      - challenge: { open-until: "${until}" }
    forward: { to: ${crm.url}/dropbox }
  - name: notion
    match: { path: /notion }
    checks:
      - signature: { provider: notion, secrets: [{ file: notion.secret }] }
      - challenge: { open-until: "${until}", save-to: notion.secret }
    forward: { to: ${crm.url}/notion }
`

/** A Meta and an Asana route behind `checks`, entries of YAML. */
const guarded = (...checks: readonly string[]): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: meta
    match: { path: /meta }
    checks:
${checks.map(check => `      - ${check}`).join('\n')}
      - signature: { provider: meta, secrets: [{ env: SLACK_SECRET }] }
      - challenge: { verify-token: { env: VERIFY_TOKEN } }
    forward: { to: ${crm.url}/meta }
  - name: asana
    match: { path: /asana }
    checks:
${checks.map(check => `      - ${check}`).join('\n')}
      - signature: { provider: slack, secrets: [{ file: asana.secret }] }
      - challenge: { provider: asana, open-until: "${open()}", save-to: asana.secret }
    forward: { to: ${crm.url}/asana }
`

const SECRET = 'a-signing-secret'
const VERIFY_TOKEN = 'the-verify-token'
const PAIRING = { 'x-hook-secret': 'b537207f20cbfa02357cf448134da559' }

async function startGuarded(...checks: readonly string[]): Promise<string> {
  gate = await startGate(guarded(...checks), { SLACK_SECRET: SECRET, VERIFY_TOKEN })
  return `http://127.0.0.1:${gate.port('public')}`
}

const subscription = (token: string): string =>
  `/meta?${new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': token })}`

async function start(until: string): Promise<string> {
  gate = await startGate(config(until), { SLACK_SECRET: SECRET })
  return `http://127.0.0.1:${gate.port('public')}`
}

async function codeOf(answer: Response): Promise<unknown> {
  const problem: unknown = await answer.json()
  return typeof problem === 'object' && problem !== null ? Reflect.get(problem, 'code') : undefined
}

const json = (body: string, headers: Readonly<Record<string, string>> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body,
})

describe('challenges through a running gate', () => {
  it("answers Slack's once it is signed, and forwards nothing", async () => {
    const url = await start(open())
    const body = JSON.stringify({ type: 'url_verification', challenge: 'abc123' })
    const at = String(Math.floor(Date.now() / 1000))
    const mac = createHmac('sha256', SECRET).update(`v0:${at}:${body}`).digest('hex')
    const signed = { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${mac}` }
    const answered = await fetch(`${url}/slack`, json(body, signed))
    expect([answered.status, await answered.text()]).toEqual([200, 'abc123'])
    expect(answered.headers.get('x-content-type-options')).toBe('nosniff')
    const forged = await fetch(`${url}/slack`, json(body, { ...signed, 'x-slack-signature': `v0=${'0'.repeat(64)}` }))
    expect([forged.status, (await forged.text()).includes('abc123')]).toEqual([401, false])
    expect(crm.received).toEqual([])
  })

  it('lets a GET through to the handshake and to nothing else', async () => {
    const url = await start(open())
    const answered = await fetch(`${url}/dropbox?challenge=abc123`)
    expect([answered.status, await answered.text()]).toEqual([200, 'abc123'])
    expect(answered.headers.get('content-type')).toContain('text/plain')
    const other = await fetch(`${url}/dropbox`)
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await fetch(`${url}/dropbox?challenge=abc123`, { method: 'DELETE' })).status).toBe(405)
    expect((await fetch(`${url}/slack?challenge=abc123`)).status).toBe(405)
    expect(crm.received).toEqual([])
  })

  it('answers nobody while the window is closed', async () => {
    const url = await start('2020-01-01T00:00:00Z')
    expect((await fetch(`${url}/dropbox?challenge=abc123`)).status).toBe(403)
    expect((await fetch(`${url}/notion`, json('{"verification_token":"secret_0123456789abcdef"}'))).status).toBe(503)
  })

  it('pairs: the secret goes into its file alone, and the route comes online by it', async () => {
    const url = await start(open())
    const token = 'secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl'
    const event = '{"type":"page.created"}'
    const signed = json(event, {
      'x-notion-signature': `sha256=${createHmac('sha256', token).update(event).digest('hex')}`,
    })
    const running = gate
    if (!running) throw new Error('no gate')
    const reloaded = running.next(({ msg }) => msg === 'reloaded', 15_000)
    expect((await fetch(`${url}/notion`, json(JSON.stringify({ verification_token: token })))).status).toBe(200)
    const file = join(running.folder, 'notion.secret')
    expect(readFileSync(file, 'utf8')).toBe(token)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await reloaded
    expect((await fetch(`${url}/notion`, signed)).status).toBe(200)
    expect(crm.received.map(({ body }) => body.toString())).toEqual([event])
    expect(running.lines).toContainEqual(expect.objectContaining({ msg: 'secret kept', route: 'notion' }))
    expect(running.stdout()).not.toContain(token)
    // A second pairing, by whomever, changes nothing.
    const second = await fetch(`${url}/notion`, json('{"verification_token":"secret_of_a_stranger_0123"}'))
    expect(second.status).toBe(401)
    expect(readFileSync(file, 'utf8')).toBe(token)
  })
})

describe('the checks that a handshake must pass', () => {
  it('refuse it from a foreign address, and nothing is paired', async () => {
    const url = await startGuarded('source-ip: { allow: [192.0.2.0/24] }')
    const answered = await fetch(`${url}${subscription(VERIFY_TOKEN)}`)
    expect([answered.status, await codeOf(answered)]).toEqual([403, 'source-ip.outside'])
    expect((await fetch(`${url}/asana`, json('{}', PAIRING))).status).toBe(403)
    expect(existsSync(join(gate?.folder ?? '', 'asana.secret'))).toBe(false)
  })

  it('let it through from an address of theirs, although the route lacks its secret', async () => {
    const url = await startGuarded('source-ip: { allow: [127.0.0.0/8] }')
    expect(await (await fetch(`${url}${subscription(VERIFY_TOKEN)}`)).text()).toBe('1158201444')
    const paired = await fetch(`${url}/asana`, json('{}', PAIRING))
    expect([paired.status, paired.headers.get('x-hook-secret')]).toEqual([200, PAIRING['x-hook-secret']])
  })

  it('limit guesses of a verify token', async () => {
    const url = await startGuarded('rate-limit: { rate: 3/h }')
    const statuses: number[] = []
    for (const token of ['a', 'b', 'c', 'd']) statuses.push((await fetch(`${url}${subscription(token)}`)).status)
    expect(statuses).toEqual([403, 403, 403, 429])
    const late = await fetch(`${url}${subscription(VERIFY_TOKEN)}`)
    expect([late.status, await codeOf(late)]).toEqual([429, 'rate-limit.exceeded'])
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('count an ordinary request once', async () => {
    const url = await startGuarded('rate-limit: { rate: 2/h }')
    const body = '{"object":"page"}'
    const mac = createHmac('sha256', SECRET).update(body).digest('hex')
    const statuses: number[] = []
    for (let i = 0; i < 3; i++)
      statuses.push((await fetch(`${url}/meta`, json(body, { 'x-hub-signature-256': `sha256=${mac}` }))).status)
    expect(statuses).toEqual([200, 200, 429])
  })

  it('keep it from being answered where one of them can not be made', async () => {
    const url = await startGuarded('source-ip: { allow: [127.0.0.0/8, { file: missing.txt }] }')
    expect((await fetch(`${url}${subscription(VERIFY_TOKEN)}`)).status).not.toBe(200)
    expect((await fetch(`${url}/asana`, json('{}', PAIRING))).status).toBe(503)
    expect(existsSync(join(gate?.folder ?? '', 'asana.secret'))).toBe(false)
  })
})

describe('challenges that a signature vouches for', () => {
  const discord = credentials(provider('discord'))
  const services = ['discord', 'twitch', 'front-application'] as const
  const routes = (): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:${services
    .map(
      id => `
  - name: ${id}
    match: { path: /${id} }
    checks:
      - signature: { provider: ${id}, ${id === 'discord' ? 'keys: [{ env: DISCORD_KEY }]' : 'secrets: [{ env: SECRET }]'} }
      - challenge: {}
      - replay: {}
    forward: { to: ${crm.url}/${id} }`,
    )
    .join('')}
`

  type Said = readonly [status: number, text: string]
  const events: readonly (readonly [(typeof services)[number], unknown, Readonly<Record<string, string>>, Said])[] = [
    ['discord', { id: '1', token: 'x', type: 1, version: 1 }, {}, [200, '{"type":1}']],
    ['discord', { version: 1, application_id: '2', type: 0 }, {}, [204, '']],
    ['discord', { version: 1, type: 1, event: { type: 'ENTITLEMENT_CREATE' } }, {}, [200, 'upstream']],
    ['discord', { id: '3', type: 2, data: { name: 'x' } }, {}, [200, 'upstream']],
    ['twitch', { challenge: 'pogchamp-kappa', subscription: { id: 'f1' } }, {}, [200, 'pogchamp-kappa']],
    ['twitch', { subscription: { id: 'f1' }, event: { challenge: 'a' } }, {}, [200, 'upstream']],
    ['twitch', { challenge: '<svg>', subscription: { id: 'f1' } }, {}, [400, 'challenge.malformed']],
    ['front-application', { type: 'sync' }, { 'X-Front-Challenge': 'ab-1' }, [200, '{"challenge":"ab-1"}']],
    ['front-application', { type: 'inbound' }, { 'X-Front-Challenge': 'ab-1' }, [200, 'upstream']],
  ]

  it('are answered once it holds, and other events are forwarded', async () => {
    gate = await startGate(routes(), { SECRET, DISCORD_KEY: discord.given })
    for (const [id, event, more, [status, said]] of events) {
      crm.received.length = 0
      const body = Buffer.from(JSON.stringify(event))
      const { headers } = signed(id, id === 'discord' ? discord.held : SECRET, body, 'application/json', Date.now())
      const sent = { ...(headers as Readonly<Record<string, string>>), ...more }
      const url = `http://127.0.0.1:${gate.port('public')}/${id}`
      const answered = await fetch(url, { method: 'POST', headers: sent, body })
      const text = await answered.text()
      const forwarded = said === 'upstream'
      expect([id, event, answered.status, crm.received.length]).toEqual([id, event, status, forwarded ? 1 : 0])
      if (!forwarded) expect(text).toContain(said)
    }
    const unsigned = await fetch(`http://127.0.0.1:${gate.port('public')}/twitch`, json('{"challenge":"a"}'))
    expect([unsigned.status, (await unsigned.text()).includes('"a"')]).toEqual([401, false])
  })
})

it('Zoom is answered with its own secret where another signature is listed first', async () => {
  gate = await startGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: both
    match: { path: /both }
    checks:
      - any-of:
          - signature: { provider: slack, secrets: [{ env: SLACK_SECRET }] }
          - signature: { provider: zoom, secrets: [{ env: ZOOM_SECRET }] }
      - challenge: { provider: zoom }
    forward: { to: ${crm.url}/both }
`,
    { SLACK_SECRET: SECRET, ZOOM_SECRET: 'the-secret-token' },
  )
  const body = Buffer.from('{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}')
  const { headers } = signed('zoom', 'the-secret-token', body, 'application/json', Date.now())
  const url = `http://127.0.0.1:${gate.port('public')}/both`
  const answered = await fetch(url, { method: 'POST', headers: headers as Readonly<Record<string, string>>, body })
  const encryptedToken = createHmac('sha256', 'the-secret-token').update('qgg8vlvZRS6UYooatFL8Aw').digest('hex')
  expect(await answered.json()).toEqual({ plainToken: 'qgg8vlvZRS6UYooatFL8Aw', encryptedToken })
})

it('a HEAD of Trello or Intercom is answered in its window alone', async () => {
  const config = (until: string): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: trello
    match: { path: /trello }
    checks:
      - signature: { provider: trello, secrets: [{ env: SECRET }] }
      - challenge: { open-until: "${until}" }
    forward: { to: ${crm.url}/trello }
  - name: intercom
    match: { path: /intercom }
    checks:
      - signature: { provider: intercom, secrets: [{ env: SECRET }] }
      - challenge: { open-until: "2020-01-01T00:00:00Z" }
    forward: { to: ${crm.url}/intercom }
`
  gate = await startGate(config(open()), { SECRET })
  const ask = (path: string, method: string) => fetch(`http://127.0.0.1:${gate?.port('public')}${path}`, { method })
  expect((await ask('/trello', 'HEAD')).status).toBe(200)
  expect((await ask('/trello', 'GET')).status).toBe(405)
  expect((await ask('/intercom', 'HEAD')).status).toBe(403)
  expect(crm.received).toEqual([])
})
