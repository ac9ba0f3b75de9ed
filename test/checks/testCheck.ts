import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Check, CheckKind, RequestAt, Stage } from '../../src/core/check.ts'
import type { Decision, EvidenceValue, Facts, Outcome } from '../../src/core/decision.ts'
import { type FakeResources, fakeRequest, fakeResources, type RequestDescription } from './fakes.ts'

export {
  type FakeResources,
  fakeCertificate,
  fakeRequest,
  fakeResources,
  NOW,
  type RequestDescription,
} from './fakes.ts'

/** One request put to one configuration of the check. */
export interface Case {
  readonly name: string
  /** As YAML would give it. Default: `{}`. */
  readonly config?: unknown
  readonly request?: RequestDescription
  readonly facts?: Facts
  readonly resources?: Parameters<typeof fakeResources>[0]
  /** Requests that come first, through the same check, and how they end; `open` ones have not ended yet. */
  readonly before?: readonly {
    readonly request?: RequestDescription
    readonly facts?: Facts
    readonly outcome?: Outcome | 'open'
    /** Milliseconds that pass after it. */
    readonly wait?: number
  }[]
}

export interface AllowCase extends Case {
  /** Facts that the decision must add. */
  readonly adds?: Facts
  /** Headers that the decision must add to the reply. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface DenyCase<Code extends string> extends Case {
  readonly code: Code
  /** Evidence that the denial must hold, among others. */
  readonly evidence?: Readonly<Record<string, EvidenceValue>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface ReplyCase extends Case {
  readonly status: number
  readonly reason: string
}

export interface Cases<Code extends string> {
  readonly allows: readonly AllowCase[]
  readonly denies: readonly DenyCase<Code>[]
  readonly replies?: readonly ReplyCase[]
}

/** Compiles the check as the gateway would: the YAML value through its schema, then `create`. */
export function compile<S extends Stage, Config, Code extends string>(
  kind: CheckKind<S, Config, Code>,
  config: unknown = {},
  resources: FakeResources = fakeResources(),
): Check<S, Code> {
  return kind.create(kind.config.parse(config), resources)
}

/**
 * Holds a check to its contract: it allows, denies and replies as the cases say; every code it declares is produced by
 * one of them; its codes, texts and example are in order.
 */
export function testCheck<S extends Stage, Config, Code extends string>(
  kind: CheckKind<S, Config, Code>,
  cases: Cases<Code>,
): void {
  describe(kind.name, () => {
    it.each(cases.allows)('allows $name', async one => {
      const decision = await decide(kind, one)
      expect(decision).toMatchObject({ ok: true, ...(one.adds === undefined ? {} : { facts: one.adds }) })
      expectHeaders(decision, one.headers)
    })
    it.each(cases.denies)('denies $name: $code', async one => {
      const decision = await decide(kind, one)
      expect(decision).toMatchObject({ ok: false, code: one.code, ...(one.evidence && { evidence: one.evidence }) })
      expectHeaders(decision, one.headers)
      const spec = Object.hasOwn(kind.denials, one.code) ? kind.denials[one.code] : undefined
      if (spec?.status === 401)
        expect(
          [...(spec.headers ?? []), ...(decision.headers ?? [])].some(([name]) => name === 'WWW-Authenticate'),
          `${one.code}: RFC 9110 section 15.5.2`,
        ).toBe(true)
    })
    if (cases.replies?.length) {
      it.each(cases.replies)('replies to $name: $reason', async one => {
        expect(await decide(kind, one)).toMatchObject({ ok: 'reply', status: one.status, reason: one.reason })
      })
    }
    it('produces every code it declares', () => {
      // A combination may answer with the codes of its members too; those are held to theirs.
      const own = (code: string) => kind.members === undefined || code.startsWith(`${kind.name}.`)
      const produced = new Set(cases.denies.map(one => one.code).filter(own))
      expect([...produced].sort()).toEqual(Object.keys(kind.denials).sort())
    })
    it('speaks to the operator', () => {
      expect(kind.summary).toMatch(/^[A-Z].*\.$/s)
      for (const [code, spec] of Object.entries<(typeof kind.denials)[Code]>(kind.denials)) {
        expect(code).toMatch(new RegExp(`^${kind.name}\\.[a-z][a-z-]*$`))
        expect(spec.status, code).toBeGreaterThanOrEqual(400)
        expect(spec.title, code).toMatch(/^[A-Z][^!]*[^.!]$/)
        for (const text of [spec.meaning, spec.remedy]) expect(text, code).toMatch(/^[^!]{15,}\.$/s)
      }
    })
    it('has an example that its own schema takes', () => {
      const value: unknown = parse(kind.example)
      expect(value).toHaveProperty([kind.name])
      kind.config.parse((value as Record<string, unknown>)[kind.name])
    })
  })
}

async function decide<S extends Stage, Config, Code extends string>(
  kind: CheckKind<S, Config, Code>,
  one: Case,
): Promise<Decision<Code>> {
  const resources = fakeResources(one.resources)
  const check = compile(kind, one.config, resources)
  // A request of the last stage is one of every stage before it.
  const ask = (request: RequestDescription | undefined, facts: Facts | undefined) => {
    const full = fakeRequest(request)
    const said = check.greeter?.asks(full) ? check.greeter.greet(full) : undefined
    const greeted = said === 'body' ? check.greeter?.greetBody(full) : said
    return greeted ?? check.decide(full as RequestAt[S], facts ?? {})
  }
  for (const earlier of one.before ?? []) {
    const decision = await ask(earlier.request ?? one.request, earlier.facts ?? one.facts)
    const outcome = earlier.outcome ?? 'delivered'
    if (decision.ok === true && outcome !== 'open') await decision.settle?.(outcome)
    resources.clock.advance(earlier.wait ?? 0)
  }
  return ask(one.request, one.facts)
}

function expectHeaders(decision: Decision, expected: Readonly<Record<string, string>> | undefined): void {
  if (expected) expect(Object.fromEntries(decision.headers ?? [])).toMatchObject(expected)
}
