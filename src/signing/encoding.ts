export type Encoding = 'hex' | 'base64' | 'base64url'

/** The last digits whose spare bits are zero: after 4 and after 2 bits of data. */
const LAST = ['', 'AQgw', 'AEIMQUYcgkosw048'] as const

/**
 * Reads exactly `bytes` bytes of canonical text; `undefined` for any other length, alphabet, padding or spare bits
 * (RFC 4648 section 3.5), so that one signature has one spelling; only hexadecimal digits may be of either case.
 */
export function decodeExactly(text: string, encoding: Encoding, bytes: number): Buffer | undefined {
  if (text.length !== lengthOf(encoding, bytes)) return undefined
  if (encoding !== 'hex') {
    const spare = bytes % 3
    const padding = encoding === 'base64' && spare > 0 ? 3 - spare : 0
    if (padding > 0 && !text.endsWith(padding === 1 ? '=' : '==')) return undefined
    const last = text[text.length - padding - 1] ?? ''
    if (spare > 0 && !LAST[spare === 1 ? 1 : 2].includes(last)) return undefined
    // Node reads both alphabets under either name.
    if (encoding === 'base64' ? text.includes('-') || text.includes('_') : text.includes('+') || text.includes('/'))
      return undefined
  }
  // Node stops at, or passes over, what is no digit, and the length tells.
  const decoded = Buffer.from(text, encoding)
  return decoded.length === bytes ? decoded : undefined
}

function lengthOf(encoding: Encoding, bytes: number): number {
  if (encoding === 'hex') return bytes * 2
  return encoding === 'base64' ? Math.ceil(bytes / 3) * 4 : Math.ceil((bytes * 4) / 3)
}
