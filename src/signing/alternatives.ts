import type { HeadRequest } from '../core/request.ts'
import { fault, type Scheme, type SignatureFault, type Verifier } from './scheme.ts'

/** One service, several header families: the first whose header is there decides, and no other is tried after it. */
export function firstPresent(families: readonly { readonly header: string; readonly scheme: Scheme }[]): Scheme {
  const last = families.at(-1)
  if (last === undefined) throw new Error('no families')
  const lower = families.map(({ header }) => header.toLowerCase())

  return {
    kind: last.scheme.kind,
    headers: families.flatMap(({ scheme }) => scheme.headers),
    tolerance: last.scheme.tolerance,
    verifier(keys, toleranceMs) {
      const verifiers = families.map(({ scheme }) => scheme.verifier(keys, toleranceMs))
      const pick = (request: HeadRequest): Verifier | SignatureFault =>
        verifiers[lower.findIndex(header => request.headers.has(header))] ??
        fault('signature.missing', { header: families.map(({ header }) => header) })
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
