import type { ReplyHeaders } from '../core/decision.ts'

/** What the checks of tokens answer alike (RFC 6750 section 3.1). */

const INVALID: ReplyHeaders = [['WWW-Authenticate', 'Bearer error="invalid_token"']]
const SCOPE: ReplyHeaders = [['WWW-Authenticate', 'Bearer error="insufficient_scope"']]

export const REFUSED = { status: 401, title: 'Invalid token', headers: INVALID } as const

export const INSUFFICIENT = { status: 403, title: 'Insufficient scope', headers: SCOPE, known: true } as const

/** RFC 8705. */
export const BOUND = {
  ...REFUSED,
  meaning:
    'The token is bound to a client certificate or a key (cnf), and the connection does not prove that one; or the route asks for a bound token.',
  remedy: 'Have the sender connect with the certificate that it got the token with. The evidence says what is missing.',
} as const

export const ENDED = {
  ...REFUSED,
  title: 'Expired token',
  remedy: 'Have the sender get a new token before the old one ends. If the dates are right, compare the clocks.',
} as const
