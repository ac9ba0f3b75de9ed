export type Encoding = 'hex' | 'base64' | 'base64url'

/**
 * Reads exactly `bytes` bytes of canonical text; `undefined` for any other length, alphabet, padding or spare bits, so
 * that one signature has one spelling. Hexadecimal digits are lower case, as every service here writes them.
 */
export function decodeExactly(text: string, encoding: Encoding, bytes: number): Buffer | undefined {
  if (text.length !== lengthOf(encoding, bytes)) return undefined
  const decoded = Buffer.from(text, encoding)
  // Node's decoders skip or stop at what they do not know: only the same text written again shows that all of it counted.
  return decoded.length === bytes && decoded.toString(encoding) === text ? decoded : undefined
}

/** Characters. base64 is padded (RFC 4648 section 4), base64url is not (RFC 7515 section 2). */
function lengthOf(encoding: Encoding, bytes: number): number {
  if (encoding === 'hex') return bytes * 2
  return encoding === 'base64' ? Math.ceil(bytes / 3) * 4 : Math.ceil((bytes * 4) / 3)
}
