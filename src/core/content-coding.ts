import type { Headers } from './headers.ts'

/** The content codings (RFC 9110 section 8.4.1, RFC 7932, RFC 8878) that can be decoded. */
export const CODINGS = ['gzip', 'br', 'zstd'] as const

/**
 * The one coding of a body, in lower case: `undefined` where there is none (`identity` counts as none), `null` where
 * several are named or the field came more than once. `x-gzip` is `gzip` (RFC 9110 section 8.4.1.3).
 */
export function readCoding(headers: Headers): string | null | undefined {
  const value = headers.one('content-encoding')
  if (value === undefined || value === null) return value
  if (value === 'gzip') return value
  const coding = value.trim().toLowerCase()
  if (coding === 'identity') return undefined
  if (coding === '' || coding.includes(',')) return null
  return coding === 'x-gzip' ? 'gzip' : coding
}
