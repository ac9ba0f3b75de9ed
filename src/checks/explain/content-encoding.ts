import { gunzipSync } from 'node:zlib'
import type { Explaining } from '../../core/captured.ts'
import { CODINGS } from '../../core/content-coding.ts'
import type { Finding } from '../../core/finding.ts'
import { bodyForm } from './body-form.ts'
import { proven } from './finding.ts'

interface ContentEncodingConfig {
  readonly accept: readonly string[]
}

/** Which coding came, and whether the body has it at all. */
export function explainContentEncoding(
  { accept }: ContentEncodingConfig,
  { request }: Explaining<ContentEncodingConfig>,
): readonly Finding[] {
  const sent = request.headers.all('content-encoding').join(', ').slice(0, 100)
  const evidence = { 'content-encoding': sent, accept }
  const form = bodyForm(request.raw)
  if (form === 'json' || form === 'form' || form === 'xml')
    return [
      proven({
        cause: 'content-encoding.not-compressed',
        because: `Content-Encoding says ${sent}, and the body is plain ${form === 'json' ? 'JSON' : form}`,
        evidence,
        mend: 'a proxy decompresses the body and leaves the field: let it take the field off, or leave both alone',
      }),
    ]
  if (sent.includes(','))
    return [
      proven({
        cause: 'content-encoding.several',
        because: `the body was compressed more than once (${sent})${twiceGzip(request.raw) ? ', with gzip inside gzip' : ''}`,
        evidence,
        mend: 'both the sender and a proxy compress: turn it off in one of them',
      }),
    ]
  const known = CODINGS.find(coding => coding === sent.trim().toLowerCase())
  return [
    proven({
      cause: known ? 'content-encoding.not-listed' : 'content-encoding.unknown',
      because: known
        ? `the body is compressed with ${known}, which accept does not list`
        : `the coding ${sent} is none that the gate can decode (${CODINGS.join(', ')})`,
      evidence,
      mend: known
        ? `add ${known} to accept of content-encoding, or turn compression off in the sender`
        : 'turn compression off in the sender, or choose gzip',
    }),
  ]
}

function twiceGzip(raw: Buffer): boolean {
  try {
    return bodyForm(gunzipSync(raw, { maxOutputLength: 1024 * 1024 })) === 'gzip'
  } catch {
    return false
  }
}
