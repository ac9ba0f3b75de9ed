import { z } from 'zod'
import type { AnyCheckKind, Check, Member } from '../core/check.ts'
import { denialsOf, stageOf } from '../core/check.ts'
import type { Decision, Denial, DenialSpec, Facts } from '../core/decision.ts'
import type { Finding } from '../core/finding.ts'
import { late } from '../core/late-schema.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import type { Resources } from '../core/resources.ts'
import { checkEntry } from './entry.ts'

/** What `any-of` and `all-of` share: their list of checks, and asking them one by one. */

/** As zod gives them: each has one key, the check's name. */
export type Entries = readonly Readonly<Record<string, unknown>>[]

/** The list itself, and two more inside. */
const MOST_DEEP = 3

/** Caps, types and what is answered before anybody is known hold for the whole route, whoever sends. */
const WHOLE_ROUTE: ReadonlySet<string> = new Set(['body-limit', 'content-type', 'content-encoding', 'challenge'])

/** The checks of a list, as written or as parsed; what is no check of `kinds` is passed over. */
export function membersOf(list: unknown, kinds: readonly AnyCheckKind[]): readonly Member[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown, index): Member[] => {
    if (typeof entry !== 'object' || entry === null) return []
    const kind = kinds.find(({ name }) => Object.hasOwn(entry, name))
    return kind ? [{ kind, config: Reflect.get(entry, kind.name), index }] : []
  })
}

/** @param kinds a function, because the list of all kinds holds the combinations themselves. */
export function entryList(kinds: () => readonly AnyCheckKind[]): z.ZodType<Entries> {
  return late(() =>
    z
      .array(checkEntry(kinds()))
      .min(1, 'an empty list admits nobody')
      .superRefine((entries, context) => crossCheck(entries, kinds(), context)),
  )
}

function crossCheck(entries: Entries, kinds: readonly AnyCheckKind[], context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
  for (const [index, entry] of entries.entries()) {
    if (entry.mode !== undefined)
      refuse([index, 'mode'], 'mode stands beside a check of the route: one of a list can not report alone')
    const [name, second] = Object.keys(entry).filter(key => key !== 'mode' && entry[key] !== undefined)
    // An entry whose only key is unknown was told already.
    const told = context.issues.some(({ path }) => path?.[0] === index)
    if (name === undefined && !told) refuse([index], 'an entry is empty: write one check, e.g. "- bearer: { ... }"')
    if (second !== undefined)
      refuse([index, second], `a second check, "${second}", stands in one entry: give each an entry of its own`)
  }
  for (const { kind, config, index } of membersOf(entries, kinds))
    if (WHOLE_ROUTE.has(kind.name))
      refuse([index, kind.name], `${kind.name} holds for the whole route: put it beside, as an entry of checks`)
    else if (stageOf(kind, config) === 'content')
      refuse(
        [index, kind.name],
        `${kind.name} sees the content of a body, which is read once all have passed: put it after, as an entry of checks`,
      )
  // Told once, at the list that is one too deep inside; the lists around it are deeper still.
  if (depthOf(entries, kinds) === MOST_DEEP + 1)
    context.addIssue({
      code: 'custom',
      message: `lists stand in lists more than ${MOST_DEEP} deep: take the innermost apart`,
    })
}

function depthOf(list: unknown, kinds: readonly AnyCheckKind[]): number {
  const inner = membersOf(list, kinds).map(({ kind, config }) => (kind.members ? depthOf(config, kinds) : 0))
  return 1 + Math.max(0, ...inner)
}

/** A check of the list, compiled. */
export interface Part {
  readonly name: string
  readonly stage: 'head' | 'body'
  readonly check: Check<'body', string>
  readonly denials: Readonly<Record<string, DenialSpec>>
}

/** In the order they are asked: those of the head first, each kind of stage in the order written. @throws Offline */
export function compileParts(members: readonly Member[], resources: Resources): readonly Part[] {
  const parts = members.map(({ kind, config }): Part => {
    const check: Check<'body', string> = kind.create(config as never, resources)
    const stage = stageOf(kind, config) === 'head' ? 'head' : 'body'
    return { name: kind.name, stage, check, denials: denialsOf(kind, config) }
  })
  return [...parts.filter(({ stage }) => stage === 'head'), ...parts.filter(({ stage }) => stage !== 'head')]
}

/** What is wrong with each of the list. */
export async function* doctorOf(members: readonly Member[], resources: Resources): AsyncGenerator<Finding> {
  for (const { kind, config } of members) {
    const found = kind.doctor?.(config as never, resources)
    if (found) yield* found
  }
}

/**
 * What a part says before the body is read; `undefined` where it needs the body.
 * @throws Error where a check of the head claims something: nobody would let go of it if the request ended before the body.
 */
export async function askAtHead(part: Part, request: HeadRequest, facts: Facts): Promise<Decision<string> | undefined> {
  const asked =
    part.stage === 'head' ? part.check.decide(request as BodyRequest, facts) : part.check.foresee?.(request, facts)
  const decision = asked instanceof Promise ? await asked : asked
  if (decision?.ok === true && decision.settle !== undefined)
    throw new Error(`${part.name} claims before the body is read`)
  return decision
}

export async function ask(part: Part, request: BodyRequest, facts: Facts): Promise<Decision<string>> {
  const asked = part.check.decide(request, facts)
  return asked instanceof Promise ? await asked : asked
}

/** A refusal with what its code stands for. @throws Error where the check has not declared the code. */
export function specOf(part: Part, denial: Denial<string>): DenialSpec {
  const spec = Object.hasOwn(part.denials, denial.code) ? part.denials[denial.code] : undefined
  if (spec === undefined) throw new Error(`${part.name} answers an undeclared code, ${denial.code}`)
  return spec
}
