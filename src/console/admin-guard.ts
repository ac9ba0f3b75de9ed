import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { parseAddress } from '../core/address.ts'
import type { Clock } from '../core/clock.ts'
import type { Secret } from '../core/secret.ts'
import { createLoginLimit, type LoginLimit } from './login-limit.ts'
import type { AdminCode } from './refusal.ts'
import { Sessions, sessionOf } from './sessions.ts'

export interface GuardOptions {
  /** Where it listens; `undefined` on a Unix socket, which only this host's users reach. */
  readonly host: string | undefined
  /** Further names that may stand in Host. */
  readonly names: readonly string[]
  readonly token: Secret | undefined
  readonly clock: Clock
  /** Left out: nobody yet. */
  readonly visits?: Visits | undefined
}

/** Who has shown the token, and who a wrong one. */
export interface Visits {
  readonly sessions: Sessions
  readonly limit: LoginLimit
}

export const createVisits = (clock: Clock): Visits => ({
  sessions: new Sessions(clock),
  limit: createLoginLimit(clock),
})

/** Who asks: with the token or a session, without, or somebody who is told no more than why not. */
export type Visitor = { readonly authenticated: boolean } | { readonly code: AdminCode }

export interface Guard {
  /** What holds for every path: Host, origin. `undefined` where nothing is wrong. */
  refuse(request: IncomingMessage): AdminCode | undefined
  /** Whether a token is configured: without one nothing can be done, and some of it read. */
  readonly hasToken: boolean
  visitor(request: IncomingMessage): Visitor
  /** Opens a session for whoever shows the token; none is needed where no token is configured. */
  login(
    request: IncomingMessage,
    token: string,
  ): { readonly session: string | undefined } | { readonly code: AdminCode }
  logout(session: string): void
  /** What the calendar is asked with in place of the token; `undefined` where no token is configured. */
  calendarKey(): string | undefined
  /** Why the calendar is not told; calendars can't log in, so its key is enough. */
  refuseCalendar(request: IncomingMessage, key: string | null): AdminCode | undefined
}

/**
 * Keeps strangers' pages out (DNS rebinding by Host, cross-site requests by Origin and Sec-Fetch-Site) and asks for the
 * token. Nothing that a proxy could have written, such as X-Forwarded-For, is read.
 */
export function createGuard({ host, names, token, clock, visits = createVisits(clock) }: GuardOptions): Guard {
  const allowed = new Set(['localhost', ...names.map(name => name.toLowerCase())])
  if (host !== undefined) allowed.add(hostName(host.includes(':') ? `[${host}]` : host) ?? host)
  const digest = token === undefined ? undefined : sha256(token.bytes())
  const open = host === undefined || host === 'localhost' || isLoopback(host)
  const { limit, sessions } = visits

  function misdirected(request: IncomingMessage): boolean {
    if (host === undefined) return false
    const name = hostName(request.headers.host ?? '')
    if (name === undefined) return true
    if (allowed.has(name) || isLoopback(name)) return false
    // A probe asks by the address it reached, which a wildcard bind does not name. A rebound name is never an address.
    const local = parseAddress(request.socket.localAddress ?? '')
    return local === undefined || parseAddress(name)?.text !== local.text
  }

  /** Why whoever shows this token, or `undefined` where none is shown, is told nothing. */
  function judge(request: IncomingMessage, shown: string | undefined): AdminCode | undefined {
    // Hashed and compared whatever is sent and whatever was sent before, so that time tells nothing.
    const right = timingSafeEqual(sha256(shown ?? ''), digest ?? NO_TOKEN) && digest !== undefined
    if (limit.locked(sourceOf(request))) return 'admin.locked'
    if (digest === undefined) return open ? undefined : 'admin.exposed'
    if (right || shown === undefined) return undefined
    limit.wrong(sourceOf(request))
    return 'admin.token'
  }

  function calendarKey(): string | undefined {
    return token && createHmac('sha256', token.bytes()).update(CALENDAR).digest('base64url')
  }

  return {
    refuse(request) {
      if (!wellFormed(request)) return 'admin.malformed'
      if (misdirected(request)) return 'admin.host'
      if (crossSite(request)) return 'admin.cross-site'
      return undefined
    },
    hasToken: digest !== undefined,
    visitor(request) {
      const { authorization } = request.headers
      const sent = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1]
      const shown = authorization === undefined ? undefined : (sent ?? '')
      const session = shown === undefined ? sessionOf(request.headers) : undefined
      // A session is no guess: whoever else guesses from there does not end it.
      if (digest !== undefined && session !== undefined && sessions.holds(session, digest))
        return { authenticated: true }
      const code = judge(request, shown)
      return code === undefined ? { authenticated: digest === undefined || shown !== undefined } : { code }
    },
    login(request, sent) {
      const code = judge(request, sent)
      if (code !== undefined) return { code }
      return { session: digest && sessions.open(digest) }
    },
    logout: session => sessions.close(session),
    calendarKey,
    refuseCalendar(request, key) {
      const wanted = calendarKey()
      if (wanted === undefined) return judge(request, undefined)
      const right = timingSafeEqual(sha256(key ?? ''), sha256(wanted))
      if (limit.locked(sourceOf(request))) return 'admin.locked'
      if (right) return undefined
      if (key === null) return 'admin.calendar'
      limit.wrong(sourceOf(request))
      return 'admin.calendar'
    },
  }
}

const sourceOf = ({ socket }: IncomingMessage): string => parseAddress(socket.remoteAddress ?? '')?.text ?? 'unix'

const sha256 = (data: string | Buffer): Buffer => hash('sha256', data, 'buffer')
// What the calendar's key is derived from the token with: it tells the token to nobody, and goes with it.
const CALENDAR = 'sallyport calendar of expiries'
// The digest of no text that anybody knows.
const NO_TOKEN = Buffer.alloc(32)

/** The name or address of a Host field, lower case, an IPv6 address without its brackets; `undefined`: unreadable. */
function hostName(field: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(field)
  const name = (match?.[1] ?? match?.[2])?.toLowerCase()
  return name === undefined ? undefined : (parseAddress(name)?.text ?? name)
}

function isLoopback(name: string): boolean {
  const address = parseAddress(name)
  return address?.family === 4 ? address.bytes[0] === 127 : address?.text === '::1'
}

function wellFormed(request: IncomingMessage): boolean {
  let hosts = 0
  let authorizations = 0
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]?.toLowerCase()
    if (name === 'host') hosts++
    else if (name === 'authorization') authorizations++
  }
  return hosts === 1 && authorizations <= 1 && request.url?.startsWith('/') === true
}

/** What holds for all that is only read: method, no body. */
export function unfitRead(request: IncomingMessage): AdminCode | undefined {
  if (request.method !== 'GET' && request.method !== 'HEAD') return 'admin.method'
  return hasBody(request) ? 'admin.body' : undefined
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** A page of this very origin, or no page at all (a probe, curl, an address typed in), may ask. */
function crossSite(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin, host } = request.headers
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
}
