import { createHmac } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
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

const SECRET = 'a-signing-secret'

async function start(until: string): Promise<string> {
  gate = await startGate(config(until), { SLACK_SECRET: SECRET })
  return `http://127.0.0.1:${gate.port('public')}`
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
