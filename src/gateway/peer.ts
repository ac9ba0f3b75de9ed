import type { Socket } from 'node:net'
import { type Address, parseAddress } from '../core/address.ts'
import type { Headers } from '../core/headers.ts'
import type { NetworkTable } from '../core/network-table.ts'
import { PolicyFault } from './policy.ts'

/** Who a request is from. */
export interface Origin {
  readonly source: Address
  readonly peer: Address | undefined
  readonly encrypted: boolean
}

/** More hops than any real chain of proxies has. */
const MAX_HOPS = 32

// A Unix socket has no address; who may connect is the file's permissions' business. It counts as the loopback.
const LOCAL: Address = { text: '127.0.0.1', family: 4, bytes: [127, 0, 0, 1] }

// A connection's address never changes, so it is parsed once and not once a request.
const addresses = new WeakMap<Socket, Address | null>()

function peerOf(socket: Socket): Address | undefined {
  let address = addresses.get(socket)
  if (address === undefined) {
    address = parseAddress(socket.remoteAddress ?? '') ?? null
    addresses.set(socket, address)
  }
  return address ?? undefined
}

/**
 * The request's source: the TCP peer, or, where that is a trusted proxy, the rightmost address of X-Forwarded-For that
 * is not one. What stands left of it was written by strangers.
 */
export function originOf(
  socket: Socket,
  encrypted: boolean,
  headers: Headers,
  trusted: NetworkTable | undefined,
): Origin | PolicyFault {
  const peer = peerOf(socket)
  let source = peer ?? LOCAL
  if (trusted === undefined || !trusted.has(source)) return { source, peer, encrypted }
  const proto = headers.one('x-forwarded-proto')
  const secure = proto === undefined ? encrypted : proto === 'https'
  const hops = headers.all('x-forwarded-for').join(',').split(',')
  if (hops.length > MAX_HOPS) return new PolicyFault(`X-Forwarded-For has more than ${MAX_HOPS} addresses`)
  for (let i = hops.length - 1; i >= 0; i--) {
    const text = (hops[i] ?? '').trim()
    if (text === '' && hops.length === 1) break
    const address = parseAddress(text)
    // Skipping what can't be read would believe an address further left, which anyone may have written.
    if (address === undefined) return new PolicyFault('X-Forwarded-For holds something that is no IP address')
    source = address
    if (!trusted.has(address)) break
  }
  return { source, peer, encrypted: secure }
}
