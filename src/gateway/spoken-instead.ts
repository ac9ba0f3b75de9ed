const PROXY_V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const HANDSHAKE = 0x16

/** What came where HTTP/1.1 was expected, by its first bytes; `undefined` where they tell nothing. */
export function spokenInstead(bytes: Buffer): 'tls' | 'proxy-header' | 'http2' | undefined {
  // A record of TLS: its type, then the major version 3 (RFC 8446 section 5.1).
  if (bytes[0] === HANDSHAKE && bytes[1] === 3) return 'tls'
  const text = bytes.toString('latin1', 0, 16)
  if (text.startsWith('PROXY ') || bytes.subarray(0, PROXY_V2.length).equals(PROXY_V2)) return 'proxy-header'
  return text.startsWith('PRI * HTTP/2.0') ? 'http2' : undefined
}
