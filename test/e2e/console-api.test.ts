import { readdirSync } from 'node:fs'
import { get as httpGet, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CaptureList, SendReport } from '../../src/console/captures-api.ts'
import type { GateReport } from '../../src/console/gate-api.ts'
import type { HistoryReport, RoutesReport } from '../../src/console/routes-api.ts'
import { ask } from '../support/client.ts'
import { type ConsoleGate, HOSTILE, startConsoleGate } from '../support/console-gate.ts'

const PAGE = join(import.meta.dirname, '../../src/console/page')
const FILES = readdirSync(PAGE).filter(file => !/\.(?:json|html)$/.test(file))
const VENDOR = ['preact.js', 'preact-hooks.js', 'htm.js', 'uplot.js', 'uplot.css']

let stand: ConsoleGate
let cookie = ''

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function admin(path: string, headers: Record<string, string> = {}, method = 'GET', body = '', from?: string) {
  return new Promise<Answer>((resolve, reject) => {
    const where = { host: '127.0.0.1', port: stand.admin, agent: false as const }
    const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const local = from === undefined ? {} : { localAddress: from }
    const request = httpRequest({ ...where, ...local, path, method, headers: { ...length, ...headers } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', data => {
        text += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }
const login = (token: string, headers: Record<string, string> = {}, from?: string) =>
  admin('/login', { ...FORM, ...headers }, 'POST', `token=${encodeURIComponent(token)}`, from)
const cookieOf = ({ headers }: Answer): string => headers['set-cookie']?.[0]?.split(';')[0] ?? ''

async function api<T>(path: string): Promise<T> {
  const { status, body } = await admin(path, { cookie })
  expect(status, body).toBe(200)
  return JSON.parse(body)
}

beforeAll(async () => {
  stand = await startConsoleGate()
  cookie = cookieOf(await login(stand.env.ADMIN_TOKEN))
  await stand.traffic(12)
})

afterAll(() => stand.close())

describe('who has not shown the token', () => {
  it.each([
    '/',
    '/api/gate',
    '/api/decisions',
    '/metrics',
    '/console/nothing.js',
    ...FILES.map(file => `/console/${file}`),
    ...VENDOR.map(file => `/console/vendor/${file}`),
  ])('is told nothing at %s (adm-001)', async path => {
    const answer = await admin(path)
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'admin.token' })
  })

  it('is shown a form without a script in a browser', async () => {
    const answer = await admin('/', { accept: 'text/html,*/*' })
    expect(answer.status).toBe(401)
    expect(answer.body).toContain('<form method="post" action="login">')
    expect(answer.body).not.toMatch(/<script|\son\w+=|javascript:/i)
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('script-src')
    expect(policy).not.toContain('unsafe')
    expect(answer.headers['x-frame-options']).toBe('DENY')
  })

  it('can not send a capture again (adm-010)', async () => {
    const { captures } = await api<CaptureList>('/api/captures')
    const path = `/api/captures/${captures[0]?.id}/send`
    const received = stand.crm.received.length
    expect((await admin(path, JSON_TYPE, 'POST', '{}')).status).toBe(401)
    expect((await admin(path, { ...JSON_TYPE, cookie: `${cookie}x` }, 'POST', '{}')).status).toBe(401)
    expect(stand.crm.received).toHaveLength(received)
  })
})

describe('the login', () => {
  it('hands a cookie to this site alone, and leads to the page', async () => {
    const answer = await login(stand.env.ADMIN_TOKEN, {
      host: `127.0.0.1:${stand.admin}`,
      origin: `http://127.0.0.1:${stand.admin}`,
    })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('./')
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^sallyport-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
    expect((await admin('/api/gate', { cookie: cookieOf(answer) })).status).toBe(200)
    expect((await admin('/metrics', { cookie: cookieOf(answer) })).status).toBe(200)
    await admin('/logout', { ...FORM, cookie: cookieOf(answer) }, 'POST')
    expect((await admin('/api/gate', { cookie: cookieOf(answer) })).status).toBe(401)
  })

  it('says that a token is wrong, and stops listening after ten (adm-007)', async () => {
    const answers: Answer[] = []
    for (let i = 0; i < 12; i++) answers.push(await login(`guess-${i}`, {}, '127.0.0.9'))
    expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429])
    expect(answers[0]?.body).toContain('This is not the admin token.')
    expect(answers[0]?.body).not.toContain('guess-0')
    expect(answers[0]?.headers['set-cookie']).toBeUndefined()
    expect((await login(stand.env.ADMIN_TOKEN, {}, '127.0.0.9')).status).toBe(429)
    expect((await admin('/api/gate', { cookie }, 'GET', '', '127.0.0.9')).status, 'who is logged in stays so').toBe(200)
    expect(stand.gate.stdout()).not.toContain('guess-')
  })

  it.each([
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('is not for the page of another site: %j (adm-003, adm-004)', async headers => {
    expect((await login(stand.env.ADMIN_TOKEN, headers)).status).toBe(403)
    for (const path of ['/', '/api/gate', '/api/decisions', '/expiries.ics'])
      expect((await admin(path, { cookie, ...headers })).status).toBe(403)
    expect((await admin('/logout', { ...FORM, cookie, ...headers }, 'POST')).status).toBe(403)
  })

  it('tells who follows a link from elsewhere nothing but the way in', async () => {
    const visit = {
      accept: 'text/html',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    const landed = await admin('/', { cookie, ...visit })
    expect(landed.status).toBe(403)
    expect(landed.headers['content-security-policy']).toMatch(/^default-src 'none'.*script-src 'sha256-[\w+/=]+'$/)
    expect(landed.body).toContain("location.replace('./?' + location.hash)")
    expect(landed.body).not.toContain('importmap')
    for (const [path, changes] of [
      ['/api/gate', {}],
      ['/', { 'sec-fetch-dest': 'iframe' }],
      ['/', { 'sec-fetch-mode': 'no-cors' }],
      ['/', { origin: 'https://evil.test' }],
      ['/', { host: 'evil.test' }],
    ] as const) {
      const refused = await admin(path, { cookie, ...visit, ...changes })
      expect(refused.body).toMatch(/"code":"admin\.(?:cross-site|host)"/)
    }
  })

  it('is not under another name (adm-002)', async () => {
    expect((await login(stand.env.ADMIN_TOKEN, { host: 'evil.test' })).status).toBe(421)
    expect((await admin('/', { cookie, host: 'evil.test' })).status).toBe(421)
  })

  it.each([
    ['GET', FORM, ''],
    ['POST', JSON_TYPE, '{"token":"x"}'],
    ['POST', FORM, `token=${'x'.repeat(5000)}`],
    ['PUT', FORM, 'token=x'],
  ])('takes no other form: %s %j', async (method, headers, body) => {
    expect([405, 413]).toContain((await admin('/login', headers, method, body)).status)
  })
})

describe('the page', () => {
  it('runs its own files alone, and lets nothing become markup', async () => {
    const answer = await admin('/', { cookie, accept: 'text/html' })
    expect(answer.status).toBe(200)
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+'; style-src 'self';/)
    expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'")
    expect(policy).not.toContain('unsafe')
    expect(answer.body).not.toMatch(/\son\w+=|<style|style=|https?:/i)
    const named = [...answer.body.matchAll(/(?:src|href)="(console\/[^"]+)"|"\.\/(console\/[^"]+)"/g)]
    expect(named.length).toBeGreaterThan(8)
    for (const [, attribute, imported] of named)
      expect((await admin(`/${attribute ?? imported}`, { cookie })).status, attribute ?? imported).toBe(200)
  })

  it.each([...FILES.map(file => `/console/${file}`), ...VENDOR.map(file => `/console/vendor/${file}`)])(
    '%s is served as what it is, and asks for nothing elsewhere',
    async path => {
      const { status, headers, body } = await admin(path, { cookie })
      expect(status).toBe(200)
      const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.css') ? 'text/css' : 'image/svg+xml'
      expect(headers['content-type']).toContain(type)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(body).not.toMatch(/\b(?:(?:import|from|fetch)\s*\(?\s*["']|url\(\s*["']?)(?:https?:)?\/\//)
      for (const [, imported] of body.matchAll(/\bfrom '\.\/([^']+)'/g)) expect(FILES).toContain(imported)
    },
  )

  it.each([
    '/console/',
    '/console/index.html',
    '/console/tsconfig.json',
    '/console/../admin.ts',
    '/console/%2e%2e/admin.ts',
    '/console/vendor/../app.js',
    '/console/vendor/__proto__',
    '/console/vendor/constructor',
    '/admin',
  ])('%s is no file of it', async path => {
    expect((await admin(path, { cookie })).status).toBe(404)
  })

  it('is not on a public listener (adm-006)', async () => {
    const port = stand.gate.port('public')
    for (const path of ['/', '/console/app.js', '/api/gate', '/expiries.ics'])
      expect((await ask({ port, path, method: 'GET', headers: { cookie } })).status).toBe(404)
  })
})

describe('the API', () => {
  it('tells how each route does, from the counters', async () => {
    const { routes } = await api<RoutesReport>('/api/routes')
    const counts = (name: string) =>
      Object.fromEntries(
        (routes.find(route => route.name === name)?.day?.outcomes ?? []).map(each => [
          each.code || each.outcome,
          each.count,
        ]),
      )
    expect(counts('stripe')).toEqual({ forwarded: 24 })
    expect(counts('github')).toEqual({ forwarded: 14, 'signature.mismatch': 2 })
    expect(counts('kb-sync')).toEqual({ forwarded: 24, 'bearer.unknown': 2 })
    expect(counts('partner')).toEqual({ 'forward.unreachable': 2 })
    expect(counts('crm-to-shop')).toEqual({ 'upstream.5xx': 2 })
    expect(counts('')).toMatchObject({ 'route.none': expect.any(Number) })
    expect(routes.find(route => route.name === 'late')).toMatchObject({
      offline: expect.stringContaining('late.token'),
    })
    const stripe = routes.find(route => route.name === 'stripe')
    expect(stripe?.now?.p99).toBeGreaterThan(0)
    expect(stripe?.bars).toHaveLength(48)
  })

  it('tells a route minute by minute, and all together', async () => {
    const github = await api<HistoryReport>('/api/history?route=github')
    const sum = (outcome: string) =>
      github.series
        ?.filter(each => each.outcome === outcome)
        .flatMap(({ values }) => values)
        .reduce((a, b) => a + b, 0)
    expect([sum('forwarded'), sum('refused')]).toEqual([14, 2])
    expect(github.p50).toHaveLength(1440)
    const all = await api<HistoryReport>('/api/history')
    expect(all.series?.map(({ outcome }) => outcome)).toEqual(
      expect.arrayContaining(['forwarded', 'refused', 'failed']),
    )
    expect(await api<HistoryReport>('/api/history?route=never')).toEqual({ route: 'never' })
    expect((await admin('/api/history?route=a&x=1', { cookie })).status).toBe(400)
  })

  it('tells what ends, how bridges stand, and the config without its secrets (adm-009)', async () => {
    const gate = await api<GateReport>('/api/gate')
    expect(gate.expiries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'token kb-sync/bearer/kb-sync',
      'secret github/signature/current',
      'secret stripe/signature/current',
    ])
    expect(gate.expiries.map(({ nearness }) => nearness)).toEqual(['near', 'soon', 'ok'])
    expect(gate.expiries[2]).toMatchObject({ at: '2099-06-30T23:59:59.999Z', remedy: expect.stringContaining('Add') })
    expect(gate.bridges).toEqual([
      { route: 'crm-to-shop', waiting: expect.any(Number), retries: 0, breaker: 'closed', tokens: null },
    ])
    expect(gate.reloads.at(-1)).toMatchObject({ cause: 'start', routes: 6, reason: null })
    const told: string[] = []
    for (const path of [
      '/',
      '/api/gate',
      '/api/routes',
      '/api/history',
      '/api/config',
      '/api/captures',
      '/api/patterns',
    ])
      told.push((await admin(path, { cookie })).body)
    for (const secret of Object.values(stand.env)) expect(told.join('\n')).not.toContain(secret)
    expect(told[4]).toMatch(/env:STRIPE_SECRET \([0-9a-f]{8}\)/)
  })

  it('can not be given a config (adm-012)', async () => {
    const bodies = ['{"__proto__":{"admin":true}}', 'x'.repeat(10_000), 'a: &a [*a, *a]']
    for (const body of bodies)
      expect((await admin('/api/config', { ...JSON_TYPE, cookie }, 'POST', body)).status).toBe(405)
  })

  it('sends a capture again for a session, by JSON alone', async () => {
    const { captures } = await api<CaptureList>('/api/captures?code=forward.unreachable')
    const path = `/api/captures/${captures[0]?.id}/send`
    expect((await admin(path, { ...FORM, cookie }, 'POST', 'a=b')).status).toBe(415)
    const sent = await admin(path, { ...JSON_TYPE, cookie }, 'POST', '{}')
    expect(JSON.parse(sent.body) satisfies SendReport).toMatchObject({ outcome: 'failed', code: 'forward.unreachable' })
  })
})

interface Watching {
  readonly response: IncomingMessage
  text(): string
  lines(): Record<string, unknown>[]
  dropped(): number
}

function watch(query = ''): Promise<Watching> {
  return new Promise((resolve, reject) => {
    httpGet(
      { host: '127.0.0.1', port: stand.admin, path: `/api/decisions${query}`, headers: { cookie }, agent: false },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', data => {
          text += data
        })
        response.on('error', () => undefined)
        const data = (event: string) =>
          [...text.matchAll(new RegExp(`^event: ${event}\\ndata: (.*)$`, 'gm'))].map(([, each]) =>
            JSON.parse(each ?? ''),
          )
        resolve({
          response,
          text: () => text,
          lines: () => data('decisions').flat(),
          dropped: () => data('dropped').reduce((sum, count) => sum + count, 0),
        })
      },
    ).on('error', reject)
  })
}

describe('the stream of decisions', () => {
  it('tells the lines of the log, and what a sender wrote in nothing but JSON', async () => {
    const all = await watch()
    expect(all.response.headers['content-type']).toBe('text/event-stream')
    const port = stand.gate.port('public')
    const path = `/kb/${encodeURIComponent(HOSTILE[0])}`
    await ask({ port, path, headers: { 'content-type': 'application/json', authorization: 'Bearer x' } })
    await vi.waitFor(() => expect(all.lines().map(({ path }) => path)).toContain(path), 10_000)
    const line = all.lines().find(each => each.path === path)
    expect(stand.gate.lines).toContainEqual(line)
    all.response.destroy()
  })

  it.each([
    ['?route=github', 'route', 'github'],
    ['?outcome=failed', 'msg', 'failed'],
    ['?code=signature', 'code', 'signature.mismatch'],
    ['?text=ARTICLES', 'path', '/kb/articles'],
    ['?route=kb-sync&outcome=refused&text=127.0', 'code', 'bearer.unknown'],
  ])('is filtered by %s', async (query, field, value) => {
    const filtered = await watch(query)
    await stand.traffic(6)
    await vi.waitFor(() => expect(filtered.lines().length).toBeGreaterThan(0), 10_000)
    expect(new Set(filtered.lines().map(line => line[field]))).toEqual(new Set([value]))
    filtered.response.destroy()
  })

  it('sends a flood in part, and counts the rest', async () => {
    const flooded = await watch('?text=flood')
    const port = stand.gate.port('public')
    const flood = async () => {
      for (let i = 0; i < 50; i++) await ask({ port, path: '/flood' })
    }
    await Promise.all(Array.from({ length: 10 }, flood))
    await vi.waitFor(() => expect(flooded.lines().length + flooded.dropped()).toBe(500), 10_000)
    flooded.response.destroy()
  })

  it('is watched by sixteen at most', async () => {
    const watching: Watching[] = []
    // Those of the tests before may not have gone yet.
    await vi.waitFor(async () => {
      while (watching.length < 16) {
        const one = await watch()
        if (one.response.statusCode !== 200) throw new Error('not yet')
        watching.push(one)
      }
    }, 10_000)
    const late = await watch()
    expect(late.response.statusCode).toBe(503)
    for (const { response } of watching) response.destroy()
    await vi.waitFor(async () => {
      const one = await watch()
      one.response.destroy()
      expect(one.response.statusCode).toBe(200)
    }, 10_000)
  })

  it('takes no filter that it does not know', async () => {
    expect((await admin('/api/decisions?rout=a', { cookie })).status).toBe(400)
  })
})

describe('the calendar', () => {
  it('is read by its key alone, and by no other', async () => {
    const { calendar } = await api<GateReport>('/api/gate')
    expect(calendar).toMatch(/^expiries\.ics\?key=[\w-]{43}$/)
    const told = await admin(`/${calendar}`, {}, 'GET', '', '127.0.0.8')
    expect(told.status).toBe(200)
    expect(told.headers['content-type']).toBe('text/calendar; charset=utf-8')
    expect(told.body).toContain('DTSTART:20990630T235959Z')
    const key = calendar.split('=')[1] ?? ''
    for (const path of ['/expiries.ics', `/expiries.ics?key=${key}x`, '/expiries.ics?key='])
      expect((await admin(path, {}, 'GET', '', '127.0.0.8')).status).toBe(401)
    expect((await admin(`/api/gate?key=${key}`, {}, 'GET', '', '127.0.0.8')).status).toBe(401)
    expect((await admin('/api/gate', { authorization: `Bearer ${key}` }, 'GET', '', '127.0.0.8')).status).toBe(401)
    expect(stand.gate.stdout()).not.toContain(key)
  })

  it('is not guessed', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 12; i++)
      statuses.push((await admin(`/expiries.ics?key=${i}`, {}, 'GET', '', '127.0.0.7')).status)
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  })
})

describe('a reload', () => {
  it('leaves who is logged in, and is told of with its reason', async () => {
    expect((await stand.gate.reload(stand.config())).msg).toBe('reloaded')
    expect((await stand.gate.reload('listeners: [')).msg).toBe('reload refused')
    const { reloads } = await api<GateReport>('/api/gate')
    expect(reloads.find(({ reason }) => reason !== null)).toMatchObject({
      routes: null,
      reason: expect.stringContaining('gate.yaml:1'),
    })
    expect(reloads.filter(({ reason }) => reason === null).length).toBeGreaterThanOrEqual(2)
  })

  it('to another token ends sessions, streams and the key of the calendar', { timeout: 60_000 }, async () => {
    const { calendar } = await api<GateReport>('/api/gate')
    const watching = await watch()
    let ended = false
    watching.response.on('end', () => {
      ended = true
    })
    expect((await stand.gate.reload(stand.config('OTHER_TOKEN'))).msg).toBe('reloaded')
    expect((await admin('/api/gate', { cookie })).status).toBe(401)
    expect((await admin(`/${calendar}`)).status).toBe(401)
    expect((await login(stand.env.ADMIN_TOKEN)).status).toBe(401)
    await vi.waitFor(() => expect(ended).toBe(true), 40_000)
  })
})
