import type { HeadRequest } from '../core/request.ts'

const SCHEME = 'basic '
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export interface BasicCredentials {
  readonly user: string
  readonly password: string
}

/** Reads Authorization: Basic as RFC 7617 section 2 writes it, in UTF-8; base64 in any other form than its one is refused. */
export function readBasic(
  request: HeadRequest,
): BasicCredentials | { readonly fault: 'missing' | 'malformed'; readonly because?: string } {
  const value = request.headers.one('authorization')
  if (value === undefined) return { fault: 'missing' }
  const malformed = (because: string) => ({ fault: 'malformed', because }) as const
  if (value === null) return malformed('Authorization came more than once')
  if (`${value} `.slice(0, SCHEME.length).toLowerCase() !== SCHEME)
    return { fault: 'missing', because: 'another scheme than Basic' }
  const encoded = value.slice(SCHEME.length)
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length === 0 || bytes.toString('base64') !== encoded) return malformed('it is not base64')
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    return malformed('it is not UTF-8')
  }
  const colon = text.indexOf(':')
  if (colon < 0) return malformed('it holds no ":"')
  // RFC 7617 section 2: neither part holds a control character.
  if (/\p{Cc}/u.test(text)) return malformed('it holds a control character')
  return { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
