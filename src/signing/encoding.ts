export type Encoding = 'hex' | 'base64' | 'base64url'

/**
 * Reads exactly `bytes` bytes of canonical text; `undefined` for any other length, alphabet, padding or spare bits, so
 * that one signature has one spelling. Hexadecimal digits may be upper case.
 */
export function decodeExactly(text: string, encoding: Encoding, bytes: number): Buffer | undefined {
  if (encoding === 'hex') {
    if (text.length !== bytes * 2) return undefined
    // Node stops at the first character that is no digit, and the length tells.
    const decoded = Buffer.from(text, 'hex')
    return decoded.length === bytes ? decoded : undefined
  }
  const padded = Math.ceil(bytes / 3) * 4
  if (text.length !== (encoding === 'base64' ? padded : Math.ceil((bytes * 4) / 3))) return undefined
  const decoded = Buffer.from(text, encoding)
  return decoded.length === bytes && decoded.toString(encoding) === text ? decoded : undefined
}
