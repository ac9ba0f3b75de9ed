import { Readable } from 'node:stream'
import { UnsignableFault } from '../signing/signed-form.ts'
import type { BodyShaper } from './body-shaper.ts'
import type { Breaker } from './breaker.ts'
import type { Credential, Grant } from './credentials/credential.ts'
import type { Sender, Trail, UpstreamFailure, UpstreamResult } from './exchange.ts'
import type { Outbound } from './normalise.ts'
import { quietOf } from './receiver-limits.ts'
import type { Retry } from './retry.ts'
import type { Timing } from './timing.ts'
import type { Turn, Turnstile } from './turnstile.ts'

/** What stands between a bridge route and its upstream. */
export interface BridgeParts {
  readonly upstream: Sender
  /** In the order in which they are added: what signs comes last. */
  readonly credentials: readonly Credential[]
  readonly shaper: BodyShaper | undefined
  readonly turnstile: Turnstile | undefined
  readonly breaker: Breaker | undefined
  readonly retry: Retry | undefined
  /** Milliseconds for which a retry waits at the receiver's wish; one that asks for longer is answered as it is. */
  readonly patience: number
  readonly timing: Timing
  readonly counts: BridgeCounts
}

/** Plain numbers, read by metrics. */
export interface BridgeCounts {
  retries: number
}

interface Attempt {
  readonly result: UpstreamResult
  readonly grants: readonly Grant[]
  /** Milliseconds. */
  readonly quiet: number
}

/** Sends requests of a bridge route: with its credentials, at the receiver's pace, and again where that is safe. */
export class Bridge implements Sender {
  readonly parts: BridgeParts

  constructor(parts: BridgeParts) {
    this.parts = parts
  }

  async send(given: Outbound): Promise<UpstreamResult> {
    const { retry, patience, counts, shaper } = this.parts
    const shaped = shaper ? await shaper.shape(given) : given
    if ('ok' in shaped) return shaped
    const outbound = retry?.keyed(shaped) ?? shaped
    const trail: Trail = { attempts: 0, queuedMs: 0 }
    let renewed = false
    for (let attempt = 1; ; attempt++) {
      const { result, grants, quiet } = await this.#attempt(outbound, trail)
      if (!renewed && result.ok && result.status === 401) {
        renewed = grants.map(grant => grant.refused()).includes(true)
        // A 401 says that nothing was done, so any method may be sent again, once, with what is fetched anew. But a body that
        // has streamed by is not there a second time.
        if (renewed && !outbound.streams?.body) {
          discard(result)
          attempt--
          continue
        }
      }
      const delay = quiet > patience || outbound.streams ? undefined : retry?.delay(result, outbound, attempt)
      if (delay === undefined) return { ...result, trail }
      counts.retries++
      discard(result)
      await this.#wait(Math.max(delay, quiet))
    }
  }

  async #attempt(outbound: Outbound, trail: Trail): Promise<Attempt> {
    const { breaker, turnstile, upstream, timing } = this.parts
    const failed = (result: UpstreamFailure): Attempt => ({ result, grants: [], quiet: 0 })
    // Before anything waits: what could not be sent need not stand in the queue.
    const shut = breaker?.refusal()
    if (shut) return failed(shut)
    const grants = await this.#grants()
    if ('ok' in grants) return failed(grants)
    const turn = await turnstile?.enter()
    if (turn?.ok === false) return failed(turn)
    trail.queuedMs += turn?.waitedMs ?? 0
    const since = breaker?.refusal()
    if (since) {
      turn?.end(false)
      return failed(since)
    }
    const granted = applied(grants, outbound, timing.now())
    if ('ok' in granted) {
      turn?.end(false)
      return failed(granted)
    }
    const told = breaker?.begin()
    trail.attempts++
    const result = await upstream.send(granted)
    told?.(result)
    const quiet = result.ok ? quietOf(result.status, result.headers, timing.now()) : 0
    if (quiet > 0) turnstile?.hold(quiet)
    if (turn) endWith(result, turn)
    return { result, grants, quiet }
  }

  async #grants(): Promise<readonly Grant[] | UpstreamFailure> {
    const grants: Grant[] = []
    for (const credential of this.parts.credentials) {
      const grant = await credential.grant()
      if (!grant.ok) return grant
      grants.push(grant)
    }
    return grants
  }

  #wait(ms: number): Promise<void> {
    const { timing } = this.parts
    const until = timing.monotonic() + ms
    return new Promise(resolve => {
      const look = (): void => {
        const left = until - timing.monotonic()
        if (left <= 0) resolve()
        else timing.after(left, look)
      }
      look()
    })
  }
}

/** With the credentials in it; or why it can't be signed. */
function applied(grants: readonly Grant[], outbound: Outbound, now: number): Outbound | UpstreamFailure {
  let granted = outbound
  try {
    for (const grant of grants) granted = grant.apply(granted, now)
    return granted
  } catch (error) {
    if (!(error instanceof UnsignableFault)) throw error
    return {
      ok: false,
      code: 'forward.unsigned',
      message: `what is to be signed is missing: ${error.message}`,
      unsent: true,
    }
  }
}

/** Ends a turn with the answer, which may still be streaming, or with the WebSocket that it has opened. */
function endWith(result: UpstreamResult, turn: Turn): void {
  if (!result.ok) turn.end(result.unsent !== true)
  else if (result.tunnel) {
    turn.answered()
    whenClosed(result.tunnel.socket, () => turn.end(true))
  } else if (result.body instanceof Readable) whenClosed(result.body, () => turn.end(true))
  else turn.end(true)
}

function whenClosed(stream: Readable, call: () => void): void {
  if (stream.closed) call()
  else stream.once('close', call)
}

/** Lets go of an answer that nobody will read. */
function discard(answer: UpstreamResult): void {
  if (answer.ok && answer.body instanceof Readable) answer.body.on('error', () => undefined).destroy()
}
