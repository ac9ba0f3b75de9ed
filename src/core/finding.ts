import type { Evidence } from './decision.ts'

/**
 * One thing found out about a request, a config or an endpoint: what it is, how that is known, and what mends it. For the
 * operator only; the texts hold no secret, no signature and nothing of a body but the names of its fields.
 */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail'
  /**
   * What it is, for programs: kebab case after the check or the step that found it, e.g. `signature.secret-line-end`,
   * `source-ip.own-proxy`, `tls.intermediate-missing`. It never changes its meaning.
   */
  readonly cause: string
  /** `proven`: tried, and it holds; `likely`: the evidence points at it and at nothing else; `possible`: one of several. */
  readonly certainty: 'proven' | 'likely' | 'possible'
  /** One clause that goes on after "because": "it matches without the secret's last character, a line feed". */
  readonly because: string
  readonly evidence?: Evidence
  /** One sentence; empty where there is nothing to mend. */
  readonly mend: string
}

const ORDER = { proven: 0, likely: 1, possible: 2 } as const

/** The surest first; what is equally sure keeps its order. */
export function surestFirst(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => ORDER[a.certainty] - ORDER[b.certainty])
}

type More = Partial<Pick<Finding, 'certainty' | 'evidence'>>

/** A finding that nothing is wrong here. */
export function ok(cause: string, because: string, evidence?: Evidence): Finding {
  return { level: 'ok', cause, certainty: 'proven', because, mend: '', ...(evidence === undefined ? {} : { evidence }) }
}

export function warn(cause: string, because: string, mend: string, more: More = {}): Finding {
  return { level: 'warn', cause, certainty: 'proven', because, mend, ...more }
}

export function fail(cause: string, because: string, mend: string, more: More = {}): Finding {
  return { level: 'fail', cause, certainty: 'proven', because, mend, ...more }
}
