import type { HeadRequest } from '../core/request.ts'
import {
  type DescribedScheme,
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
    described: families.flatMap(({ scheme }) => scheme.described ?? []),
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
  return {
    ...first,
    headers: [first, ...others].flatMap(({ headers }) => headers),
    described: [first, ...others].flatMap(({ described = [] }) => described),
    verifier: (keys, toleranceMs) =>
      others.reduce(
        (either, other) => eitherOf(either, other.verifier(keys, toleranceMs)),
        first.verifier(keys, toleranceMs),
      ),
  }
}

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
