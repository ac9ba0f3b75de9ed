import type { ZodType } from 'zod'
import type { Explaining } from './captured.ts'
import type { Allow, Decision, Denial, DenialSpec, Facts, Reply } from './decision.ts'
import type { Finding } from './finding.ts'
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
 * What a service asks before it can sign anything. It comes before every check but those of `beforeGreeting`, even where
 * the route lacks something; it is answered or refused, and nothing of it is ever forwarded.
 */
export interface Greeter<Code extends string = string> {
  /** Methods that reach the route for this alone. */
  readonly methods: readonly string[]
  /** Whether the head asks, or leaves it to the body. It only looks: no check has let the request in yet. */
  asks(request: HeadRequest): boolean
  /** Of a request that asks. `body`: the body says. */
  greet(request: HeadRequest): Reply | Denial<Code> | 'body'
  /** Of at most `maxBytes`, plain. */
  greetBody(request: BodyRequest): Reply | Denial<Code>
  readonly maxBytes: number
}

/** `undefined`: the head does not tell. */
export type Foreseen<Code extends string = string> = Denial<Code> | Allow | undefined

/** A check of one route, compiled at load. */
export interface Check<S extends Stage = Stage, Code extends string = string> {
  /** Answers synchronously when it can. A throw refuses the request (`gateway.fault`) and nothing else. */
  decide(request: RequestAt[S], facts: Facts): Decision<Code> | Promise<Decision<Code>>
  /**
   * For a body check: what the head alone decides. A refusal ends the request before a byte of the body is asked for or
   * read. What is admitted counts from then on; `decide` is asked all the same, and adds to it.
   */
  foresee?(request: HeadRequest, facts: Facts): Foreseen<Code> | Promise<Foreseen<Code>>
  readonly greeter?: Greeter<Code>
  /** Caps that this check sets on reading; the lowest of a route holds. */
  readonly limits?: { readonly body?: number; readonly decoded?: number; readonly codings?: readonly string[] }
  /** Ends timers and watches when the route is replaced. */
  close?(): void
}

/** What `explain` gives. */
export type Explained = readonly Finding[] | Promise<readonly Finding[]>

export interface CheckKind<S extends Stage, Config, Code extends string> {
  /** Kebab case: the file, the YAML key, the code's prefix, the reference page. */
  readonly name: string
  readonly stage: S
  /** For a head check that asks who may try at all: handshakes pass it too, before they are answered. */
  readonly beforeGreeting?: S extends 'head' ? true : never
  /** One sentence for the reference page. */
  readonly summary: string
  /** An example of its configuration, YAML, for the reference page; a test parses it. */
  readonly example: string
  /** Parses the YAML value; the editors' JSON Schema and the reference page are made from it. */
  readonly config: ZodType<Config>
  /** Every code it can answer, whole: `name.reason`. */
  readonly denials: Readonly<Record<Code, DenialSpec>>
  /**
   * For a check that is made of others: those that stand in its list, as it is written or as it was parsed. Its stage is
   * that of the latest of them (`stageOf`), and it may also answer with their codes (`denialsOf`).
   */
  members?(list: unknown): readonly Member[]
  /** @throws Offline where a resource is missing: the route answers 503 and says so, others go on. */
  create(config: Config, resources: Resources): Check<S, Code>
  /**
   * Why it refused a request: near misses, tried for the operator, off the path of requests and with bounded work. It
   * claims nothing, takes no token of a rate and waits for nothing that is not there. The surest first; none where the
   * refusal's own evidence says it all. A promise where what it takes is loaded first.
   */
  explain?(config: Config, asked: Explaining<Config>, resources: Resources): Explained
  /** What is wrong with it before any request, as far as its config and its resources tell. */
  doctor?(config: Config, resources: Resources): AsyncIterable<Finding>
}

/** A check kind of any stage, config and code, for lists of them. */
export interface AnyCheckKind {
  readonly name: string
  readonly stage: Stage
  readonly beforeGreeting?: true
  readonly summary: string
  readonly example: string
  readonly config: ZodType
  readonly denials: Readonly<Record<string, DenialSpec>>
  members?(list: unknown): readonly Member[]
  create(config: never, resources: Resources): Check<never, string>
  explain?(config: never, asked: Explaining<never>, resources: Resources): Explained
  doctor?(config: never, resources: Resources): AsyncIterable<Finding>
}

/** A check that stands in the list of another. */
export interface Member {
  readonly kind: AnyCheckKind
  readonly config: unknown
  /** Its place in the list as written. */
  readonly index: number
}

/** From the first to the last. */
export const STAGES: readonly Stage[] = ['head', 'body', 'content']

/** The stage of a check as configured: its kind's, or that of the latest check that it is made of. */
export function stageOf(kind: AnyCheckKind, config: unknown): Stage {
  if (!kind.members) return kind.stage
  const stages = kind.members(config).map(member => stageOf(member.kind, member.config))
  return STAGES.findLast(stage => stages.includes(stage)) ?? 'head'
}

/** Every code that a check as configured can answer. */
export function denialsOf(kind: AnyCheckKind, config: unknown): Readonly<Record<string, DenialSpec>> {
  if (!kind.members) return kind.denials
  return Object.assign({}, ...kind.members(config).map(each => denialsOf(each.kind, each.config)), kind.denials)
}

/** Declares a check; the types tie its stage, its config and its codes together. */
export function defineCheck<S extends Stage, Config, const Code extends string>(
  kind: CheckKind<S, Config, Code>,
): CheckKind<S, Config, Code> {
  return kind
}
