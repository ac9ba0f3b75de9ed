import type { CapturedRefusal } from '../../src/core/captured.ts'
import type { CheckKind, Stage } from '../../src/core/check.ts'
import type { Facts } from '../../src/core/decision.ts'
import type { Finding } from '../../src/core/finding.ts'
import type { BodyRequest, ContentRequest } from '../../src/core/request.ts'
import { type FakeResources, fakeResources } from './fakes.ts'

export interface Neighbour {
  readonly route: string
  readonly config: unknown
  readonly resources: FakeResources
}

export interface Question {
  readonly config: unknown
  readonly request: ContentRequest
  readonly resources?: FakeResources
  readonly elsewhere?: readonly Neighbour[]
  readonly cut?: boolean
  readonly facts?: Facts
}

export interface Told {
  readonly refusal: CapturedRefusal
  readonly findings: readonly Finding[]
}

/** Has a check refuse a request as the pipeline would, and asks it why. @throws where it does not refuse */
export async function explained<S extends Stage, Config, Code extends string>(
  kind: CheckKind<S, Config, Code>,
  { config, request, resources = fakeResources(), elsewhere = [], cut = false, facts = {} }: Question,
): Promise<Told> {
  const parsed = kind.config.parse(config)
  const check = kind.create(parsed, resources)
  const foreseen = await check.foresee?.(request, facts)
  const decision = foreseen?.ok === false ? foreseen : await check.decide(request, facts)
  if (decision.ok !== false) throw new Error(`${kind.name} did not refuse: ${JSON.stringify(decision)}`)
  const status =
    Object.entries<{ readonly status: number }>(kind.denials).find(([code]) => code === decision.code)?.[1].status ?? 0
  const refusal = { status, code: decision.code, evidence: decision.evidence }
  const findings = await kind.explain?.(
    parsed,
    {
      request: request as BodyRequest,
      cut,
      refusal,
      elsewhere: elsewhere.map(each => ({ ...each, config: kind.config.parse(each.config) })),
    },
    resources,
  )
  return { refusal, findings: findings ?? [] }
}
