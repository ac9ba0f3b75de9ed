import type { AnyCheckKind, Check, Greeter, Stage } from '../core/check.ts'
import type { DenialSpec } from '../core/decision.ts'
import type { Resources } from '../core/resources.ts'
import type { Sender } from '../forward/exchange.ts'
import type { ForwardPlan } from '../forward/normalise.ts'

/** A check in its place in a route. */
export interface PlacedCheck<S extends Stage> {
  readonly name: string
  readonly check: Check<S>
  readonly denials: Readonly<Record<string, DenialSpec>>
  /** Its place among all checks of the route, in the order they run. */
  readonly place?: number
  /** What it would refuse is noted; it refuses, admits and establishes nothing. */
  readonly report?: boolean
}

/** A check of a route as its config has it, in the order they run: what an explanation is made from. */
export interface RouteCheck {
  readonly kind: AnyCheckKind
  readonly config: unknown
  readonly report: boolean
  /** Not written in the file: every route has it. */
  readonly implied: boolean
  /** What it may use to explain; it changes nothing, and its clock stands where the request was received. */
  readonly resources: Resources
}

/** The handshake of a route, with the texts of its check, and the checks that a handshake must pass. */
export interface PlacedGreeter {
  readonly name: string
  readonly greeter: Greeter
  readonly guards: readonly PlacedCheck<'head'>[]
  readonly denials: Readonly<Record<string, DenialSpec>>
}

/** A route, compiled: nothing in it is looked up, parsed or built per request. */
export interface Route {
  readonly name: string
  readonly methods: ReadonlySet<string>
  /** `scheme://host` that senders were given, without a path; `undefined`: as the request says. */
  readonly publicUrl: string | undefined
  /** Why the route can't serve; `undefined` where it can. */
  readonly offline: { readonly reason: string; readonly mend: string } | undefined
  readonly head: readonly PlacedCheck<'head'>[]
  readonly body: readonly PlacedCheck<'body'>[]
  readonly content: readonly PlacedCheck<'content'>[]
  readonly greeter?: PlacedGreeter
  readonly limits: RouteLimits
  /** Request and answer go on as they come. */
  readonly stream: boolean
  readonly websocket: boolean
  readonly plan: ForwardPlan
  readonly upstream: Sender
}

export interface RouteLimits {
  /** Bytes of the body as sent. */
  readonly body: number
  /** Bytes of the body decompressed. */
  readonly decoded: number
}
