import type { Explaining } from '../../core/captured.ts'
import { denialsOf, type Member } from '../../core/check.ts'
import type { Evidence, EvidenceValue } from '../../core/decision.ts'
import { type Finding, surestFirst } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import type { Entries } from '../combination.ts'

/** What a combination's members say, each of its own refusal, as the evidence has them. */
export async function explainMembers(
  members: (list: unknown) => readonly Member[],
  config: Entries,
  asked: Explaining<Entries>,
  resources: Resources,
): Promise<readonly Finding[]> {
  const refusals = refusalsOf(asked.refusal.code, asked.refusal.evidence)
  const findings: Finding[] = []
  const taken = new Set<number>()
  for (const member of members(config)) {
    const codes = denialsOf(member.kind, member.config)
    const at = refusals.findIndex(({ code }, index) => !taken.has(index) && Object.hasOwn(codes, code))
    const refused = refusals[at]
    if (refused === undefined) continue
    taken.add(at)
    const { kind } = member
    const elsewhere = asked.elsewhere.flatMap(({ route, config: theirs, resources: world }) =>
      members(theirs)
        .filter(other => other.kind.name === kind.name)
        .map(other => ({ route, config: other.config as never, resources: world })),
    )
    const status = codes[refused.code]?.status ?? 0
    const inner: Explaining<never> = {
      request: asked.request,
      cut: asked.cut,
      masked: asked.masked ?? false,
      refusal: { ...refused, status },
      elsewhere,
    }
    findings.push(...((await kind.explain?.(member.config as never, inner, resources)) ?? []))
  }
  return surestFirst(findings)
}

/** Of `any-of` the evidence lists them: `tried: [jwt.expired]`, and `jwt.expired/expired`; of `all-of` there is one. */
function refusalsOf(
  code: string,
  evidence: Evidence = {},
): readonly { readonly code: string; readonly evidence: Evidence }[] {
  const { tried } = evidence
  if (!Array.isArray(tried)) return [{ code, evidence }]
  const seen = new Map<string, number>()
  return tried
    .filter(each => typeof each === 'string')
    .map(each => {
      const times = (seen.get(each) ?? 0) + 1
      seen.set(each, times)
      const label = `${times === 1 ? each : `${each}#${times}`}/`
      const own: Record<string, EvidenceValue> = {}
      for (const [key, value] of Object.entries(evidence))
        if (key.startsWith(label)) own[key.slice(label.length)] = value
      return { code: each, evidence: own }
    })
}
