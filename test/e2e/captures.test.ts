import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CaptureList, SendReport } from '../../src/console/captures-api.ts'
import type { PatternList } from '../../src/console/patterns-api.ts'
import type { MaskedCapture } from '../../src/gateway/masked-capture.ts'
import type { Explanation } from '../../src/pipeline/explanation.ts'
import { ask, type Reply } from '../support/client.ts'
import { type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { signedBy } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const ENV = {
  ADMIN_TOKEN: 'the-admin-token-of-this-test',
  GITHUB_SECRET: 'the-github-secret-of-this-test',
  KB_TOKEN: 'the-kb-token-of-this-test',
  LATER: 'the-old-secret-of-this-test',
}
const yaml = (admin: number, upstream: string, github = 'GITHUB_SECRET') => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:${admin}", token: { env: ADMIN_TOKEN } }
captures: { keep: 100, max-body: 1KiB, mask: ["$.message.from.phone_number", "$.cards[*].number"] }
routes:
  - name: github
    match: { path: /hooks/github }
    checks:
      - signature: { provider: github, secrets: [{ env: ${github} }] }
      - schema: { inline: { type: object, required: [repository] } }
        mode: report
    forward: { to: ${upstream}/github }
  - name: kb
    match: { path: /kb }
    checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] } }]
    forward: { to: ${upstream}/kb }
  - name: sized
    match: { path: /sized }
    checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] } }]
    forward: { to: ${upstream}/sized }
  - name: nowhere
    match: { path: /nowhere }
    checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] } }]
    forward: { to: "http://127.0.0.1:1/in" }
  - name: open-in-report
    match: { path: /report }
    checks:
      - source-ip: { allow: [127.0.0.0/8] }
      - bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] }
        mode: report
      - rate-limit: { rate: 2/d, by: route }
        mode: report
      - replay: {}
        mode: report
    forward: { to: ${upstream}/report }
`

let crm: TestUpstream
let gate: RunningGate
let admin: number
let status = 200

beforeAll(async () => {
  crm = await startUpstream((_req, res) => res.writeHead(status, { 'content-type': 'application/json' }).end('{}'))
  admin = await freePort()
  gate = await startGate(yaml(admin, crm.url), ENV, undefined, 2)
})

afterAll(async () => {
  await gate.stop()
  await crm.close()
})

const send = (path: string, headers: Record<string, string>, body = '{}'): Promise<Reply> =>
  ask({ port: gate.port('public'), path, headers: { 'content-type': 'application/json', ...headers }, body })

const idOf = ({ headers }: Reply): string => String(headers['x-request-id'])

interface AdminReply {
  readonly status: number
  readonly body: string
}

function api(
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<AdminReply> {
  const auth = { authorization: `Bearer ${ENV.ADMIN_TOKEN}`, ...headers }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port: admin, host: '127.0.0.1', path, method, headers: auth, agent: false },
      reply => {
        let text = ''
        reply.setEncoding('utf8')
        reply.on('data', data => {
          text += data
        })
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body: text }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

async function got<T>(path: string): Promise<T> {
  const { status: answered, body } = await api(path)
  expect(answered, body).toBe(200)
  return JSON.parse(body) as T
}

const post = (path: string, headers: Record<string, string> = {}) =>
  api(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } })

describe('a refused request', () => {
  it('is kept, and its log line says how to ask', async () => {
    const reply = await send('/hooks/github', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` })
    const id = idOf(reply)
    expect(reply.status).toBe(401)
    const line = await gate.line(each => each['request-id'] === id)
    expect(line.remedy).toBe(`sallyport explain ${id}`)
    const { captures } = await got<CaptureList>('/api/captures?route=github&code=signature.mismatch')
    expect(captures[0]).toMatchObject({ id, route: 'github', code: 'signature.mismatch', status: 401, bytes: 2 })
  })

  it('is explained check by check', async () => {
    const id = idOf(await send('/hooks/github', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }))
    const explanation = await got<Explanation>(`/api/captures/${id}/explain`)
    expect(explanation.refusal?.code).toBe('signature.mismatch')
    expect(explanation.steps.map(({ check, outcome }) => [check, outcome])).toEqual([
      ['body-limit', 'pass'],
      ['content-type', 'pass'],
      ['content-encoding', 'pass'],
      ['signature', 'fail'],
      ['schema', 'not-reached'],
    ])
    const { stdout, code } = await sallyport(['explain', id, '--config', 'gate.yaml'], ENV, gate.folder)
    expect(code).toBe(0)
    expect(stdout).toContain('POST /hooks/github from 127.0.0.1, route github: refused, 401 signature.mismatch')
    expect(stdout).toMatch(/^ {2}pass {2}body-limit +2 bytes of 1 MiB$/m)
    expect(stdout).toMatch(/^ {2}FAIL {2}signature {2,}/m)
    expect(stdout).toMatch(/^ {3}- {4}schema not reached$/m)
  })

  it('shows no credential, and none of the fields that are named', async () => {
    const body = JSON.stringify({
      message: { from: { phone_number: '+49 170 1234567', name: 'Ada' } },
      cards: [{ number: '4111111111111111', kind: 'visa' }],
      api_token: 'a-token-in-the-body',
      note: `it holds ${ENV.GITHUB_SECRET} by mistake`,
      big: 12345678901234567890n.toString(),
    })
    const reply = await send(
      `/hooks/github?access_token=a-token-in-the-query&page=2`,
      {
        'x-hub-signature-256': `sha256=${'ab'.repeat(32)}`,
        authorization: 'Bearer a-token-in-a-header',
        cookie: 'sid=a-cookie',
        'x-custom': `leaked ${ENV.GITHUB_SECRET}`,
      },
      body,
    )
    const id = idOf(reply)
    const kept = await got<MaskedCapture>(`/api/captures/${id}`)
    const all = JSON.stringify([kept, await got(`/api/captures/${id}/explain`), await got('/api/captures')])
    for (const hidden of ['a-token-in', 'a-cookie', 'abab', '1234567"', '4111', ENV.GITHUB_SECRET, ENV.ADMIN_TOKEN])
      expect(all).not.toContain(hidden)
    expect(kept.target).toBe('/hooks/github?access_token=(masked)&page=2')
    expect(JSON.parse(kept.body.text ?? '')).toMatchObject({
      message: { from: { phone_number: '(masked)', name: 'Ada' } },
      cards: [{ number: '(masked)', kind: 'visa' }],
      api_token: '(masked)',
      note: 'it holds (masked) by mistake',
    })
  })

  it('is kept without the body that is larger than max-body, which is not shown', async () => {
    const reply = await send(
      '/hooks/github',
      { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
      JSON.stringify({ a: 'x'.repeat(2000) }),
    )
    const { body } = await got<MaskedCapture>(`/api/captures/${idOf(reply)}`)
    expect(body).toMatchObject({ bytes: 2008, cut: true, text: null })
    expect((await post(`/api/captures/${idOf(reply)}/send`)).body).toContain('admin.cut')
  })

  it('that matches no route is told which is nearest', async () => {
    const id = idOf(await send('/hooks/githup', {}))
    const { steps } = await got<Explanation>(`/api/captures/${id}/explain`)
    expect(steps).toMatchObject([{ check: 'route', outcome: 'fail', findings: [{ cause: 'route.nearest' }] }])
    expect(steps[0]?.findings[0]?.because).toContain('github')
  })

  it('by the request policy, or by the parser, is kept too', async () => {
    const policy = await ask({ port: gate.port('public'), path: '/a//b', method: 'POST' })
    const explanation = await got<Explanation>(`/api/captures/${idOf(policy)}/explain`)
    expect(explanation.steps).toMatchObject([{ check: 'request', findings: [{ cause: 'request.rule' }] }])
  })

  it('that no upstream took is explained with every check passed', async () => {
    const id = idOf(await send('/nowhere', { authorization: `Bearer ${ENV.KB_TOKEN}` }))
    const { steps, outcome } = await got<Explanation>(`/api/captures/${id}/explain`)
    expect(outcome).toBe('failed')
    expect(steps.map(step => [step.check, step.outcome])).toEqual([
      ['bearer', 'pass'],
      ['body-limit', 'pass'],
      ['content-type', 'pass'],
      ['content-encoding', 'pass'],
      ['forward', 'fail'],
    ])
    expect(steps[0]?.note).toBe('it is kb-sync')
  })

  it('that the upstream answered with an error is kept', async () => {
    status = 500
    const id = idOf(await send('/kb', { authorization: `Bearer ${ENV.KB_TOKEN}` }))
    status = 200
    const { steps } = await got<Explanation>(`/api/captures/${id}/explain`)
    expect(steps.at(-1)).toMatchObject({ check: 'forward', outcome: 'fail' })
    expect(steps.at(-1)?.note).toContain('500')
  })

  it('that was accepted is not kept', async () => {
    const id = idOf(await send('/kb', { authorization: `Bearer ${ENV.KB_TOKEN}` }))
    expect(await api(`/api/captures/${id}`)).toMatchObject({ status: 404 })
    const { code, stderr } = await sallyport(['explain', id, '--config', 'gate.yaml'], ENV, gate.folder)
    expect(code).toBe(1)
    expect(stderr).toContain('mend:')
  })
})

describe('a check in report mode', () => {
  it('refuses nothing, and is counted, logged and explained', async () => {
    const body = '{"zen":"x"}'
    const reply = await send('/hooks/github', signedBy('github', ENV.GITHUB_SECRET, body), body)
    expect(reply.status).toBe(200)
    const id = idOf(reply)
    const line = await gate.line(each => each['request-id'] === id)
    expect(line).toMatchObject({ msg: 'forwarded', 'would-refuse': [{ check: 'schema', code: 'schema.invalid' }] })
    const explanation = await got<Explanation>(`/api/captures/${id}/explain`)
    expect(explanation.refusal).toBeNull()
    expect(explanation.steps.at(-1)).toMatchObject({ check: 'schema', outcome: 'report', code: 'schema.invalid' })
    const { captures } = await got<CaptureList>('/api/captures?code=schema.invalid')
    expect(captures.map(each => each.id)).toContain(id)
    const { body: metrics } = await api('/metrics')
    expect(metrics).toContain('sallyport_would_refuse_total{route="github",check="schema",code="schema.invalid"} 1')
  })

  it('establishes nobody, counts by itself and claims nothing of others', async () => {
    const first = await send('/report', { authorization: `Bearer ${ENV.KB_TOKEN}` }, '{"n":1}')
    const again = await send('/report', {}, '{"n":1}')
    const third = await send('/report', {}, '{"n":2}')
    expect([first.status, again.status, third.status]).toEqual([200, 200, 200])
    expect(first.headers.ratelimit).toBeUndefined()
    const received = crm.received.filter(({ url }) => url === '/report')
    expect(received).toHaveLength(3)
    for (const { headers } of received) expect(headers['sallyport-principal']).toBeUndefined()
    const codes = async (reply: Reply) =>
      (
        (await gate.line(each => each['request-id'] === idOf(reply)))['would-refuse'] as { code: string }[] | undefined
      )?.map(({ code }) => code)
    expect(await codes(first)).toBeUndefined()
    expect(await codes(again)).toEqual(['bearer.missing', 'replay.duplicate'])
    expect(await codes(third)).toEqual(['bearer.missing', 'rate-limit.exceeded'])
  })
})

describe('sending again', () => {
  it('goes through every check of the config in force, and counts', async () => {
    const body = '{"repository":1}'
    const refused = await send('/hooks/github', signedBy('github', ENV.LATER, body), body)
    expect(refused.code).toBe('signature.mismatch')
    const id = idOf(refused)
    const before = crm.received.length
    const still = JSON.parse((await post(`/api/captures/${id}/send`)).body) as SendReport
    expect(still).toMatchObject({ outcome: 'refused', code: 'signature.mismatch' })
    expect(crm.received.length).toBe(before)
    expect(await gate.reload(yaml(admin, crm.url, 'LATER'))).toMatchObject({ msg: 'reloaded' })
    for (const at of ['now', 'received']) {
      const sent = JSON.parse((await post(`/api/captures/${id}/send?at=${at}`)).body) as SendReport
      expect(sent).toMatchObject({ outcome: 'forwarded', status: 200, code: null })
      await gate.line(each => each['request-id'] === sent['request-id'] && each.msg === 'forwarded')
    }
    expect(crm.received.slice(before).map(each => each.body.toString())).toEqual([body, body])
    await gate.reload(yaml(admin, crm.url))
  })

  it('has the body of a request that was refused by its head', async () => {
    const id = idOf(await send('/kb', { authorization: 'Bearer another' }, '{"all":"of it"}'))
    const kept = await vi.waitFor(async () => {
      const capture = await got<MaskedCapture>(`/api/captures/${id}`)
      expect(capture.body).toMatchObject({ cut: false })
      return capture
    })
    expect(kept.body.text).toBe('{"all":"of it"}')
  })

  it.each([
    ['without the token', { authorization: '' }, 401],
    ['with another token', { authorization: 'Bearer another' }, 401],
    ['from a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['from another origin', { origin: 'https://evil.test' }, 403],
    ['under another name', { host: 'evil.test' }, 421],
    ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['as text', { 'content-type': 'text/plain' }, 415],
  ])('is refused %s', async (_how, headers, expected) => {
    const id = idOf(await send('/kb', { authorization: 'Bearer another' }))
    const before = crm.received.length
    expect(await post(`/api/captures/${id}/send`, headers)).toMatchObject({ status: expected })
    expect(crm.received.length).toBe(before)
  })

  it('is no matter of GET, nor reading one of POST', async () => {
    const id = idOf(await send('/kb', { authorization: 'Bearer another' }))
    expect(await api(`/api/captures/${id}/send`)).toMatchObject({ status: 405 })
    expect(await post(`/api/captures/${id}`)).toMatchObject({ status: 405 })
    expect(await post('/api/captures')).toMatchObject({ status: 405 })
  })
})

describe('the API (adm-001 to adm-011)', () => {
  it.each([
    '/api/captures',
    '/api/captures/01KAR5D9M0V7T3E8Q2J4XWY6ZB',
    '/api/captures/01KAR5D9M0V7T3E8Q2J4XWY6ZB/explain',
  ])('%s asks for the token, the right Host and its own pages', async path => {
    expect(await api(path, { headers: { authorization: '' } })).toMatchObject({ status: 401 })
    expect(await api(path, { headers: { host: 'evil.test' } })).toMatchObject({ status: 421 })
    expect(await api(path, { headers: { origin: 'https://evil.test', cookie: 'a=b' } })).toMatchObject({ status: 403 })
    expect(await api(path, { headers: { 'sec-fetch-site': 'cross-site' } })).toMatchObject({ status: 403 })
  })

  it('is not on the public listener (adm-006)', async () => {
    expect(await ask({ port: gate.port('public'), path: '/api/captures' })).toMatchObject({ status: 404 })
  })

  it.each(['?limit=0', '?limit=x', '?limit=100000', '?since=yesterday', '?what=ever'])(
    'refuses the query %s',
    async query => {
      expect(await api(`/api/captures${query}`)).toMatchObject({ status: 400 })
    },
  )
})

describe('what failures have in common', () => {
  it('is told by route, with what the latest capture of it says', async () => {
    for (let n = 0; n < 12; n++) await send('/sized', { authorization: `Bearer ${ENV.KB_TOKEN}` })
    status = 500
    const large = JSON.stringify({ a: 'x'.repeat(270_000) })
    for (let n = 0; n < 6; n++) await send('/sized', { authorization: `Bearer ${ENV.KB_TOKEN}` }, large)
    status = 200
    await send('/sized', { authorization: `Bearer ${ENV.KB_TOKEN}` }, JSON.stringify({ a: 'x'.repeat(200_000) }))
    const { patterns } = await got<PatternList>('/api/patterns?route=sized')
    const found = patterns.find(({ code }) => code === 'upstream.500')
    expect(found?.sentence).toMatch(/only bodies over 256 KiB, .*all answered 500 by the upstream$/)
    expect(found?.mend).toContain('X-Request-Id')
    const { stdout } = await sallyport(['explain', '--route', 'sized', '--config', 'gate.yaml'], ENV, gate.folder)
    expect(stdout).toContain(`route sized: ${found?.sentence}`)
    const mistyped = await sallyport(['explain', '--route', 'sizd', '--config', 'gate.yaml'], ENV, gate.folder)
    expect(mistyped).toMatchObject({ code: 2, stdout: '' })
    expect(mistyped.stderr).toContain('there is no route "sizd"\nmend: did you mean "sized"?')
    const quiet = await sallyport(['explain', '--route', 'nowhere', '--config', 'gate.yaml'], ENV, gate.folder)
    expect(quiet.stdout).toMatch(/^route nowhere: no failures since /)
    expect(await api('/api/patterns', { headers: { authorization: '' } })).toMatchObject({ status: 401 })
    expect(await api('/api/patterns?since=then')).toMatchObject({ status: 400 })
  })
})

describe('captures on disk', () => {
  it('that can not be written leave nothing behind', async () => {
    const config = yaml(await freePort(), crm.url).replace('captures: {', 'captures: { dir: kept,')
    const running = await startGate(config, ENV, undefined, 2)
    const dir = join(running.folder, 'kept')
    for (let n = 0; n < 4; n++) {
      const id = idOf(await ask({ port: running.port('public'), path: '/kb' }))
      // Before it is written, which takes a moment: it can't be renamed into the place of a folder.
      mkdirSync(join(dir, `${id}.json`))
    }
    await running.line(({ msg }) => msg === 'capture not written')
    await vi.waitFor(() => expect(readdirSync(dir).filter(name => name.endsWith('.new'))).toEqual([]))
    await new Promise(resolve => setTimeout(resolve, 1_000))
    expect(readdirSync(dir).filter(name => name.endsWith('.new'))).toEqual([])
    expect(await running.stop()).toBe(0)
  })

  it('are masked, mode 0600, explained before that, and there after a restart', async () => {
    const port = await freePort()
    const config = yaml(port, crm.url).replace('captures: { keep: 100,', 'captures: { keep: 3, dir: kept,')
    const folder = tempFolder()
    const first = await startGate(config, ENV, folder, 2)
    const refuse = async () =>
      idOf(
        await ask({
          port: first.port('public'),
          path: '/hooks/github?token=a-token-in-the-query',
          headers: { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${'ab'.repeat(32)}` },
          body: JSON.stringify({ cards: [{ number: '4111111111111111' }] }),
        }),
      )
    const dir = join(folder, 'kept')
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push(await refuse())
    const names = () => readdirSync(dir).sort()
    const wanted = ids.slice(2).map(id => `${id}.json`)
    await vi.waitFor(() => expect(names()).toEqual(wanted.sort()), 10_000)
    for (const name of names()) {
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
      const text = readFileSync(join(dir, name), 'utf8')
      for (const hidden of ['abab', '4111', 'a-token-in']) expect(text).not.toContain(hidden)
    }
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    first.process.kill('SIGTERM')
    await first.exited
    writeFileSync(join(dir, '01KAR5D9M0V7T3E8Q2J4XWY6ZB.json'), '{"not":"one"}')
    const second = await startGate(config, ENV, folder, 2)
    await second.line(({ msg }) => msg === 'capture not read')
    const id = ids.at(-1) ?? ''
    const auth = { authorization: `Bearer ${ENV.ADMIN_TOKEN}` }
    const explained = await fetch(`http://127.0.0.1:${port}/api/captures/${id}/explain`, { headers: auth })
    expect(((await explained.json()) as Explanation).refusal?.code).toBe('signature.mismatch')
    const again = await fetch(`http://127.0.0.1:${port}/api/captures/${id}/send`, {
      method: 'POST',
      headers: { ...auth, 'content-type': 'application/json' },
    })
    expect(again.status).toBe(409)
    expect(await second.stop()).toBe(0)
  })
})
