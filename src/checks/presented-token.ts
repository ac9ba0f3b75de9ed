import type { HeadRequest } from '../core/request.ts'

const SCHEME = 'bearer '

/** A token as a request brings it; or why there is none. */
export type Presented =
  | { readonly token: string }
  | { readonly fault: 'missing' | 'malformed'; readonly because?: string }

/**
 * The token of `header` (lower case). In Authorization it follows "Bearer" (RFC 6750 section 2.1); in any other field it
 * stands alone, and "Bearer " before it is passed over.
 */
export function presentedToken(request: HeadRequest, header: string): Presented {
  const value = request.headers.one(header)
  if (value === undefined) return { fault: 'missing' }
  if (value === null) return { fault: 'malformed', because: `${fieldName(header)} came more than once` }
  if (!isBearer(value))
    return header === 'authorization' ? { fault: 'missing', because: 'another scheme than Bearer' } : whole(value)
  return whole(value.slice(SCHEME.length))
}

function whole(token: string): Presented {
  const because = whyMalformed(token)
  return because === undefined ? { token } : { fault: 'malformed', because }
}

/** `authorization` as people write it. */
const fieldName = (header: string): string => (header === 'authorization' ? 'Authorization' : `the header ${header}`)

function isBearer(value: string): boolean {
  return value.length >= SCHEME.length
    ? value.slice(0, SCHEME.length).toLowerCase() === SCHEME
    : value.toLowerCase() === 'bearer'
}

/** More than RFC 6750's b64token is let through to the comparison: any visible ASCII, as tokens are in practice. */
export function whyMalformed(token: string): string | undefined {
  if (token === '') return 'the token is empty'
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i)
    if (code > 0x20 && code < 0x7f) continue
    return isBearer(token) ? '"Bearer" is written twice' : 'a space or an invisible or non-ASCII character'
  }
  return undefined
}
