import { hash, timingSafeEqual } from 'node:crypto'
import type { HeadRequest } from '../core/request.ts'
import { currentKeys, fault, type Scheme, type SignatureFault, type SigningKey, triedKeys } from './scheme.ts'

/**
 * A bare secret in a header: it tells who sends, and says nothing of the body. Compared as digests, in constant time,
 * so that neither its bytes nor its length leak. The head alone decides, so no stranger's body is read.
 */
export function tokenScheme(header: string): Scheme {
  const lower = header.toLowerCase()
  return {
    kind: 'token',
    headers: [header],
    tolerance: undefined,
    verifier(keys: readonly SigningKey[]) {
      const digests = new Map(keys.map(key => [key, hash('sha256', key.bytes, 'buffer')]))

      function find(request: HeadRequest, nowMs: number): SigningKey | SignatureFault {
        const value = request.headers.one(lower)
        if (value === undefined || value === '') return fault('signature.missing', { header })
        if (value === null) return fault('signature.malformed', { header, why: 'the header comes more than once' })
        const sent = hash('sha256', Buffer.from(value, 'latin1'), 'buffer')
        let match: SigningKey | undefined
        for (const key of currentKeys(keys, nowMs)) {
          const wanted = digests.get(key)
          if (wanted && timingSafeEqual(sent, wanted)) match ??= key
        }
        return match ?? fault('signature.mismatch', { header, ...triedKeys(keys, nowMs) })
      }

      return {
        foresee(request, nowMs) {
          const found = find(request, nowMs)
          return 'ok' in found ? found : undefined
        },
        verify(request, nowMs) {
          const found = find(request, nowMs)
          if ('ok' in found) return found
          return { ok: true, key: found.name, nonce: undefined, id: undefined, timestamp: undefined }
        },
      }
    },
    sign: key => [[header, key.toString('latin1')]],
  }
}
