import { isIPv4, isIPv6 } from 'node:net'
import { type Address, parseAddress } from '../core/address.ts'
import { crc32c } from '../core/crc32c.ts'

/**
 * The header that a load balancer writes before the bytes of a connection, to say whom it speaks for:
 * https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, versions 1 and 2.
 */
export interface ProxyHeader {
  /** The sender. `undefined` for the proxy's own connection (LOCAL), `null` where the proxy does not say. */
  readonly source: Address | undefined | null
  /** Whether the sender spoke TLS with the proxy (PP2_TYPE_SSL); `undefined` where it does not say. */
  readonly encrypted: boolean | undefined
  /** Bytes of the header. */
  readonly length: number
}

/** The bytes are no PROXY header: the rule that they break, for the operator. */
export class ProxyFault {
  readonly rule: string
  constructor(rule: string) {
    this.rule = rule
  }
}

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const V1 = Buffer.from('PROXY ', 'latin1')
/** With its line end: section 2.1. */
const V1_MAX = 107
/** Of a version 2 header: addresses and what proxies say of TLS fit; the format allows 64 KiB. */
const V2_MAX = 4096

const fault = (rule: string): ProxyFault => new ProxyFault(rule)

/** Reads a header from the first bytes of a connection; `undefined` where more are needed. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  if (beginsLike(bytes, V1)) return readV1(bytes)
  if (beginsLike(bytes, SIGNATURE)) return readV2(bytes)
  return fault('the connection does not begin with a PROXY header')
}

function beginsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length)
  return bytes.subarray(0, length).equals(signature.subarray(0, length))
}

function readV1(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  const end = bytes.subarray(0, V1_MAX).indexOf('\r\n')
  if (end < 0) return bytes.length >= V1_MAX ? fault(`the PROXY line is longer than ${V1_MAX} bytes`) : undefined
  const length = end + 2
  const [, family, from, to, fromPort, toPort, more] = bytes.toString('latin1', 0, end).split(' ')
  // What follows UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return { source: null, encrypted: undefined, length }
  if (family !== 'TCP4' && family !== 'TCP6') return fault('the PROXY line is neither TCP4, TCP6 nor UNKNOWN')
  if (more !== undefined || !isPort(fromPort) || !isPort(toPort)) return fault('a port of the PROXY line is none')
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  const source = parseAddress(from ?? '')
  if (source === undefined || !isAddress(from ?? '') || !isAddress(to ?? ''))
    return fault(`an address of the PROXY line is none of ${family}`)
  return { source, encrypted: undefined, length }
}

const isPort = (text: string | undefined): boolean =>
  text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

function readV2(bytes: Buffer): ProxyHeader | ProxyFault | undefined {
  const [command, family] = [bytes[12], bytes[13]]
  if (command === undefined || family === undefined || bytes.length < 16) return undefined
  if (command >> 4 !== 2) return fault(`the PROXY header is of version ${command >> 4}`)
  if (command !== 0x20 && command !== 0x21) return fault('the command of the PROXY header is neither LOCAL nor PROXY')
  const length = 16 + bytes.readUInt16BE(14)
  if (length > V2_MAX) return fault(`the PROXY header is longer than ${V2_MAX} bytes`)
  if (bytes.length < length) return undefined
  const header = bytes.subarray(0, length)
  // The proxy's own connection, a health check: what is said of addresses is to be ignored.
  if (command === 0x20) return { source: undefined, encrypted: undefined, length }
  if (family === 0x00) return { source: null, encrypted: undefined, length }
  if (family !== 0x11 && family !== 0x21) return fault('the PROXY header is of no TCP connection')
  const width = family === 0x11 ? 4 : 16
  if (length < 16 + 2 * width + 4) return fault('the PROXY header is too short for its addresses')
  const source = parseAddress(textOf(header.subarray(16, 16 + width)))
  if (source === undefined) return fault('an address of the PROXY header is none')
  const more = readExtras(header, 16 + 2 * width + 4)
  return more instanceof ProxyFault ? more : { source, encrypted: more.encrypted, length }
}

function textOf(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  return Array.from({ length: 8 }, (_, group) => octets.readUInt16BE(group * 2).toString(16)).join(':')
}

const TYPE = { crc32c: 0x03, ssl: 0x20 } as const
const CLIENT_SSL = 0x01

/** The type-length-values behind the addresses: section 2.2. */
function readExtras(header: Buffer, start: number): { encrypted: boolean | undefined } | ProxyFault {
  let encrypted: boolean | undefined
  for (let at = start; at < header.length; ) {
    if (at + 3 > header.length) return fault('a value of the PROXY header ends early')
    const [type, end] = [header[at], at + 3 + header.readUInt16BE(at + 1)]
    if (end > header.length) return fault('a value of the PROXY header is longer than the header')
    const value = header.subarray(at + 3, end)
    if (type === TYPE.crc32c) {
      if (value.length !== 4) return fault('the checksum of the PROXY header has not four bytes')
      const zeroed = Buffer.from(header)
      zeroed.fill(0, at + 3, end)
      if (crc32c(zeroed) !== value.readUInt32BE(0)) return fault('the checksum of the PROXY header is wrong')
    }
    if (type === TYPE.ssl) {
      if (value.length < 5) return fault('what the PROXY header says of TLS ends early')
      encrypted = ((value[0] ?? 0) & CLIENT_SSL) !== 0
    }
    at = end
  }
  return { encrypted }
}
