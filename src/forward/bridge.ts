import { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Credential, Grant } from './credentials/credential.ts'
import type { Sender, UpstreamFailure, UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'

/** What stands between a bridge route and its upstream. */
export interface BridgeParts {
  readonly upstream: Sender
  /** In the order in which they are added: what signs comes last. */
  readonly credentials: readonly Credential[]
  readonly clock: Clock
}

/** Sends requests of a bridge route with its credentials. */
export class Bridge implements Sender {
  readonly #parts: BridgeParts

  constructor(parts: BridgeParts) {
    this.#parts = parts
  }

  async send(outbound: Outbound): Promise<UpstreamResult> {
    const { answer, grants } = await this.#sendOnce(outbound)
    if (!answer.ok || answer.status !== 401) return answer
    // A 401 says that nothing was done, so that any method may be sent again, once, with what is fetched anew.
    const renewed = grants.map(grant => grant.refused()).includes(true)
    if (!renewed) return answer
    discard(answer)
    return (await this.#sendOnce(outbound)).answer
  }

  async #sendOnce(outbound: Outbound): Promise<{ answer: UpstreamResult; grants: readonly Grant[] }> {
    const { upstream, clock } = this.#parts
    const grants = await this.#grants()
    if ('ok' in grants) return { answer: grants, grants: [] }
    let granted = outbound
    for (const grant of grants) granted = grant.apply(granted, clock.now())
    return { answer: await upstream.send(granted), grants }
  }

  async #grants(): Promise<readonly Grant[] | UpstreamFailure> {
    const grants: Grant[] = []
    for (const credential of this.#parts.credentials) {
      const grant = await credential.grant()
      if (!grant.ok) return grant
      grants.push(grant)
    }
    return grants
  }
}

/** Lets go of an answer that nobody will read. */
function discard(answer: UpstreamResult): void {
  if (answer.ok && answer.body instanceof Readable) answer.body.on('error', () => undefined).destroy()
}
