import type { AnyCheckKind, Check, CheckKind, Foreseen } from '../core/check.ts'
import { ALLOW, type Decision, type Denial, type Facts } from '../core/decision.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import { type Failed, refusalOf } from './any-of-refusal.ts'
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
export const anyOf = (kinds: () => readonly AnyCheckKind[]): CheckKind<'body', Entries, string> => ({
  name: 'any-of',
  stage: 'body',
  summary:
    'Admits requests that one of its checks admits; who was authenticated is what that one says. Those that need the head alone are asked first, then those that need the body, each in the order written; the first that admits ends it. A check that fails, instead of refusing, refuses the request.',
  example:
    'any-of: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] } }, { basic: { users: [{ name: kb, password: { env: KB_PASSWORD } }] } }]',
  config: entryList(kinds),
  members: list => membersOf(list, kinds()),
  doctor: (config, resources) => doctorOf(membersOf(config, kinds()), resources),
  denials: {
    'any-of.none': {
      status: 401,
      title: 'Authentication required',
      meaning:
        'None of the checks admits the request. The evidence lists the refusal of each, and what each has seen. The reply carries the challenge (WWW-Authenticate) of each that has one.',
      remedy: 'Find the check in the evidence that this sender is meant to pass, and follow the remedy of its code.',
    },
    'any-of.forbidden': {
      status: 403,
      title: 'Forbidden',
      meaning:
        'None of the checks admits the request, and no credentials would change that. The evidence lists the refusal of each, and what each has seen.',
      remedy: 'Find the check in the evidence that this sender is meant to pass, and follow the remedy of its code.',
    },
  },
  create: (config, resources) => new AnyOf(compileParts(membersOf(config, kinds()), resources)),
  explain: async (config, asked, resources) =>
    (await import('./explain/combination.ts')).explainMembers(
      list => membersOf(list, kinds()),
      config,
      asked,
      resources,
    ),
})

class AnyOf implements Check<'body', string> {
  readonly #parts: readonly Part[]
  /** What the head has shown: that a part admits, or which refuse. */
  readonly #shown = new WeakMap<HeadRequest, 'admitted' | readonly Failed[]>()

  constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  async foresee(request: HeadRequest, facts: Facts): Promise<Foreseen<string>> {
    const failed: Failed[] = []
    for (const part of this.#parts) {
      const decision = await askAtHead(part, request, facts)
      if (decision === undefined) continue
      if (decision.ok === false) failed.push(failure(part, decision))
      // An answer in the upstream's place comes from a check of the body, once it has seen it.
      else if (decision.ok === true) {
        this.#shown.set(request, 'admitted')
        return decision
      }
    }
    if (failed.length === this.#parts.length) return refusalOf(failed)
    this.#shown.set(request, failed)
    return undefined
  }

  async decide(request: BodyRequest, facts: Facts): Promise<Decision<string>> {
    const shown = this.#shown.get(request) ?? []
    // The walk has taken what was admitted by the head when it was foreseen.
    if (shown === 'admitted') return ALLOW
    const failed = [...shown]
    for (const part of this.#parts) {
      if (shown.some(one => one.part === part)) continue
      const decision = await ask(part, request, facts)
      if (decision.ok !== false) return decision
      failed.push(failure(part, decision))
    }
    return refusalOf(failed)
  }

  close(): void {
    for (const { check } of this.#parts) check.close?.()
  }
}

const failure = (part: Part, denial: Denial<string>): Failed => ({ part, denial, spec: specOf(part, denial) })
