import type { WouldRefuse } from '../core/captured.ts'
import type { RequestAt, Stage } from '../core/check.ts'
import type { Decision, Denial, DenialSpec, Evidence, Facts, Outcome, Reply, ReplyHeaders } from '../core/decision.ts'
import type { ContentRequest, HeadRequest } from '../core/request.ts'
import { markVerified, type VerifiedRequest } from '../forward/verified.ts'
import { type PipelineCode, pipelineDenials } from './denials.ts'
import type { PlacedCheck, Route } from './route.ts'

/** Why a request goes no further: refused, or answered by the gate itself. */
export type Stop = Refusal | { readonly kind: 'reply'; readonly reply: Reply }

export interface Refusal {
  readonly kind: 'refusal'
  readonly code: string
  readonly spec: DenialSpec
  readonly evidence: Evidence | undefined
  readonly headers: ReplyHeaders | undefined
  /** What the sender is told of his own request, beside title and code. */
  readonly detail?: string | undefined
  /** The place of the check that refuses among those of its route; absent where none does. */
  readonly by?: number | undefined
}

export function refuse(code: PipelineCode, evidence?: Evidence, headers?: ReplyHeaders): Refusal {
  return { kind: 'refusal', code, spec: pipelineDenials[code], evidence, headers }
}

const NO_FACTS: Facts = {}
const NO_HEADERS: ReplyHeaders = []

/** One request's way through its route's checks: facts, reply headers and claims gather here. */
export class Walk {
  readonly #route: Route
  facts = NO_FACTS
  headers: ReplyHeaders = NO_HEADERS
  /** What checks that only report would have refused; `undefined` where that is nothing. */
  wouldRefuse: WouldRefuse[] | undefined
  readonly #settles: ((outcome: Outcome) => void | Promise<void>)[] = []

  constructor(route: Route) {
    this.#route = route
  }

  /** The checks that hold for a handshake too. */
  greeting(request: HeadRequest): Stop | undefined | Promise<Stop | undefined> {
    return this.#run(this.#route.greeter?.guards ?? [], request, 0)
  }

  /** The head's checks, then what the body's checks can already say; the first refusal ends it. */
  head(request: HeadRequest): Stop | undefined | Promise<Stop | undefined> {
    const stop = this.#run(this.#route.head, request, 0)
    return stop instanceof Promise
      ? stop.then(done => done ?? this.#foresee(request))
      : (stop ?? this.#foresee(request))
  }

  body(request: RequestAt['body']): Stop | undefined | Promise<Stop | undefined> {
    return this.#run(this.#route.body, request, 0)
  }

  /** The last checks. Only here does a request become a verified one. */
  content(request: ContentRequest): Stop | VerifiedRequest | Promise<Stop | VerifiedRequest> {
    const stop = this.#run(this.#route.content, request, 0)
    const verified = (done: Stop | undefined): Stop | VerifiedRequest =>
      done ?? markVerified(request, this.facts, this.headers)
    return stop instanceof Promise ? stop.then(verified) : verified(stop)
  }

  /** After the reply: claims are kept or released, each of them. @throws AggregateError of what failed. */
  async settle(outcome: Outcome): Promise<void> {
    const failed: unknown[] = []
    for (const settle of this.#settles) {
      try {
        await settle(outcome)
      } catch (error) {
        failed.push(error)
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} claims could not be settled`)
  }

  get hasSettles(): boolean {
    return this.#settles.length > 0
  }

  #run<S extends Stage>(
    checks: readonly PlacedCheck<S>[],
    request: RequestAt[S],
    from: number,
  ): Stop | undefined | Promise<Stop | undefined> {
    for (let i = from; i < checks.length; i++) {
      const placed = checks[i]
      if (placed === undefined) break
      try {
        const decision = placed.check.decide(request, this.facts)
        if (decision instanceof Promise) {
          return decision
            .then(late => this.#take(placed, late))
            .catch(error => this.#thrown(placed, error))
            .then(stop => stop ?? this.#run(checks, request, i + 1))
        }
        const stop = this.#take(placed, decision)
        if (stop) return stop
      } catch (error) {
        const stop = this.#thrown(placed, error)
        if (stop) return stop
      }
    }
    return undefined
  }

  #foresee(request: HeadRequest, from = 0): Stop | undefined | Promise<Stop | undefined> {
    const checks = this.#route.body
    for (let i = from; i < checks.length; i++) {
      const placed = checks[i]
      if (placed?.check.foresee === undefined || placed.report) continue
      try {
        const foreseen = placed.check.foresee(request, this.facts)
        if (foreseen instanceof Promise) {
          return foreseen
            .then(late => late && this.#take(placed, late))
            .catch(error => fault(placed, error))
            .then(stop => stop ?? this.#foresee(request, i + 1))
        }
        const stop = foreseen && this.#take(placed, foreseen)
        if (stop) return stop
      } catch (error) {
        return fault(placed, error)
      }
    }
    return undefined
  }

  #take(placed: Asked, decision: Decision): Stop | undefined {
    if (placed.report) return this.#note(placed, decision)
    if (decision.ok === true) {
      if (decision.facts !== undefined)
        this.facts = this.facts === NO_FACTS ? decision.facts : { ...this.facts, ...decision.facts }
      if (decision.headers !== undefined)
        this.headers = this.headers === NO_HEADERS ? decision.headers : [...this.headers, ...decision.headers]
      if (decision.settle !== undefined) this.#settles.push(decision.settle)
      return undefined
    }
    if (decision.ok === 'reply') return { kind: 'reply', reply: decision }
    return this.#refusal(placed, decision)
  }

  /** Nothing that a reporting check says counts; what it claims is its own, and is settled like any claim. */
  #note(placed: Asked, decision: Decision): undefined {
    if (decision.ok === true) {
      if (decision.settle !== undefined) this.#settles.push(decision.settle)
      return
    }
    const denial =
      decision.ok === 'reply'
        ? { code: `${placed.name}.${decision.reason}`, evidence: undefined }
        : this.#refusal(placed, decision)
    this.#report(placed, denial)
  }

  #report(placed: Asked, { code, evidence }: Pick<Refusal, 'code' | 'evidence'>): void {
    this.wouldRefuse ??= []
    this.wouldRefuse.push({ check: placed.name, code, evidence, by: placed.place ?? 0 })
  }

  /** A check that throws refuses this request and nothing else; one that only reports does not even that. */
  #thrown(placed: Asked, error: unknown): Refusal | undefined {
    const refusal = fault(placed, error)
    if (!placed.report) return refusal
    this.#report(placed, refusal)
    return undefined
  }

  #refusal(placed: Asked, denial: Denial): Refusal {
    const spec = Object.hasOwn(placed.denials, denial.code) ? placed.denials[denial.code] : undefined
    if (spec === undefined) return fault(placed, new Error(`undeclared code ${denial.code}`))
    const { code, evidence, headers } = denial
    return { kind: 'refusal', code, spec, evidence, headers, by: placed.place }
  }
}

type Asked = Pick<PlacedCheck<Stage>, 'name' | 'denials' | 'place' | 'report'>

function fault({ name, place }: Asked, error: unknown): Refusal {
  const evidence = { check: name, error: error instanceof Error ? error.message : 'unknown' }
  return { ...refuse('gateway.fault', evidence), by: place }
}
