import ipaddr from 'ipaddr.js'
import type { Network } from '../core/address.ts'

/** The network's text with its host bits cleared, `10.0.0.0/8`. */
export function networkText(network: Network): string {
  const bytes = network.bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, network.prefix - at * 8))))
  const address = ipaddr.fromByteArray(bytes)
  return `${address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()}/${network.prefix}`
}
