import type { Clock } from '../core/clock.ts'
import { type Remote, RemoteFault, type RemoteOptions } from '../core/remote.ts'
import type { Log } from '../observe/log.ts'
import type { RemoteReading } from '../observe/remote-metrics.ts'
import { type DocumentSource, type Fetched, fetchDocument, type Validators } from './fetch-document.ts'
import { Subscription } from './remote-subscription.ts'

const EVERY_MS = 3_600_000
const COOLDOWN_MS = 30_000
const MAX_BYTES = 1024 * 1024
const DEADLINE_MS = 10_000
/** The shortest time between two refreshes that a server can ask for. */
const SOONEST_MS = 60_000
/** After the first failure; each further one waits twice as long, at most `every`. */
const RETRY_MS = 5_000
/** A timer holds no longer one. */
const LONGEST_MS = 2 ** 31 - 1

export interface DocumentTools {
  readonly agent: Pick<DocumentSource, 'dispatcher'>
  readonly clock: Clock
  readonly log: Log
}

/** One URL: its fetches, its last good bytes and those who read it. */
export class RemoteDocument {
  readonly name: string
  readonly #url: URL
  readonly #tools: DocumentTools
  readonly #users = new Set<Subscription<unknown>>()
  readonly #ended = new AbortController()
  /** The bytes that every user took, and what names them to the server. */
  #good: { readonly bytes: Buffer; readonly validators: Validators } | undefined
  #confirmedAt: number | undefined
  /** Milliseconds of `clock.monotonic`, at the end of the last fetch. */
  #askedAt: number | undefined
  #under: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #fault: RemoteFault | undefined
  readonly #counts = { fetched: 0, unchanged: 0, failed: 0 }

  constructor(url: URL, tools: DocumentTools) {
    this.#url = url
    // A query may hold a key.
    this.name = `${url.origin}${url.pathname}${url.search === '' ? '' : '?...'}`
    this.#tools = tools
  }

  /** `ready` ends with the first fetch; at once where a good copy is there, or `lazy` asks for none yet. */
  subscribe<T>(route: string, options: RemoteOptions<T>): { remote: Remote<T>; ready: Promise<void>; close(): void } {
    const user = new Subscription(route, options)
    if (this.#good) user.offer(this.#good.bytes)
    this.#users.add(user)
    let ready = Promise.resolve()
    if (user.current() === undefined && !options.lazy) ready = this.#fetch()
    else if (this.#timer === undefined && this.#under === undefined && this.#askedAt !== undefined)
      this.#wait(this.#every())
    const remote: Remote<T> = {
      current: () => user.current(),
      fault: () => this.#fault ?? user.fault,
      confirmedAt: () => (user.current() === undefined ? undefined : this.#confirmedAt),
      refresh: async () => {
        if (this.#under !== undefined || this.#cooledDown(options.cooldown ?? COOLDOWN_MS)) await this.#fetch()
        return user.current()
      },
    }
    return { remote, ready, close: () => this.#users.delete(user) }
  }

  get used(): boolean {
    return this.#users.size > 0
  }

  reading(): RemoteReading {
    const at = this.#confirmedAt
    return { document: this.name, ...this.#counts, ageMs: at === undefined ? undefined : this.#tools.clock.now() - at }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#ended.abort()
  }

  #cooledDown(cooldown: number): boolean {
    return this.#askedAt === undefined || this.#tools.clock.monotonic() - this.#askedAt >= cooldown
  }

  #fetch(): Promise<void> {
    this.#under ??= this.#fetchNow().finally(() => {
      this.#under = undefined
    })
    return this.#under
  }

  async #fetchNow(): Promise<void> {
    clearTimeout(this.#timer)
    const options = [...this.#users].map(user => user.options)
    const limits = {
      maxBytes: Math.max(...options.map(each => each.maxBytes ?? MAX_BYTES)),
      deadline: Math.max(...options.map(each => each.deadline ?? DEADLINE_MS)),
    }
    const { agent, clock } = this.#tools
    const answer = await fetchDocument(agent, this.#url, limits, this.#ended.signal, this.#good?.validators)
    this.#askedAt = clock.monotonic()
    if (this.#ended.signal.aborted) return
    const fault = answer instanceof RemoteFault ? answer : this.#take(answer)
    this.#fault = answer instanceof RemoteFault ? answer : undefined
    if (fault) this.#failed(fault)
    else this.#succeeded()
    const fresh = answer instanceof RemoteFault ? undefined : answer.freshFor
    const wanted = fault ? RETRY_MS * 2 ** Math.min(this.#failures - 1, 20) : Math.max(SOONEST_MS, fresh ?? Infinity)
    this.#wait(Math.min(this.#every(), wanted))
  }

  /** Gives the bytes to every user; the first fault where one did not take them. */
  #take({ bytes, etag, lastModified }: Fetched): RemoteFault | undefined {
    const known = this.#good?.bytes
    const same = bytes === undefined || known?.equals(bytes) === true
    const whole = bytes ?? known
    if (whole === undefined) return undefined
    let first: RemoteFault | undefined
    for (const user of this.#users) {
      const before = user.current()
      const taken = user.offer(whole)
      if (taken instanceof RemoteFault) first ??= taken
      else if (taken === 'taken') this.#tell(user, before, whole.length)
    }
    if (first) return first
    this.#good = { bytes: whole, validators: { etag, lastModified } }
    this.#counts[same ? 'unchanged' : 'fetched']++
    return undefined
  }

  #tell<T>(user: Subscription<T>, before: T | undefined, bytes: number): void {
    const { route } = user
    const changes = user.changes(before)
    this.#tools.log.info(before === undefined ? 'document fetched' : 'document changed', {
      document: this.name,
      route,
      bytes,
      ...changes,
    })
  }

  #succeeded(): void {
    const { log, clock } = this.#tools
    this.#confirmedAt = clock.now()
    if (this.#failures > 0) log.info('document refreshed again', { document: this.name, failures: this.#failures })
    this.#failures = 0
  }

  #failed({ message, mend }: RemoteFault): void {
    const { log, clock } = this.#tools
    this.#failures++
    this.#counts.failed++
    const users = [...this.#users]
    const without = new Set(users.filter(user => user.current() === undefined).map(user => user.options.without))
    log.warn('document not refreshed', {
      document: this.name,
      routes: [...new Set(users.map(({ route }) => route))],
      reason: message,
      failures: this.#failures,
      ...(this.#confirmedAt === undefined ? {} : { 'kept-s': Math.round((clock.now() - this.#confirmedAt) / 1000) }),
      'in-force': without.size === 0 ? 'the last good copy' : [...without].join('; '),
      remedy: mend,
    })
  }

  #every(): number {
    return Math.min(LONGEST_MS, ...[...this.#users].map(({ options }) => options.every ?? EVERY_MS))
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#fetch(), ms).unref()
  }
}
