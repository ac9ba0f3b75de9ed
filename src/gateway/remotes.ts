import type { Clock } from '../core/clock.ts'
import {
  type Remote,
  RemoteFault,
  type RemoteOptions,
  type RemoteSet,
  type RemoteSetOptions,
  readRemoteUrl,
} from '../core/remote.ts'
import { Offline } from '../core/resources.ts'
import type { Log } from '../observe/log.ts'
import type { RemoteReading } from '../observe/remote-metrics.ts'
import { DocumentAgent, type DocumentSource } from './fetch-document.ts'
import { RemoteDocument } from './remote-document.ts'
import { FetchedSet } from './remote-set.ts'

/** One user's hold on a document. */
export interface Held<T> {
  readonly remote: Remote<T>
  /** Ends with the first fetch, however it went; does not reject. */
  readonly ready: Promise<void>
  close(): void
}

/** Every document by URL of a gate. One that a reload asks for again is kept with its last good copy. */
export class Remotes {
  readonly #documents = new Map<string, RemoteDocument>()
  readonly #tools: { readonly agent: DocumentSource; readonly clock: Clock; readonly log: Log }
  readonly #ended = new AbortController()

  /** @param agent ends with it */
  constructor(clock: Clock, log: Log, agent: DocumentSource = new DocumentAgent()) {
    this.#tools = { agent, clock, log }
  }

  /** @throws Offline where nothing may be fetched from the URL. */
  hold<T>(text: string, route: string, options: RemoteOptions<T>): Held<T> {
    const url = readRemoteUrl(text)
    if (url instanceof RemoteFault) throw new Offline(`${JSON.stringify(text)} ${url.message}`, url.mend)
    const document = this.#documents.get(url.href) ?? new RemoteDocument(url, this.#tools)
    this.#documents.set(url.href, document)
    const { remote, ready, close } = document.subscribe(route, options)
    return {
      remote,
      ready,
      close: () => {
        close()
        if (document.used) return
        document.close()
        if (this.#documents.get(url.href) === document) this.#documents.delete(url.href)
      },
    }
  }

  set<T>(options: RemoteSetOptions<T>): RemoteSet<T> {
    return new FetchedSet(options, this.#tools, this.#ended.signal)
  }

  *readings(): Generator<RemoteReading> {
    for (const document of this.#documents.values()) yield document.reading()
  }

  async close(): Promise<void> {
    this.#ended.abort()
    for (const document of this.#documents.values()) document.close()
    this.#documents.clear()
    await this.#tools.agent.destroy()
  }
}
