import type { HeadRequest } from '../core/request.ts'
import { fault, type Scheme, type SignatureFault } from './scheme.ts'

/** A scheme beside whose signature a header must say the one thing that it says, such as its version. */
export function withFixedHeader(header: string, value: string, scheme: Scheme): Scheme {
  const lower = header.toLowerCase()
  function check(request: HeadRequest): SignatureFault | undefined {
    const sent = request.headers.one(lower)
    if (sent === value) return undefined
    if (sent === undefined || sent === '') return fault('signature.missing', { header })
    return fault('signature.malformed', {
      header,
      why: sent === null ? 'the header comes more than once' : `it is not "${value}"`,
    })
  }
  return {
    ...scheme,
    headers: [...scheme.headers, header],
    verifier(keys, toleranceMs, resources) {
      const inner = scheme.verifier(keys, toleranceMs, resources)
      return {
        foresee: (request, nowMs) => check(request) ?? inner.foresee(request, nowMs),
        verify: (request, nowMs) => check(request) ?? inner.verify(request, nowMs),
      }
    },
    sign: (key, message) => [...scheme.sign(key, message), [header, value]],
  }
}
