import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Clock, systemClock } from '../core/clock.ts'
import { requestId } from '../core/request-id.ts'
import type { Secret } from '../core/secret.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createGuard, unfitRead } from './admin-guard.ts'
import { callApi, isAction, unfitAction } from './api.ts'
import { type AdminCode, type AdminRefusal, adminRefusals } from './refusal.ts'
import type { SecretsReport } from './secret-status.ts'

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
  /** The gate that `/api/` tells of; absent: there is no such path. */
  gateway?(): Gateway
  readonly clock?: Clock
}

// https://owasp.org/www-project-secure-headers/
const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

/**
 * The admin listener's requests: `/healthz` (the process lives), `/readyz` (it serves), `/metrics` and `/secrets` (which
 * secret is used, by name). The first two
 * answer anybody, a word each, because probes carry no token; everything else asks for it where one is configured, and
 * without one answers on loopback and Unix sockets only.
 */
export function createAdmin(options: AdminOptions): RequestListener {
  const { host, names = [], token, metrics, log, readiness, secrets, gateway, clock = systemClock } = options
  const guard = createGuard({ host, names, token, clock })

  const refusal = (request: IncomingMessage, response: ServerResponse, code: AdminCode): void => {
    const { status, title, remedy, headers }: AdminRefusal = adminRefusals[code]
    const id = requestId(clock.now())
    const source = request.socket.remoteAddress ?? 'unix'
    log.warn('admin refused', { code, status, source, path: pathOf(request), remedy, 'request-id': id })
    const body = JSON.stringify({ type: `urn:sallyport:${code}`, title, status, code, 'request-id': id })
    // A body that was announced is not read: the connection ends instead.
    if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('Connection', 'close')
    else if (code === 'admin.body') response.setHeader('Connection', 'close')
    send(request, response, { status, type: 'application/problem+json', body }, headers)
  }

  async function page(request: IncomingMessage): Promise<Page | AdminCode> {
    const path = pathOf(request)
    if (path === '/healthz') return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' }
    const visitor = guard.visitor(request)
    const known = 'authenticated' in visitor && visitor.authenticated
    if (path === '/readyz') return ready(readiness(), known)
    if ('code' in visitor) return visitor.code
    if (!known) return 'admin.token'
    if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.render() }
    if (path === '/secrets' && secrets)
      return { status: 200, type: 'application/json', body: `${JSON.stringify(secrets())}\n` }
    if (!path.startsWith('/api/') || gateway === undefined) return 'admin.path'
    if (isAction(path) && !guard.hasToken) return 'admin.needs-token'
    const answer = await callApi(path, request.url ?? '', gateway())
    if (answer === undefined) return 'admin.path'
    return typeof answer === 'string'
      ? answer
      : { status: 200, type: 'application/json', body: `${JSON.stringify(answer.json)}\n` }
  }

  return (request, response) => {
    const wrong = guard.refuse(request) ?? (isAction(pathOf(request)) ? unfitAction : unfitRead)(request)
    if (wrong) return refusal(request, response, wrong)
    page(request).then(
      made => (typeof made === 'string' ? refusal(request, response, made) : send(request, response, made)),
      (error: unknown) => {
        log.error('admin failed', { path: pathOf(request), error })
        response.destroy()
      },
    )
  }
}

function ready({ ready, status, offline }: Readiness, known: boolean): Page {
  const body = known ? { status, offline } : { status }
  return { status: ready ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` }
}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? ''
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: Page,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...HEADERS, ...headers, 'Content-Type': type, 'Content-Length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}
