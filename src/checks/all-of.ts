import type { AnyCheckKind, Check, CheckKind, Foreseen } from '../core/check.ts'
import type { Allow, Decision, Facts, Outcome } from '../core/decision.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import {
  ask,
  askAtHead,
  compileParts,
  doctorOf,
  type Entries,
  entryList,
  membersOf,
  type Part,
  specOf,
} from './combination.ts'

/** @param kinds every check that may stand in the list, this one included. */
export const allOf = (kinds: () => readonly AnyCheckKind[]): CheckKind<'body', Entries, string> => ({
  name: 'all-of',
  stage: 'body',
  summary:
    'Admits requests that all of its checks admit: several together as one entry of any-of. They are asked as those of a route are, and the first refusal is its refusal, under its own code.',
  example:
    'all-of: [{ source-ip: { allow: [192.0.2.0/24] } }, { basic: { users: [{ name: kb, password: { env: KB_PASSWORD } }] } }]',
  config: entryList(kinds),
  members: list => membersOf(list, kinds()),
  doctor: (config, resources) => doctorOf(membersOf(config, kinds()), resources),
  denials: {},
  create: (config, resources) => new AllOf(compileParts(membersOf(config, kinds()), resources)),
  explain: async (config, asked, resources) =>
    (await import('./explain/combination.ts')).explainMembers(
      list => membersOf(list, kinds()),
      config,
      asked,
      resources,
    ),
})

class AllOf implements Check<'body', string> {
  readonly #parts: readonly Part[]
  /** What the parts that the head satisfies have said. */
  readonly #admitted = new WeakMap<HeadRequest, ReadonlyMap<Part, Allow>>()

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  async foresee(request: HeadRequest, facts: Facts): Promise<Foreseen<string>> {
    const admitted = new Map<Part, Allow>()
    let known = facts
    for (const part of this.#parts) {
      const decision = await askAtHead(part, request, known)
      if (decision?.ok === false) {
        specOf(part, decision)
        return decision
      }
      if (decision?.ok !== true) continue
      admitted.set(part, decision)
      known = { ...known, ...decision.facts }
    }
    this.#admitted.set(request, admitted)
    return undefined
  }

  async decide(request: BodyRequest, facts: Facts): Promise<Decision<string>> {
    const before = this.#admitted.get(request)
    const passed: Allow[] = []
    let known = facts
    try {
      for (const part of this.#parts) {
        const decision = before?.get(part) ?? (await ask(part, request, known))
        if (decision.ok !== true) {
          if (decision.ok === false) specOf(part, decision)
          await settleAll(passed, 'not-delivered')
          return decision
        }
        passed.push(decision)
        known = { ...known, ...decision.facts }
      }
    } catch (error) {
      await settleAll(passed, 'not-delivered')
      throw error
    }
    return merged(passed)
  }

  close(): void {
    for (const { check } of this.#parts) check.close?.()
  }
}

function merged(passed: readonly Allow[]): Allow {
  const headers = passed.flatMap(({ headers }) => headers ?? [])
  return {
    ok: true,
    facts: Object.assign({}, ...passed.map(({ facts }) => facts)),
    ...(headers.length === 0 ? {} : { headers }),
    ...(passed.some(({ settle }) => settle) ? { settle: outcome => settleAll(passed, outcome) } : {}),
  }
}

/** Lets go of, or keeps, what the checks have claimed: each of them, whatever happens to another. */
async function settleAll(passed: readonly Allow[], outcome: Outcome): Promise<void> {
  const settled = await Promise.allSettled(passed.map(async ({ settle }) => settle?.(outcome)))
  const failed = settled.flatMap(one => (one.status === 'rejected' ? [one.reason] : []))
  if (failed.length > 0) throw new AggregateError(failed, `${failed.length} claims could not be settled`)
}
