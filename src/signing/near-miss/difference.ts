import type { Evidence } from '../../core/decision.ts'

/** One way in which what a sender did may differ from what a route expects. Its texts hold no secret and no signature. */
export interface Difference {
  /** For programs, kebab case: `secret-line-end`. */
  readonly cause: string
  /** Goes on after "it matches": `with SHA-1 instead of SHA-256`. */
  readonly phrase: string
  /** One sentence. */
  readonly mend: string
  readonly evidence?: Evidence
}

/** Something that is tried, and how it differs from what the route expects: in nothing where `differs` is empty. */
export interface Variant<Value> {
  readonly value: Value
  readonly differs: readonly Difference[]
  /** Too far-fetched to be tried together with another difference. */
  readonly alone?: boolean
  /** The same whichever secret it was tried for. */
  readonly secretless?: boolean
}

/** Leaves out what is the same as one before, by `keyOf`. */
export function* distinct<Value>(
  variants: Iterable<Variant<Value>>,
  keyOf: (value: Value) => string,
): Generator<Variant<Value>> {
  const seen = new Set<string>()
  for (const variant of variants) {
    const key = keyOf(variant.value)
    if (seen.has(key)) continue
    seen.add(key)
    yield variant
  }
}
