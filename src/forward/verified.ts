import type { Facts, ReplyHeaders } from '../core/decision.ts'
import type { ContentRequest } from '../core/request.ts'

declare const verified: unique symbol

/** A request that every check of its route has passed. `forward` takes nothing else. */
export interface VerifiedRequest {
  readonly [verified]: true
  readonly request: ContentRequest
  readonly facts: Facts
  /** What the checks add to the reply. */
  readonly headers: ReplyHeaders
}

/** For `pipeline/walk` alone, which calls it where the last check has passed; a test keeps it so. */
export function markVerified(request: ContentRequest, facts: Facts, headers: ReplyHeaders): VerifiedRequest {
  return { request, facts, headers } as VerifiedRequest
}
