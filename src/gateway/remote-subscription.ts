import type { Evidence } from '../core/decision.ts'
import { RemoteFault, type RemoteOptions } from '../core/remote.ts'

/** One user's reading of a document. */
export class Subscription<T> {
  readonly route: string
  readonly options: RemoteOptions<T>
  #current: T | undefined
  /** What `#current` was read from. */
  #bytes: Buffer | undefined
  /** Why the last bytes were not taken. */
  fault: RemoteFault | undefined

  constructor(route: string, options: RemoteOptions<T>) {
    this.route = route
    this.options = options
  }

  current(): T | undefined {
    return this.#current
  }

  /** Takes the bytes, or says why not and keeps what is there. */
  offer(bytes: Buffer): 'taken' | 'same' | RemoteFault {
    const same = this.#bytes?.equals(bytes) === true
    const parsed = same ? this.#current : this.#parse(bytes)
    this.fault = parsed instanceof RemoteFault ? parsed : undefined
    if (parsed instanceof RemoteFault) return parsed
    this.#current = parsed
    this.#bytes = bytes
    return same ? 'same' : 'taken'
  }

  /** What a log line tells about the copy that has just been taken. */
  changes(before: T | undefined): Evidence {
    return this.#current === undefined ? {} : (this.options.changed?.(this.#current, before) ?? {})
  }

  #parse(bytes: Buffer): T | RemoteFault {
    try {
      return this.options.parse(bytes)
    } catch (error) {
      // Its message might quote the document.
      const name = error instanceof Error ? error.name : 'error'
      return new RemoteFault(`could not be read (${name})`, 'This is a fault of the gate. Please report it.')
    }
  }
}
