import type { UpstreamFailure } from '../exchange.ts'
import type { Outbound } from '../normalise.ts'

/** What lets one request be sent under a credential that is at hand. */
export interface Grant {
  readonly ok: true
  /** The request with the credential in it. @param nowMs epoch milliseconds, for what is signed with a time */
  apply(outbound: Outbound, nowMs: number): Outbound
  /** The upstream answered 401 to it. `true`: another grant may fare better. */
  refused(): boolean
}

/** One credential of a route. */
export interface Credential {
  /** A grant, or why there is none. */
  grant(): Grant | Promise<Grant | UpstreamFailure>
}

/** A credential that is always at hand, and that no second try makes better. */
export class Standing implements Credential, Grant {
  readonly ok = true
  readonly apply: Grant['apply']

  constructor(apply: Grant['apply']) {
    this.apply = apply
  }

  grant(): Grant {
    return this
  }

  refused(): boolean {
    return false
  }
}

/** The request with one more field. */
export function withField(outbound: Outbound, name: string, value: string): Outbound {
  return { ...outbound, headers: [...outbound.headers, name, value] }
}
