import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An IP address, in one form: IPv4-mapped IPv6 counts as the IPv4 address it holds. */
export interface Address {
  /** Canonical text: `192.0.2.1`, `2001:db8::1` (RFC 5952). */
  readonly text: string
  readonly family: 4 | 6
  /** 4 or 16 bytes, network order. */
  readonly bytes: readonly number[]
}

/**
 * Reads a strictly written address; `undefined` for anything else: no zone, no port, no octal, hex or short form.
 * `net.isIP` comes first because ipaddr.js alone reads `010.0.0.1` as 8.0.0.1.
 */
export function parseAddress(text: string): Address | undefined {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) return undefined
  // What `isIP` takes for IPv4 is four decimal numbers without leading zeros, its canonical text.
  if (family === 4) return { text, family, bytes: text.split('.').map(Number) }
  const parsed = ipaddr.process(isCompatible(text) ? inHex(text) : text)
  return {
    text: parsed.kind() === 'ipv6' ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString(),
    family: parsed.kind() === 'ipv6' ? 6 : 4,
    bytes: parsed.toByteArray(),
  }
}

/** `::192.0.2.1`, an IPv6 address (RFC 4291 section 2.5.5.1), which ipaddr.js takes for the mapped `::ffff:192.0.2.1`. */
function isCompatible(text: string): boolean {
  return text.startsWith('::') && text.includes('.') && text.indexOf(':', 2) < 0
}

function inHex(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.slice(2).split('.').map(Number)
  return `::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

export interface Network {
  readonly family: 4 | 6
  readonly bytes: readonly number[]
  /** Bits. */
  readonly prefix: number
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; `undefined` for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (!address) return undefined
  const mapped = address.family === 4 && text.includes(':')
  const width = address.family === 4 ? 32 : 128
  if (slash < 0) return { family: address.family, bytes: address.bytes, prefix: width }
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined
  const prefix = Number(digits) - (mapped ? 96 : 0)
  return prefix < 0 || prefix > width ? undefined : { family: address.family, bytes: address.bytes, prefix }
}

/** The network's text with its host bits cleared, `10.0.0.0/8`. */
export function networkText(network: Network): string {
  const bytes = network.bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, network.prefix - at * 8))))
  const address = ipaddr.fromByteArray(bytes)
  return `${address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()}/${network.prefix}`
}

/** Whether every address of `inner` is one of `outer`. */
export function containsNetwork(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false
  return networkText({ ...inner, prefix: outer.prefix }) === networkText(outer)
}
