import type { Clock } from '../core/clock.ts'
import { RemoteFault, type RemoteSet, type RemoteSetOptions } from '../core/remote.ts'
import { type DocumentSource, fetchDocument } from './fetch-document.ts'

const KEEP_MS = 86_400_000
const CAPACITY = 64
const MAX_BYTES = 64 * 1024
const DEADLINE_MS = 5_000
/** How long a URL that gave nothing is not asked for again. */
const REFUSED_MS = 60_000
/** Refused URLs remembered: strangers can name as many as they like. */
const REFUSED = 256
/** New URLs fetched a minute. */
const PER_MINUTE = 60

interface Kept<T> {
  readonly value: T
  /** Milliseconds of `clock.monotonic` from which it is asked for again. */
  readonly until: number
}

/**
 * Documents that requests name, each fetched once however many wait. What was refused is kept apart from what was taken,
 * so that a stranger's URLs push out none that the provider uses.
 */
export class FetchedSet<T> implements RemoteSet<T> {
  readonly #options: RemoteSetOptions<T>
  readonly #tools: { readonly agent: Pick<DocumentSource, 'dispatcher'>; readonly clock: Clock }
  readonly #ended: AbortSignal
  readonly #kept = new Map<string, Kept<T>>()
  readonly #refused = new Map<string, Kept<RemoteFault>>()
  readonly #under = new Map<string, Promise<T | RemoteFault>>()
  #minute = { ends: 0, fetched: 0 }

  constructor(
    options: RemoteSetOptions<T>,
    tools: { readonly agent: Pick<DocumentSource, 'dispatcher'>; readonly clock: Clock },
    ended: AbortSignal,
  ) {
    this.#options = options
    this.#tools = tools
    this.#ended = ended
  }

  get(text: string): T | RemoteFault | Promise<T | RemoteFault> {
    const kept = this.#kept.get(text)
    const now = this.#tools.clock.monotonic()
    if (kept) {
      // The order of the map is that of use.
      this.#kept.delete(text)
      this.#kept.set(text, kept)
      if (now < kept.until) return kept.value
    }
    const refused = this.#refused.get(text)
    if (refused && now < refused.until) return kept?.value ?? refused.value
    const under = this.#under.get(text)
    if (under) return kept?.value ?? under
    const url = this.#admitted(text)
    if (url instanceof RemoteFault) return url
    if (!this.#mayFetch(now))
      return kept?.value ?? new RemoteFault('is one of too many new ones within a minute', 'see who names so many')
    const fetching = this.#fetch(text, url).finally(() => this.#under.delete(text))
    this.#under.set(text, fetching)
    return kept?.value ?? fetching
  }

  #admitted(text: string): URL | RemoteFault {
    const url = URL.canParse(text) ? new URL(text) : undefined
    // Compared with its own text: what a parser repairs, a stranger has bent.
    const plain =
      url?.protocol === 'https:' &&
      url.port === '' &&
      url.username + url.password + url.hash === '' &&
      url.href === text
    if (plain && this.#options.admits(url)) return url
    return new RemoteFault("is no https URL of the provider's own hosts", 'whoever sent this is not the provider')
  }

  #mayFetch(now: number): boolean {
    if (now >= this.#minute.ends) this.#minute = { ends: now + 60_000, fetched: 0 }
    return this.#minute.fetched++ < PER_MINUTE
  }

  async #fetch(text: string, url: URL): Promise<T | RemoteFault> {
    const { agent, clock } = this.#tools
    const { maxBytes = MAX_BYTES, deadline = DEADLINE_MS, keep = KEEP_MS, capacity = CAPACITY } = this.#options
    const answer = await fetchDocument(agent, url, { maxBytes, deadline }, this.#ended)
    const value = answer instanceof RemoteFault ? answer : this.#parse(answer.bytes ?? Buffer.alloc(0))
    if (value instanceof RemoteFault) {
      put(this.#refused, text, { value, until: clock.monotonic() + REFUSED_MS }, REFUSED)
      return this.#kept.get(text)?.value ?? value
    }
    this.#refused.delete(text)
    put(this.#kept, text, { value, until: clock.monotonic() + keep }, capacity)
    return value
  }

  #parse(bytes: Buffer): T | RemoteFault {
    try {
      return this.#options.parse(bytes)
    } catch {
      return new RemoteFault('could not be read', 'This is a fault of the gate. Please report it.')
    }
  }
}

function put<V>(map: Map<string, V>, key: string, value: V, capacity: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= capacity) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
