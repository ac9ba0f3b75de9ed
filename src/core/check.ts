import type { ZodType } from 'zod'
import type { Decision, Denial, DenialSpec, Facts, Reply } from './decision.ts'
import type { BodyRequest, ContentRequest, HeadRequest } from './request.ts'
import type { Resources } from './resources.ts'

/**
 * What a check may see. `head`: nothing of the body was read; `body`: the exact bytes; `content`: decoded and parsed.
 * The stages run in this order, so that no unauthenticated body is decompressed or parsed.
 */
export type Stage = 'head' | 'body' | 'content'

export interface RequestAt {
  readonly head: HeadRequest
  readonly body: BodyRequest
  readonly content: ContentRequest
}

/**
 * What a service asks before it can sign anything. It comes before every other check, even where the route lacks
 * something; it is answered or refused, and nothing of it is ever forwarded.
 */
export interface Greeter<Code extends string = string> {
  /** Methods that reach the route for this alone. */
  readonly methods: readonly string[]
  /** `undefined`: not asked; `body`: the body says. */
  greet(request: HeadRequest): Reply | Denial<Code> | 'body' | undefined
  /** Of at most `maxBytes`, plain. */
  greetBody(request: BodyRequest): Reply | Denial<Code>
  readonly maxBytes: number
}

/** A check of one route, compiled at load. */
export interface Check<S extends Stage = Stage, Code extends string = string> {
  /** Answers synchronously when it can. A throw refuses the request (`gateway.fault`) and nothing else. */
  decide(request: RequestAt[S], facts: Facts): Decision<Code> | Promise<Decision<Code>>
  /** For a body check: a refusal that the head alone decides, so that no byte of the body is asked for or read. */
  foresee?(request: HeadRequest, facts: Facts): Denial<Code> | undefined
  readonly greeter?: Greeter<Code>
  /** Caps that this check sets on reading; the lowest of a route holds. */
  readonly limits?: { readonly body?: number; readonly decoded?: number; readonly codings?: readonly string[] }
  /** Ends timers and watches when the route is replaced. */
  close?(): void
}

export interface CheckKind<S extends Stage, Config, Code extends string> {
  /** Kebab case: the file, the YAML key, the code's prefix, the reference page. */
  readonly name: string
  readonly stage: S
  /** One sentence for the reference page. */
  readonly summary: string
  /** An example of its configuration, YAML, for the reference page; a test parses it. */
  readonly example: string
  /** Parses the YAML value; the editors' JSON Schema and the reference page are made from it. */
  readonly config: ZodType<Config>
  /** Every code it can answer, whole: `name.reason`. */
  readonly denials: Readonly<Record<Code, DenialSpec>>
  /** @throws Offline where a resource is missing: the route answers 503 and says so, others go on. */
  create(config: Config, resources: Resources): Check<S, Code>
}

/** A check kind of any stage, config and code, for lists of them. */
export interface AnyCheckKind {
  readonly name: string
  readonly stage: Stage
  readonly summary: string
  readonly example: string
  readonly config: ZodType
  readonly denials: Readonly<Record<string, DenialSpec>>
  create(config: never, resources: Resources): Check<never, string>
}

/** Declares a check; the types tie its stage, its config and its codes together. */
export function defineCheck<S extends Stage, Config, const Code extends string>(
  kind: CheckKind<S, Config, Code>,
): CheckKind<S, Config, Code> {
  return kind
}
