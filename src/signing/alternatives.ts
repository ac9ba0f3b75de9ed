import type { HeadRequest } from '../core/request.ts'
import {
  type DescribedScheme,
  type Description,
  fault,
  type Scheme,
  type SignatureFault,
  type SyncVerifier,
  type Verifier,
} from './scheme.ts'

/** One service, several header families: the first whose header is there decides, and no other is tried after it. */
export function firstPresent(families: readonly { readonly header: string; readonly scheme: Scheme }[]): Scheme {
  const last = families.at(-1)
  if (last === undefined) throw new Error('no families')
  const lower = families.map(({ header }) => header.toLowerCase())

  return {
    kind: last.scheme.kind,
    headers: families.flatMap(({ scheme }) => scheme.headers),
    described: families.flatMap(({ scheme }, at) => besideEach(scheme, carriers(families.slice(at + 1)), false)),
    tolerance: last.scheme.tolerance,
    verifier(keys, toleranceMs, resources) {
      const verifiers = families.map(({ scheme }) => scheme.verifier(keys, toleranceMs, resources))
      const pick = ({ headers }: HeadRequest): Verifier | SignatureFault => {
        for (const [index, header] of lower.entries()) {
          const verifier = headers.has(header) ? verifiers[index] : undefined
          if (verifier) return verifier
        }
        return fault('signature.missing', { header: families.map(({ header }) => header) })
      }
      return {
        foresee(request, nowMs) {
          const verifier = pick(request)
          return 'ok' in verifier ? verifier : verifier.foresee(request, nowMs)
        },
        verify(request, nowMs) {
          const verifier = pick(request)
          return 'ok' in verifier ? verifier : verifier.verify(request, nowMs)
        },
      }
    },
    sign: (key, message) => last.scheme.sign(key, message),
  }
}

/** One service, several headers, each with a signature of its own: one that verifies is enough. */
export function anyOf(first: DescribedScheme, ...others: readonly DescribedScheme[]): DescribedScheme {
  const all = [first, ...others]
  const headers = [...new Set(all.flatMap(scheme => scheme.headers))]
  return {
    ...first,
    headers,
    described: all.flatMap(scheme => besideEach(scheme, headers, true)),
    verifier: (keys, toleranceMs) =>
      others.reduce(
        (either, other) => eitherOf(either, other.verifier(keys, toleranceMs)),
        first.verifier(keys, toleranceMs),
      ),
  }
}

/** How a scheme signs, and the other headers that may hold its signature. */
const besideEach = ({ described = [] }: Scheme, headers: readonly string[], counts: boolean): readonly Description[] =>
  described.map(each => ({ ...each, beside: { headers, counts } }))

const carriers = (families: readonly { readonly header: string }[]): readonly string[] =>
  families.map(({ header }) => header)

/** Two signatures that may stand beside each other, each under keys of its own: one that verifies is enough. */
export function eitherOf(one: SyncVerifier, other: SyncVerifier): SyncVerifier {
  return {
    foresee(request, nowMs) {
      const first = one.foresee(request, nowMs)
      const second = other.foresee(request, nowMs)
      return first && second && further(first, second)
    },
    verify(request, nowMs) {
      const first = one.verify(request, nowMs)
      if (first.ok) return first
      const second = other.verify(request, nowMs)
      return second.ok ? second : further(first, second)
    },
  }
}

/** Of two refusals the one that got further; where both compared, the keys of both were tried. */
function further(first: SignatureFault, second: SignatureFault): SignatureFault {
  if (first.code !== 'signature.mismatch') return second.code === 'signature.mismatch' ? second : first
  if (second.code !== 'signature.mismatch') return first
  return fault(first.code, { ...first.evidence, ...second.evidence })
}
