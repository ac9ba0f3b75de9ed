import { hash, randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'

const HOUR = 3_600_000
/** A session ends when nothing has been asked with it for this long, */
const IDLE_MS = HOUR
/** and at the latest this long after the login. */
const LONGEST_MS = 7 * 24 * HOUR
/** Beyond this the one that was used least lately goes. */
const SESSIONS = 100

interface Session {
  /** Of the token that it was opened with: another token ends it. */
  readonly token: string
  readonly until: number
  idleUntil: number
}

/** Who is logged in to the console. In memory alone: a restart ends every session. */
export class Sessions {
  /** By the digest of what the browser holds, so that a look-up's time tells nothing; the longest unused first. */
  readonly #open = new Map<string, Session>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Gives the new session's id: 256 random bits. @param token the digest of the token that was shown */
  open(token: Buffer): string {
    const id = randomBytes(32).toString('base64url')
    const now = this.#clock.monotonic()
    for (const [key, session] of this.#open) if (hasEnded(session, now)) this.#open.delete(key)
    const [oldest] = this.#open.keys()
    if (oldest !== undefined && this.#open.size >= SESSIONS) this.#open.delete(oldest)
    this.#open.set(keyOf(id), {
      token: token.toString('base64'),
      until: now + LONGEST_MS,
      idleUntil: now + IDLE_MS,
    })
    return id
  }

  /** Whether it is open; being asked keeps it so. @param token the digest of the token in force */
  holds(id: string, token: Buffer): boolean {
    const key = keyOf(id)
    const session = this.#open.get(key)
    if (session === undefined) return false
    this.#open.delete(key)
    const now = this.#clock.monotonic()
    if (hasEnded(session, now) || session.token !== token.toString('base64')) return false
    session.idleUntil = now + IDLE_MS
    this.#open.set(key, session)
    return true
  }

  close(id: string): void {
    this.#open.delete(keyOf(id))
  }
}

const hasEnded = ({ until, idleUntil }: Session, now: number): boolean => now >= until || now >= idleUntil
const keyOf = (id: string): string => hash('sha256', id, 'base64')

/** The cookie's name: browsers don't tell ports apart, and two gates may share a host. @param host of the request */
function cookieName(host: string | undefined): string {
  return `sallyport-${/:(\d{1,5})$/.exec(host ?? '')?.[1] ?? '0'}`
}

interface Fields {
  readonly cookie?: string | undefined
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

/** The session that a request names; `undefined` where it names none, or two. */
export function sessionOf({ cookie = '', host }: Fields): string | undefined {
  const name = `${cookieName(host)}=`
  const found = cookie.split(/; */).filter(pair => pair.startsWith(name))
  return found.length === 1 ? found[0]?.slice(name.length) : undefined
}

/** A Set-Cookie that hands over a session, or takes it away. Secure where the browser says that it came by HTTPS. */
export function sessionCookie({ host, origin }: Fields, id: string | undefined): string {
  const secure = origin?.startsWith('https://') ? '; Secure' : ''
  const end = id === undefined ? '; Max-Age=0' : ''
  return `${cookieName(host)}=${id ?? ''}; Path=/; HttpOnly; SameSite=Strict${secure}${end}`
}
