import type { BodyRequest } from '../../core/request.ts'
import type { SigningKey } from '../scheme.ts'
import { bodyVariants } from './body-variants.ts'
import type { Budget } from './budget.ts'
import type { Variant } from './difference.ts'
import { type Explanation, gathered } from './hmac-search.ts'
import { urlVariants } from './url-variants.ts'
import { varied } from './varied.ts'

/** Whether the scheme, whatever it does inside, takes the request under this key; its time is not looked at. */
export type Verifies = (request: BodyRequest, key: SigningKey) => boolean

/** As `searchHmac`, for a scheme that is code: keys, public URLs and bodies are varied, and the scheme itself is asked. */
export async function searchByVerifier(
  request: BodyRequest,
  verifies: Verifies,
  keys: readonly Variant<SigningKey>[],
  cut: boolean,
  budget: Budget,
): Promise<readonly Explanation[]> {
  const requests: Variant<BodyRequest>[] = [{ value: request, differs: [] }]
  for (const { value, differs } of urlVariants(request))
    if (differs.length > 0) requests.push({ value: varied(request, { publicUrl: value }), differs })
  if (!cut)
    for (const { value, differs } of await gathered(bodyVariants(request, budget), budget))
      if (differs.length > 0) requests.push({ value: varied(request, { raw: value }), differs })
  const holds = (key: Variant<SigningKey>, one: Variant<BodyRequest>): Explanation | undefined => {
    if (!budget.take(one.value.raw.length)) return undefined
    const asked = verifies(one.value, { ...key.value, expires: undefined })
    return asked ? [...key.differs, ...one.differs] : undefined
  }
  for (const differing of [0, 1, 2])
    for (const key of keys)
      for (const one of requests) {
        if (Number(key.differs.length > 0) + Number(one.differs.length > 0) !== differing) continue
        if (differing > 1 && key.alone === true) continue
        await budget.breathe()
        const found = holds(key, one)
        if (found) return [found]
      }
  return []
}
