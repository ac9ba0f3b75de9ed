import type { Check } from '../../core/check.ts'
import type { Decision } from '../../core/decision.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'

/** A check made for an explanation alone, which answers once more, and what it says of a request; closed at the end. */
export class AskAgain {
  readonly #check: Check<'head', string> | undefined

  constructor(create: () => Check<'head', string>) {
    this.#check = attempt(create)
  }

  /** `undefined` where the check can't be made, or fails. */
  async ask(request: BodyRequest): Promise<Decision | undefined> {
    try {
      return await this.#check?.decide(request, {})
    } catch {
      return undefined
    }
  }

  async admits(request: BodyRequest): Promise<boolean> {
    return (await this.ask(request))?.ok === true
  }

  close(): void {
    this.#check?.close?.()
  }
}

/** A route that lacks something has no such check. */
function attempt<T>(create: () => T): T | undefined {
  try {
    return create()
  } catch {
    return undefined
  }
}

/** The same world when the request came: what has ended since, had not. Nothing that a check says of it is told on. */
export function asOf(resources: Resources, epochMs: number): Resources {
  return {
    route: resources.route,
    signedBy: resources.signedBy,
    clock: { now: () => epochMs, monotonic: () => resources.clock.monotonic() },
    rates: resources.rates,
    claims: resources.claims,
    secret: ref => resources.secret(ref),
    file: path => resources.file(path),
    remote: (url, options) => resources.remote(url, options),
    remoteSet: options => resources.remoteSet(options),
    keepSecret: () => false,
    hasKept: path => resources.hasKept(path),
    expires: () => {},
  }
}
