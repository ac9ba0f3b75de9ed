import { createHash, timingSafeEqual } from 'node:crypto'
import type { HeadRequest } from '../core/request.ts'
import { decodeExactly } from './encoding.ts'
import { currentKeys, fault, type Scheme, type SignatureFault, triedKeys } from './scheme.ts'

type Signed = { readonly method: string; readonly publicUrl: string }

/**
 * SHA-256 over the secret, what `between` gives, and the raw body, in hexadecimal: a plain hash, whose value lets a
 * stranger go on hashing behind what was signed. What goes on begins with the hash's padding, which ends in the length as
 * 64 bits (FIPS 180-4 section 5.1.1), so it holds a zero byte; no text does, so a body that holds one is refused.
 */
export function prefixHash(header: string, between: (signed: Signed) => string): Scheme {
  const lower = header.toLowerCase()
  const digest = (key: Buffer, signed: Signed, body: Buffer) =>
    createHash('sha256').update(key).update(between(signed), 'latin1').update(body).digest()

  function read(request: HeadRequest): Buffer | SignatureFault {
    const text = request.headers.one(lower)
    if (text === undefined || text === '') return fault('signature.missing', { header })
    if (text === null) return fault('signature.malformed', { header, why: 'the header comes more than once' })
    return (
      decodeExactly(text, 'hex', 32) ??
      fault('signature.malformed', { header, why: 'the signature is not 32 bytes in hex' })
    )
  }

  return {
    kind: 'sha256',
    headers: [header],
    tolerance: undefined,
    // Every gzip member holds a zero byte (RFC 1952 section 2.3: flags, time).
    textBody: true,
    verifier: keys => ({
      foresee(request) {
        const signature = read(request)
        return Buffer.isBuffer(signature) ? undefined : signature
      },
      verify(request, nowMs) {
        const signature = read(request)
        if (!Buffer.isBuffer(signature)) return signature
        if (request.raw.includes(0))
          return fault('signature.malformed', { why: 'the body holds a zero byte, as text never does' })
        for (const { name, bytes } of currentKeys(keys, nowMs)) {
          const wanted = digest(bytes, request, request.raw)
          if (timingSafeEqual(wanted, signature))
            return { ok: true, key: name, nonce: wanted.toString('hex'), id: undefined, timestamp: undefined }
        }
        return fault('signature.mismatch', { header, ...triedKeys(keys, nowMs), 'body-bytes': request.raw.length })
      },
    }),
    sign: (key, { method, url, body }) => [[header, digest(key, { method, publicUrl: url }, body).toString('hex')]],
  }
}
