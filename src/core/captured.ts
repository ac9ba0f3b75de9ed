import type { Evidence } from './decision.ts'
import type { BodyRequest } from './request.ts'
import type { Resources } from './resources.ts'

/** A request as it was received, and what became of it: kept by the gate, or read from a file. */
export interface CapturedRequest {
  /** The gate's id of the request; a new one where it was read from a file. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly receivedAt: number
  readonly listener: string
  /** The route that matched. */
  readonly route: string | undefined
  /** Whether it came over TLS, to the gate or to a trusted proxy that says so. */
  readonly encrypted: boolean
  readonly serverName: string | undefined
  readonly method: string
  readonly target: string
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[]
  /** Canonical text of whom the gate took for the sender. */
  readonly source: string
  /** The TCP peer; `undefined` on a Unix socket. */
  readonly peer: string | undefined
  /** DER, the client's certificate first; empty where it sent none. */
  readonly clientCertificates: readonly Buffer[]
  /** The body's first bytes, still content-encoded. */
  readonly body: Buffer
  /** How many bytes the body had as far as it was read. */
  readonly bodyBytes: number
  /** Not all of the body is there: it was not read to its end, or not kept whole. Absent: `body` is shorter than `bodyBytes`. */
  readonly cut?: boolean
  /** From a file that hides credentials: nothing that needs them can be tried. */
  readonly masked?: boolean
  /** Why the gate refused it; `undefined` where it was not refused, or is from a file. */
  readonly refusal: CapturedRefusal | undefined
}

export interface CapturedRefusal {
  readonly status: number
  readonly code: string
  readonly evidence: Evidence | undefined
  /** The place of the check that refused among those of the route; absent where none did, or it is not known. */
  readonly by?: number | undefined
}

/** What a check that only reports (`mode: report`) would have refused. */
export interface WouldRefuse {
  readonly check: string
  readonly code: string
  readonly evidence: Evidence | undefined
  /** The check's place among those of the route. */
  readonly by: number
}

export const isCut = ({ cut, body, bodyBytes }: CapturedRequest): boolean => cut ?? body.length < bodyBytes

/** What a check is given to explain a request with. */
export interface Explaining<Config> {
  /** The request, as the check would see it. `raw` is all of the body, or of one that was `cut` its beginning. */
  readonly request: BodyRequest
  /** The body was kept in part, or not read: nothing can be tried over it as a whole. */
  readonly cut: boolean
  /** Credentials are hidden in it. */
  readonly masked?: boolean
  /** What the check said of it. */
  readonly refusal: CapturedRefusal
  /** The same check as other routes have it: whose secret, key, token or network is it? */
  readonly elsewhere: readonly { readonly route: string; readonly config: Config; readonly resources: Resources }[]
}
