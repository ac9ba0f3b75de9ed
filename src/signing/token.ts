import { createHash, timingSafeEqual } from 'node:crypto'
import type { HeadRequest } from '../core/request.ts'
import { currentKeys, fault, type Scheme, type SignatureFault, type SigningKey, triedKeys } from './scheme.ts'

const digest = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()

/**
 * A bare secret in a header: it tells who sends, and says nothing of the body. Compared as digests, in constant time,
 * so that neither its bytes nor its length leak.
 */
export function tokenScheme(header: string): Scheme {
  const lower = header.toLowerCase()

  function foresee(request: HeadRequest): SignatureFault | undefined {
    const value = request.headers.one(lower)
    if (value === undefined || value === '') return fault('signature.missing', { header })
    return value === null ? fault('signature.malformed', { header, why: 'the header comes more than once' }) : undefined
  }

  return {
    kind: 'token',
    headers: [header],
    tolerance: undefined,
    verifier(keys: readonly SigningKey[]) {
      const digests = new Map(keys.map(key => [key, digest(key.bytes)]))
      return {
        foresee,
        verify(request, nowMs) {
          const early = foresee(request)
          if (early) return early
          const sent = digest(Buffer.from(request.headers.one(lower) ?? '', 'latin1'))
          let match: SigningKey | undefined
          for (const key of currentKeys(keys, nowMs)) {
            const wanted = digests.get(key)
            if (wanted && timingSafeEqual(sent, wanted)) match ??= key
          }
          if (match === undefined) return fault('signature.mismatch', { header, ...triedKeys(keys, nowMs) })
          return { ok: true, key: match.name, nonce: undefined, id: undefined, timestamp: undefined }
        },
      }
    },
    sign: key => [[header, key.toString('latin1')]],
  }
}
