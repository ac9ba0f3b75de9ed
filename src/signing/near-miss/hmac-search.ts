import type { BodyRequest } from '../../core/request.ts'
import type { HmacDescription } from '../hmac.ts'
import type { Budget } from './budget.ts'
import type { Difference, Variant } from './difference.ts'
import { hashBytes, macKinds, macOf } from './mac-kinds.ts'
import { payloadVariants } from './payloads.ts'
import { placeDifferences, truncated } from './place-differences.ts'
import { expectedValue, type Found, signaturesIn } from './received.ts'

/** How the sender signed, as far as it differs from the scheme: in nothing where the list is empty. */
export type Explanation = readonly Difference[]

/** A search stops at this many explanations. */
const MOST_FOUND = 4

/**
 * Ways in which this request's signature does hold: each was computed, and stands in the request. What differs in one
 * thing is tried first, then in two, then in three, as far as the budget goes.
 */
export async function searchHmac(
  request: BodyRequest,
  description: HmacDescription,
  keys: readonly Variant<Buffer>[],
  cut: boolean,
  budget: Budget,
): Promise<readonly Explanation[]> {
  const received = new Map<string, Found>()
  for (const found of signaturesIn(request, description)) {
    const hex = found.bytes.toString('hex')
    if (!received.has(hex)) received.set(hex, found)
  }
  const shortened = truncated(expectedValue(request, description), description)
  if (received.size === 0 && shortened === undefined) return []
  const lengths = new Set([...received.values()].map(({ bytes }) => bytes.length))
  // Of a hash of another length nothing that came can be.
  const kinds = macKinds(description.algorithm).filter(
    ({ value, differs }) => differs.length === 0 || lengths.has(hashBytes(value.hash)),
  )
  const payloads = await gathered(payloadVariants(request, description, cut, budget), budget)
  const explanations: Explanation[] = []

  for (const [differing, one] of combinations(keys, kinds, payloads)) {
    const [key, kind, payload] = one
    // Without a secret all keys are one.
    if (kind.value.construction === 'no-secret' && key.differs.length > 0) continue
    const { before, body, after } = payload.value
    if (!budget.take(before.length + body.length + after.length)) break
    await budget.breathe()
    const hex = macOf(kind.value, key.value, payload.value)
    const found = received.get(hex)
    const differs = [...key.differs, ...kind.differs, ...payload.differs]
    if (found) explanations.push([...differs, ...placeDifferences(found, description)])
    else if (shortened !== undefined && hex.startsWith(shortened.hex))
      explanations.push([...differs, shortened.difference])
    // What differs in more is no news where there is an answer with less.
    if (explanations.length >= MOST_FOUND || (explanations.length > 0 && differing > 1)) break
  }
  return explanations
}

/** All of them; making them is work as well. */
export async function gathered<Value>(variants: Iterable<Value>, budget: Budget): Promise<readonly Value[]> {
  const all: Value[] = []
  for (const variant of variants) {
    all.push(variant)
    await budget.breathe()
  }
  return all
}

type Combination<A, B, C> = readonly [Variant<A>, Variant<B>, Variant<C>]

/** All combinations, by how many of the three differ; within one number the first list's first. */
function* combinations<A, B, C>(
  as: readonly Variant<A>[],
  bs: readonly Variant<B>[],
  cs: readonly Variant<C>[],
): Generator<readonly [differing: number, Combination<A, B, C>]> {
  const split = <T>(list: readonly Variant<T>[]) => [list.filter(isPlain), list.filter(each => !isPlain(each))] as const
  const together = <T>(list: readonly Variant<T>[]) => list.filter(({ alone }) => alone !== true)
  const single = [split(as), split(bs), split(cs)] as const
  const several = [split(together(as)), split(together(bs)), split(together(cs))] as const
  const order = [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 1, 0],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 1],
  ] as const
  for (const [x, y, z] of order) {
    const [a, b, c] = x + y + z > 1 ? several : single
    for (const one of a[x]) for (const two of b[y]) for (const three of c[z]) yield [x + y + z, [one, two, three]]
  }
}

const isPlain = ({ differs }: Variant<unknown>): boolean => differs.length === 0
