import { parseAddress } from './address.ts'
import type { Evidence } from './decision.ts'

/** Why a document could not be had, or was not taken. Never holds what the document says. */
export class RemoteFault {
  /** As it follows the document's name: `answered 503`. */
  readonly message: string
  /** What to do about it. */
  readonly mend: string
  constructor(message: string, mend: string) {
    this.message = message
    this.mend = mend
  }
}

/** How one user wants a document by URL. Users of one URL share its fetches; the strictest `every` holds for all. */
export interface RemoteOptions<T> {
  /** Reads the whole document. A fault refuses the whole copy: the last good one stays in force. */
  parse(bytes: Buffer): T | RemoteFault
  /** What this user does as long as there has been no good copy; for the log: `nobody is admitted from it`. */
  readonly without: string
  /** Milliseconds between refreshes; the server's max-age may shorten it, never below a minute. Default 1 hour. */
  readonly every?: number
  /** Milliseconds after a fetch in which `refresh` asks nobody. Default 30 s. */
  readonly cooldown?: number
  /** The largest document taken. Default 1 MiB. */
  readonly maxBytes?: number
  /** Milliseconds for one whole fetch. Default 10 s. */
  readonly deadline?: number
  /** Fetched when `refresh` is first called instead of at load. */
  readonly lazy?: boolean
  /** For the log line about a new copy: what came and went. */
  changed?(now: T, before: T | undefined): Evidence
}

/** A document by URL as one user reads it. Ends with its route; the last good copy outlives a reload. */
export interface Remote<T> {
  /** The last good copy; `undefined` where there has been none. */
  current(): T | undefined
  /** What the last fetch met with; `undefined` where it went well or has not ended. */
  fault(): RemoteFault | undefined
  /** Epoch milliseconds at which the server last confirmed the copy. */
  confirmedAt(): number | undefined
  /**
   * Fetches anew, and gives the copy then in force. One fetch however many wait; within the cooldown none. Does not
   * reject: what went wrong is in `fault`.
   */
  refresh(): Promise<T | undefined>
}

/** Documents whose URLs the requests name: certificates that a provider signs with. */
export interface RemoteSetOptions<T> {
  /**
   * Which URLs are this provider's own, by exact host or whole-host pattern. Whatever it says, only https on port 443
   * without credentials or fragment is fetched.
   */
  admits(url: URL): boolean
  /** Reads the whole document. A fault is remembered for a minute. */
  parse(bytes: Buffer): T | RemoteFault
  /** Milliseconds that a copy is used before it is asked for again; it stays in use where that fails. Default 1 day. */
  readonly keep?: number
  /** Copies kept; the one longest unused makes room. Default 64. */
  readonly capacity?: number
  /** Default 64 KiB. */
  readonly maxBytes?: number
  /** Milliseconds for one fetch. Default 5 s. */
  readonly deadline?: number
}

export interface RemoteSet<T> {
  /** At once where the copy is there. Strangers choose the URL, so new ones are fetched at most 60 times a minute. */
  get(url: string): T | RemoteFault | Promise<T | RemoteFault>
}

/** Reads the URL of a document; a fault where nothing may be fetched from it. Plain http is for this host alone. */
export function readRemoteUrl(text: string): URL | RemoteFault {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:\/\//.test(text))
    return new RemoteFault('is no http or https URL', 'write it whole, e.g. https://id.example.com/jwks.json')
  if (url.username !== '' || url.password !== '')
    return new RemoteFault('holds credentials', 'write the URL without them: what stands in a URL ends up in logs')
  if (url.hash !== '') return new RemoteFault('holds a fragment', 'leave out "#" and what follows: it is never sent')
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return new RemoteFault('is plain http to another host', 'write https://: who is on the way could replace it')
  return url
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost') return true
  const address = parseAddress(hostname.replace(/^\[|\]$/g, ''))
  return address?.family === 4 ? address.bytes[0] === 127 : address?.text === '::1'
}
