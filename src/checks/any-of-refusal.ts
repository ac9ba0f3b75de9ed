import { type Denial, type DenialSpec, deny, type EvidenceValue } from '../core/decision.ts'
import type { Part } from './combination.ts'

/** A check of the list that refused. */
export interface Failed {
  readonly part: Part
  readonly denial: Denial<string>
  readonly spec: DenialSpec
}

const CHALLENGE = 'www-authenticate'

/**
 * One refusal for all of them. Passed on as it stands, with its own code and Retry-After: that of a check that could not
 * tell now (503), then of one that counts (429), then of one that knew the sender, who lacks a right. Else the sender may
 * try with any of the credentials that the checks ask for.
 */
export function refusalOf(failed: readonly Failed[]): Denial<string> {
  const evidence = evidenceOf(failed)
  const first = (test: (spec: DenialSpec) => boolean) => failed.find(({ spec }) => test(spec))
  const passedOn =
    first(({ status }) => status === 503) ?? first(({ status }) => status === 429) ?? first(spec => spec.known === true)
  if (passedOn) return deny(passedOn.denial.code, evidence, passedOn.denial.headers)
  const challenges = challengesOf(failed)
  return challenges.length === 0
    ? deny('any-of.forbidden', evidence)
    : deny(
        'any-of.none',
        evidence,
        challenges.map(value => ['WWW-Authenticate', value] as const),
      )
}

/** What each that answers 401 asks for, each challenge once (RFC 9110 section 11.6.1). */
function challengesOf(failed: readonly Failed[]): string[] {
  const values = failed
    .filter(({ spec }) => spec.status === 401)
    .flatMap(({ spec, denial }) => [...(spec.headers ?? []), ...(denial.headers ?? [])])
    .filter(([name]) => name.toLowerCase() === CHALLENGE)
    .map(([, value]) => value)
  return [...new Set(values)]
}

/** `tried: [jwt.expired, basic.missing]`, and under `jwt.expired/principal` what that one says of the principal. */
function evidenceOf(failed: readonly Failed[]): Record<string, EvidenceValue> {
  const evidence: Record<string, EvidenceValue> = { tried: failed.map(({ denial }) => denial.code) }
  for (const [index, { denial }] of failed.entries()) {
    const before = failed.slice(0, index).filter(other => other.denial.code === denial.code).length
    const label = before === 0 ? denial.code : `${denial.code}#${before + 1}`
    for (const [key, value] of Object.entries(denial.evidence ?? {})) evidence[`${label}/${key}`] = value
  }
  return evidence
}
