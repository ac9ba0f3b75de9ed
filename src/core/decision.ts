/** What a check may answer, and what it may tell. */

export type EvidenceValue = string | number | boolean | null | readonly EvidenceValue[]

/** Shown to the operator only (log, explain, console); never sent to the sender, never a secret or a signature. */
export type Evidence = Readonly<Record<string, EvidenceValue>>

/** What the checks so far have established. Facts accumulate by copy; no check mutates the request. */
export interface Facts {
  /** Who was authenticated, e.g. the token's or the certificate's name. */
  readonly principal?: string
  /** The check that established the principal, e.g. `bearer`. */
  readonly principalBy?: string
  /** The sender's own id of the event; what `replay` remembers. */
  readonly eventId?: string
  /** The name of the secret or key that verified. */
  readonly keyName?: string
  /**
   * What can't be made again without the key (the MAC in hex): `replay` remembers it beside an event id that is not
   * signed. Never the signature's text, which can be written in several ways.
   */
  readonly nonce?: string
  /** For how many milliseconds from now the same signed request would still verify; absent: for ever. */
  readonly verifiesForMs?: number
}

/** Headers that a decision adds to the reply, name first, e.g. `['RateLimit', '"default";r=9;t=6']`. */
export type ReplyHeaders = readonly (readonly [name: string, value: string])[]

/** How a request ended for the checks that wait for it: the upstream took it (2xx), or it did not. */
export type Outcome = 'delivered' | 'not-delivered'

export interface Allow {
  readonly ok: true
  readonly facts?: Facts
  readonly headers?: ReplyHeaders
  /** Called once after the reply, e.g. to keep or release a replay claim. */
  readonly settle?: (outcome: Outcome) => void | Promise<void>
}

export interface Denial<Code extends string = string> {
  readonly ok: false
  readonly code: Code
  readonly evidence?: Evidence
  readonly headers?: ReplyHeaders
}

/** An answer in the upstream's place: a challenge, or a duplicate that was delivered before. */
export interface Reply {
  readonly ok: 'reply'
  readonly status: number
  readonly headers: ReplyHeaders
  readonly body: string
  /** For the log: why the gate answered itself, e.g. `duplicate`. */
  readonly reason: string
}

export type Decision<Code extends string = string> = Allow | Denial<Code> | Reply

/** The decision of a check that has nothing to add. */
export const ALLOW: Allow = Object.freeze({ ok: true })

export function deny<Code extends string>(code: Code, evidence?: Evidence, headers?: ReplyHeaders): Denial<Code> {
  return {
    ok: false,
    code,
    ...(evidence === undefined ? {} : { evidence }),
    ...(headers === undefined ? {} : { headers }),
  }
}

/** One code's public and private meaning; the reference page, the console and the replies are made from it. */
export interface DenialSpec {
  readonly status: number
  /** The problem's `title`: all the sender learns. */
  readonly title: string
  /** For the operator: what it means. */
  readonly meaning: string
  /** For the operator: what mends it. */
  readonly remedy: string
  /** Fixed reply headers that the status calls for, e.g. `WWW-Authenticate` on 401 (RFC 9110 section 15.5.2). */
  readonly headers?: ReplyHeaders
  /** The sender was authenticated, and lacks a right: other credentials of its own are no help. */
  readonly known?: boolean
}
