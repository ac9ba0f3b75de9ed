import type { IncomingMessage } from 'node:http'
import type { Gateway } from '../gateway/gateway.ts'
import type { Readiness } from './admin.ts'
import type { Guard } from './admin-guard.ts'
import { jsonPage, type Page, type Stream } from './answer.ts'
import type { AdminCode } from './refusal.ts'
import type { Views } from './views.ts'

/** What the API answers: JSON, a stream, or a refusal. */
export type ApiAnswer = { readonly json: unknown } | Stream | AdminCode

/** One request of the API, past the guard and the token. */
export interface ApiRequest {
  readonly query: URLSearchParams
  readonly gateway: Gateway
  readonly views: Views
  readiness(): Readiness
  readonly guard: Pick<Guard, 'hasToken' | 'calendarKey'>
  /** Whether whoever asked may go on being told. */
  alive(): boolean
}

export type Endpoint = (request: ApiRequest, match: RegExpExecArray) => ApiAnswer | Promise<ApiAnswer>

const ID = '([0-9A-HJKMNP-TV-Z]{26})'

/** Loaded one at a time: most gates are never asked. */
const READ: readonly (readonly [RegExp, () => Promise<Endpoint>])[] = [
  [/^\/api\/gate$/, async () => (await import('./gate-api.ts')).gateNow],
  [/^\/api\/routes$/, async () => (await import('./routes-api.ts')).routesNow],
  [/^\/api\/history$/, async () => (await import('./routes-api.ts')).routeHistory],
  [/^\/api\/config$/, async () => (await import('./gate-api.ts')).configNow],
  [/^\/api\/decisions$/, async () => (await import('./decisions-api.ts')).watchDecisions],
  [/^\/api\/captures$/, async () => (await import('./captures-api.ts')).listCaptures],
  [/^\/api\/patterns$/, async () => (await import('./patterns-api.ts')).listPatterns],
  [new RegExp(`^/api/captures/${ID}$`), async () => (await import('./captures-api.ts')).oneCapture],
  [new RegExp(`^/api/captures/${ID}/explain$`), async () => (await import('./captures-api.ts')).explainOne],
]
/** What does something: asked by POST alone, and with the token alone. */
const ACTIONS: readonly (readonly [RegExp, () => Promise<Endpoint>])[] = [
  [new RegExp(`^/api/captures/${ID}/send$`), async () => (await import('./captures-api.ts')).sendOne],
]

export const isAction = (path: string): boolean => ACTIONS.some(([form]) => form.test(path))

/** Answers a path of the API; `undefined` where there is none such. */
export async function callApi(path: string, request: ApiRequest): Promise<Page | Stream | AdminCode | undefined> {
  for (const [form, load] of [...READ, ...ACTIONS]) {
    const match = form.exec(path)
    if (match === null) continue
    const said = await (await load())(request, match)
    return typeof said === 'object' && 'json' in said ? jsonPage(said.json) : said
  }
  return undefined
}

/** Bytes of an action's body at most: it says nothing. */
const MOST = 1024

/** Why a request for an action is refused before its token is looked at; its body is `{}` or none. */
export function unfitAction({ method, headers }: IncomingMessage): AdminCode | undefined {
  if (method !== 'POST') return 'admin.post'
  // A page of another site can't send this type without asking first (the Fetch standard, CORS-safelisted headers).
  if (!/^application\/json(?:;|$)/i.test(headers['content-type'] ?? '')) return 'admin.type'
  if (headers['transfer-encoding'] !== undefined) return 'admin.body'
  return Number(headers['content-length'] ?? 0) <= MOST ? undefined : 'admin.body'
}
