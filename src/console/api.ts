import type { IncomingMessage } from 'node:http'
import type { Gateway } from '../gateway/gateway.ts'
import type { AdminCode } from './refusal.ts'

/** What the API answers: JSON, or a refusal. */
export type ApiAnswer = { readonly json: unknown } | AdminCode

/** One request of the API, past the guard and the token. */
export interface ApiRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly gateway: Gateway
}

export type Endpoint = (request: ApiRequest, match: RegExpExecArray) => ApiAnswer | Promise<ApiAnswer>

const ID = '([0-9A-HJKMNP-TV-Z]{26})'

/** Loaded one at a time: most gates are never asked. */
const READ: readonly (readonly [RegExp, () => Promise<Endpoint>])[] = [
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
export async function callApi(path: string, url: string, gateway: Gateway): Promise<ApiAnswer | undefined> {
  for (const [form, load] of [...READ, ...ACTIONS]) {
    const match = form.exec(path)
    if (match === null) continue
    const mark = url.indexOf('?')
    const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
    return (await load())({ path, query, gateway }, match)
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
