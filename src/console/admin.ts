import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../core/clock.ts'
import { requestId } from '../core/request-id.ts'
import type { Secret } from '../core/secret.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createGuard, unfitRead, type Visitor, type Visits } from './admin-guard.ts'
import { type Answer, jsonPage, type Page, pathOf, queryOf, send } from './answer.ts'
import { callApi, isAction, unfitAction } from './api.ts'
import { isForm, readForm, unfitForm } from './form.ts'
import { type AdminCode, type AdminRefusal, adminRefusals } from './refusal.ts'
import type { SecretsReport } from './secret-status.ts'
import { sessionCookie, sessionOf } from './sessions.ts'
import type { Views } from './views.ts'

export interface Readiness {
  /** Every listener is up, and the gate is neither starting nor draining. */
  readonly ready: boolean
  /** One word, told to anybody: `ready`, `starting`, `draining`. */
  readonly status: string
  /** Routes that a missing resource keeps offline; told with the token only. They do not make the gate unready. */
  readonly offline: readonly { readonly route: string; readonly reason: string }[]
}

export interface AdminOptions {
  /** The host it is bound to; `undefined` on a Unix socket. */
  readonly host: string | undefined
  /** Further names that may stand in Host. */
  readonly names?: readonly string[]
  readonly token?: Secret | undefined
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>
  readonly log: Log
  readiness(): Readiness
  /** Which secrets are used; absent: there is no such page. */
  secrets?(): SecretsReport
  /** The gate that `/api/` and the page tell of; absent: there are no such paths. */
  gateway?(): Gateway
  /** What the page shows beside the gate; absent: there is no page. */
  readonly views?: Views
  /** Who has been here: kept across reloads. */
  readonly visits?: Visits
  /** Whether the token is still the one in force: what was opened with another ends. Left out: it is. */
  inForce?(): boolean
  readonly clock?: Clock
}

/**
 * The admin listener's requests: `/healthz` (the process lives), `/readyz` (it serves), `/metrics`, `/secrets` (which
 * secret is used, by name), and the console: its page at `/`, its files, its API and its calendar. The first two answer
 * anybody, a word each, because probes carry no token; everything else asks for it where one is configured, as a Bearer
 * token or by a session that was opened with it, and without one answers on loopback and Unix sockets only.
 */
export function createAdmin(options: AdminOptions): RequestListener {
  const { host, names = [], token, metrics, log, readiness, secrets, gateway, views, clock = systemClock } = options
  const guard = createGuard({ host, names, token, clock, visits: options.visits })

  function tell(request: IncomingMessage, code: AdminCode): { readonly id: string; readonly refusal: AdminRefusal } {
    const refusal: AdminRefusal = adminRefusals[code]
    const id = requestId(clock.now())
    const source = request.socket.remoteAddress ?? 'unix'
    const path = pathOf(request)
    log.warn('admin refused', {
      code,
      status: refusal.status,
      source,
      path,
      remedy: refusal.remedy,
      'request-id': id,
    })
    return { id, refusal }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, code: AdminCode): void {
    const { id, refusal } = tell(request, code)
    const { status, title, headers = {} } = refusal
    const body = JSON.stringify({ type: `urn:sallyport:${code}`, title, status, code, 'request-id': id })
    // A body that was announced is not read: the connection ends instead.
    if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('Connection', 'close')
    else if (code === 'admin.body') response.setHeader('Connection', 'close')
    send(request, response, { status, type: 'application/problem+json', body, headers })
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const path = pathOf(request)
    if (path === '/healthz') return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' }
    if (path === '/login' && views) return login(request)
    if (path === '/expiries.ics' && gateway) {
      const code = guard.refuseCalendar(request, queryOf(request).get('key'))
      return code ?? calendar(gateway())
    }
    const visitor = guard.visitor(request)
    const known = isKnown(visitor)
    if (path === '/readyz') return ready(readiness(), known)
    if (!known) {
      const code = 'code' in visitor ? visitor.code : 'admin.token'
      return views && path === '/' && wantsPage(request) ? loginPage(code) : code
    }
    if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.render() }
    if (path === '/secrets' || path.startsWith('/api/')) await gateway?.().sync()
    if (path === '/secrets' && secrets) return jsonPage(secrets())
    if (path === '/logout' && views) return logout(request)
    if (gateway && views) {
      if (isAction(path) && !guard.hasToken) return 'admin.needs-token'
      const alive = () => (options.inForce?.() ?? true) && isKnown(guard.visitor(request))
      const asked = { query: queryOf(request), gateway: gateway(), views, readiness, guard, alive }
      const said = path.startsWith('/api/') ? await callApi(path, asked) : await pageFile(path)
      if (said !== undefined) return said
    }
    return 'admin.path'
  }

  async function login(request: IncomingMessage): Promise<Page> {
    const opened = guard.login(request, (await readForm(request)).get('token') ?? '')
    if ('code' in opened) {
      tell(request, opened.code)
      return loginPage(opened.code, true)
    }
    log.info('console opened', { source: request.socket.remoteAddress ?? 'unix' })
    const cookie: Readonly<Record<string, string>> = opened.session
      ? { 'Set-Cookie': sessionCookie(request.headers, opened.session) }
      : {}
    return { status: 303, type: 'text/plain', body: '', headers: { Location: './', ...cookie } }
  }

  function logout(request: IncomingMessage): Page {
    guard.logout(sessionOf(request.headers) ?? '')
    const headers = { Location: './', 'Set-Cookie': sessionCookie(request.headers, undefined) }
    return { status: 303, type: 'text/plain', body: '', headers }
  }

  return (request, response) => {
    const path = pathOf(request)
    const unfit = isForm(path) && views ? unfitForm : isAction(path) ? unfitAction : unfitRead
    const wrong = guard.refuse(request) ?? unfit(request)
    const lands = wrong === 'admin.cross-site' && views !== undefined && isVisit(request)
    if (wrong && !lands) return refuse(request, response, wrong)
    const answered: Promise<Answer> = lands ? landingPage() : answer(request)
    answered.then(
      made => {
        if (typeof made === 'string') refuse(request, response, made)
        else if ('stream' in made) made.stream(response)
        else send(request, response, made)
      },
      (error: unknown) => {
        log.error('admin failed', { path, error })
        response.destroy()
      },
    )
  }
}

function ready({ ready, status, offline }: Readiness, known: boolean): Page {
  return jsonPage(known ? { status, offline } : { status }, ready ? 200 : 503)
}

const isKnown = (visitor: Visitor): boolean => 'authenticated' in visitor && visitor.authenticated

const wantsPage = ({ headers }: IncomingMessage): boolean =>
  headers.authorization === undefined && /\btext\/html\b/.test(headers.accept ?? '')

/** Somebody follows a link to the page: nothing that another site could make of it is told to that site. */
const isVisit = (request: IncomingMessage): boolean =>
  request.method === 'GET' &&
  pathOf(request) === '/' &&
  request.headers['sec-fetch-mode'] === 'navigate' &&
  request.headers['sec-fetch-dest'] === 'document' &&
  request.headers.origin === undefined &&
  wantsPage(request)

// What follows is loaded where somebody looks: most gates are never looked at.

async function loginPage(code: AdminCode, tried = false): Promise<Page> {
  return (await import('./login-page.ts')).loginPage(code, tried)
}

async function landingPage(): Promise<Page> {
  return (await import('./login-page.ts')).landingPage()
}

async function pageFile(path: string): Promise<Page | undefined> {
  return (await import('./page-files.ts')).pageFile(path)
}

async function calendar(gateway: Gateway): Promise<Page> {
  const body = (await import('./calendar.ts')).calendarOf(gateway.readings().expiries, Date.now())
  return { status: 200, type: 'text/calendar; charset=utf-8', body }
}
