import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib'

/** Why a body could not be decoded. `window`: it asks for more memory than RFC 9659 allows a content coding. */
export interface DecodeFault {
  readonly fault: 'too-large' | 'truncated' | 'trailing' | 'malformed' | 'window' | 'unsupported'
  /** For the operator. */
  readonly detail: string
}

const CHUNK = 65_536
/** RFC 9659: a zstd frame over HTTP needs a window of at most 8 MiB. Brotli's own bound is 16 MiB (RFC 7932). */
const ZSTD_WINDOW_LOG = 23

type Decoder = Transform & { readonly bytesWritten: number }

function decoderOf(coding: string): Decoder | undefined {
  switch (coding) {
    case 'gzip':
      return createGunzip({ chunkSize: CHUNK })
    case 'br':
      return createBrotliDecompress({ chunkSize: CHUNK })
    case 'zstd':
      return createZstdDecompress({ chunkSize: CHUNK, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } })
    default:
      return undefined
  }
}

/**
 * Decodes a whole body in one coding (`gzip`, `br`, `zstd`; `identity` is a no-op), to at most `max` bytes: a body that
 * would be larger stops there, whatever it would have become. Several gzip members or zstd frames make one body
 * (RFC 1952 section 2.2, RFC 8878 section 3.1); bytes after the end are a fault, and so is a missing end.
 */
export function decode(raw: Buffer, coding: string, max: number): Promise<Buffer | DecodeFault> {
  if (coding === 'identity')
    return Promise.resolve(raw.length <= max ? raw : { fault: 'too-large', detail: `over ${max} bytes` })
  const decoder = decoderOf(coding)
  if (!decoder) return Promise.resolve({ fault: 'unsupported', detail: coding.slice(0, 100) })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let length = 0
    const end = (result: Buffer | DecodeFault): void => {
      resolve(result)
      decoder.destroy()
    }
    decoder.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > max) end({ fault: 'too-large', detail: `over ${max} bytes decoded, of ${raw.length} sent` })
      else chunks.push(chunk)
    })
    decoder.on('error', (error: NodeJS.ErrnoException) => end(faultOf(error)))
    decoder.on('end', () => {
      // The engine ends at the end of the data, not of the input; what it left was never part of the body.
      const left = raw.length - decoder.bytesWritten
      end(left > 0 ? { fault: 'trailing', detail: `${left} bytes after the end` } : join(chunks, length))
    })
    decoder.end(raw)
  })
}

function join(chunks: readonly Buffer[], length: number): Buffer {
  const [first] = chunks
  return first && chunks.length === 1 ? first : Buffer.concat(chunks, length)
}

function faultOf(error: NodeJS.ErrnoException): DecodeFault {
  const detail = error.message
  if (error.code === 'Z_BUF_ERROR') return { fault: 'truncated', detail }
  if (error.code === 'ZSTD_error_frameParameter_windowTooLarge') return { fault: 'window', detail }
  return { fault: 'malformed', detail }
}
