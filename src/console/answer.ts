import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AdminCode } from './refusal.ts'

export interface Page {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  /** Beside those that every answer has, or in place of them. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on until somebody ends it. */
export interface Stream {
  stream(response: ServerResponse): void
}

export type Answer = Page | Stream | AdminCode

/** Fields of every answer: https://owasp.org/www-project-secure-headers/ */
export const HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export function send(request: IncomingMessage, response: ServerResponse, { status, type, body, headers }: Page): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, { ...HEADERS, ...headers, 'Content-Type': type, 'Content-Length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

export const jsonPage = (value: unknown, status = 200): Page => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
})

/** The path that a request asks for, without its query. */
export function pathOf(request: IncomingMessage): string {
  const target = request.url ?? ''
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/** The query that a request asks with. */
export function queryOf(request: IncomingMessage): URLSearchParams {
  const target = request.url ?? ''
  const query = target.indexOf('?')
  return new URLSearchParams(query < 0 ? '' : target.slice(query + 1))
}
