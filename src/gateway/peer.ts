import type { Socket } from 'node:net'
import { type Address, parseAddress } from '../core/address.ts'
import type { Headers } from '../core/headers.ts'
import type { NetworkTable } from '../core/network-table.ts'
import { readForwarded } from './forwarded.ts'
import { PolicyFault } from './policy.ts'
import type { ProxyHeader } from './proxy-protocol.ts'

/** Who a request is from. */
export interface Origin {
  readonly source: Address
  readonly peer: Address | undefined
  readonly encrypted: boolean
  /** Whether a trusted proxy speaks for the source. */
  readonly byProxy: boolean
}

/** More hops than any real chain of proxies has. */
const MAX_HOPS = 32

// A Unix socket has no address; who may connect is the file's permissions' business. It counts as the loopback.
const LOCAL: Address = { text: '127.0.0.1', family: 4, bytes: [127, 0, 0, 1] }

/** Most senders have many connections, or many requests: an address is parsed once, and idle connections share it. */
const ADDRESSES = 4096
const addresses = new Map<string, Address>()

function peerOf({ remoteAddress = '' }: Socket): Address | undefined {
  const known = addresses.get(remoteAddress)
  if (known !== undefined) return known
  const address = parseAddress(remoteAddress)
  if (address === undefined) return undefined
  if (addresses.size === ADDRESSES) addresses.clear()
  addresses.set(remoteAddress, address)
  return address
}

/**
 * Whom a connection is from, for what is told of it outside of a request: the TCP peer, or whom that speaks for by the PROXY
 * protocol.
 */
export function sourceOf(socket: Socket, proxied?: ProxyHeader): Address {
  return proxied?.source ?? peerOf(socket) ?? LOCAL
}

/** Whether a connection's peer is one of the networks that speak the PROXY protocol. */
export function speaksProxy(socket: Socket, proxies: NetworkTable | undefined): boolean {
  return proxies?.has(peerOf(socket) ?? LOCAL) ?? false
}

/**
 * The request's source: the TCP peer, or whom that speaks for by the PROXY protocol; where that is a trusted proxy, the
 * rightmost address of X-Forwarded-For or Forwarded that is not one. What stands left of it was written by strangers.
 * @param proxied what the PROXY protocol said of the connection, where the listener speaks it
 */
export function originOf(
  socket: Socket,
  encrypted: boolean,
  headers: Headers,
  trusted: NetworkTable | undefined,
  proxied?: ProxyHeader,
): Origin | PolicyFault {
  const peer = peerOf(socket)
  if (proxied?.source === null) return new PolicyFault('the PROXY header does not say whom it speaks for', 'no-source')
  const source = sourceOf(socket, proxied)
  const secure = proxied?.encrypted ?? encrypted
  if (trusted === undefined || !trusted.has(source)) return { source, peer, encrypted: secure, byProxy: false }
  const told = headers.one('x-forwarded-proto')
  if (told === null) return new PolicyFault('the field x-forwarded-proto comes twice')
  const one = { source, peer, encrypted: told === undefined ? secure : told === 'https', byProxy: true }
  const byList = fromList(headers, one, trusted)
  if (byList instanceof PolicyFault || !headers.has('forwarded')) return byList
  const byField = fromForwarded(headers, one, trusted)
  if (byField instanceof PolicyFault) return byField
  const differ =
    (headers.has('x-forwarded-for') && byList.source.text !== byField.source.text) ||
    (told !== undefined && byList.encrypted !== byField.encrypted)
  return differ ? new PolicyFault('Forwarded and X-Forwarded-For or -Proto tell different stories') : byField
}

function fromList(headers: Headers, origin: Origin, trusted: NetworkTable): Origin | PolicyFault {
  const hops = headers.all('x-forwarded-for').join(',').split(',')
  if (hops.length > MAX_HOPS) return new PolicyFault(`X-Forwarded-For has more than ${MAX_HOPS} addresses`)
  let source = origin.source
  for (let i = hops.length - 1; i >= 0; i--) {
    const text = (hops[i] ?? '').trim()
    if (text === '' && hops.length === 1) break
    const address = parseAddress(text)
    // Skipping what can't be read would believe an address further left, which anyone may have written.
    if (address === undefined) return new PolicyFault('X-Forwarded-For holds something that is no IP address')
    source = address
    if (!trusted.has(address)) break
  }
  return { ...origin, source }
}

/** RFC 7239. */
function fromForwarded(headers: Headers, origin: Origin, trusted: NetworkTable): Origin | PolicyFault {
  const hops = readForwarded(headers.all('forwarded').join(','))
  if (hops === undefined) return new PolicyFault('Forwarded is not in the form of RFC 7239, or holds no IP address')
  if (hops.length > MAX_HOPS) return new PolicyFault(`Forwarded has more than ${MAX_HOPS} hops`)
  let { source, encrypted } = origin
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = parseAddress(hops[i]?.from ?? '')
    if (address === undefined) return new PolicyFault('a hop of Forwarded has no IP address')
    source = address
    const proto = hops[i]?.proto
    if (proto !== undefined) encrypted = proto === 'https'
    if (!trusted.has(address)) break
  }
  return { ...origin, source, encrypted }
}
