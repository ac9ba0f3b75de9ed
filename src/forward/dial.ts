import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isOutOfDescriptors } from '../core/descriptors.ts'
import type { ClientTls } from '../tls/client.ts'
import { usualCode } from '../tls/handshake.ts'
import { openTunnel, type ProxyWay } from './tunnel.ts'

/** Where connections go, prepared once for an upstream. */
export interface Destination {
  readonly secure: boolean
  /** `undefined`: as Node does by itself. */
  readonly tls: Pick<ClientTls, 'options'> | undefined
  /** Finds the addresses of a name; `undefined`: as the system does. */
  readonly lookup: LookupFunction | undefined
  /** The address of this host that connections come from; `undefined`: the system's choice. */
  readonly localAddress: string | undefined
  readonly proxy: ProxyWay | undefined
  readonly host: string
  readonly port: number
  /** The fields that every request begins with. */
  readonly fields: string
  /** Milliseconds until a connection stands. */
  readonly connectMs: number
  /** The last TLS session, so that the next handshake is a short one. */
  session: Buffer | undefined
}

/** How an upstream is reached: what is left out is as the system does it. */
export interface Reach {
  readonly tls?: Pick<ClientTls, 'options'> | undefined
  readonly lookup?: LookupFunction | undefined
  readonly localAddress?: string | undefined
  readonly proxy?: ProxyWay | undefined
}

/** @param connectMs milliseconds until a connection stands */
export function destinationOf(origin: string, connectMs: number, reach: Reach): Destination {
  const { protocol, hostname, port, host } = new URL(origin)
  const secure = protocol === 'https:'
  return {
    secure,
    tls: reach.tls,
    lookup: reach.lookup,
    localAddress: reach.localAddress,
    proxy: reach.proxy,
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    fields: `host: ${host}\r\n`,
    connectMs,
    session: undefined,
  }
}

/** A socket that connects by itself; its events tell when it stands. */
export function open(destination: Destination, onread?: OnReadOpts): Socket {
  const { secure, host, port } = destination
  const options = { ...tcpOptions(destination), host, port, ...(onread === undefined ? {} : { onread }) }
  return secure ? connectTls({ ...options, ...tlsOptions(destination) }) : connectTcp(options)
}

export function tcpOptions({ localAddress, lookup }: Destination) {
  return {
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    ...(lookup === undefined ? {} : { lookup }),
    // A name may have addresses of both families, and only one's can be reached from here.
    ...(localAddress === undefined ? {} : { localAddress, family: isIP(localAddress) }),
  }
}

export function tlsOptions({ tls, host, session }: Destination) {
  return {
    ALPNProtocols: ['http/1.1'],
    // Said, because an environment variable of Node's would else turn the verification off.
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...tls?.options,
    ...(session === undefined ? {} : { session }),
  }
}

/** What went wrong with a socket, as a sentence for the operator. */
export function described(error: NodeJS.ErrnoException): string {
  // Where a name has several addresses the message is empty, and each attempt's stands in the list.
  const said =
    error instanceof AggregateError ? error.errors.map(each => String(each?.message)).join('; ') : error.message
  if (error.code === undefined) return said
  if (isOutOfDescriptors(error)) return `${error.code}: the gate has no file descriptor left for another connection`
  // The library's own message is its place in the library's source, with the reason in the middle.
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : said
  return `${usualCode(error.code)}: ${error.code.startsWith('ERR_SSL_') ? reason : said}`
}

/** The connection did not stand in time. */
export class DialTimeout extends Error {
  override readonly name = 'DialTimeout'
}

/** A socket that stands, for one who reads it as a stream. @throws the socket's error, or DialTimeout after `connectMs` */
export function dial(destination: Destination): Promise<Socket> {
  const { proxy, secure, host, port, connectMs } = destination
  return new Promise((resolve, reject) => {
    let socket =
      proxy === undefined
        ? open(destination)
        : connectTcp({ ...tcpOptions(destination), host: proxy.host, port: proxy.port })
    const fail = (error: Error): void => {
      clearTimeout(timer)
      destination.session = undefined
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(
      () => fail(new DialTimeout(`the connection did not stand within ${connectMs} ms`)),
      connectMs,
    )
    const stands = (): void => {
      clearTimeout(timer)
      // One that fails while nobody listens must not end the process; its close tells.
      socket.off('error', fail).on('error', () => undefined)
      resolve(socket)
    }
    socket.on('error', fail)
    if (proxy === undefined) {
      socket.once(secure ? 'secureConnect' : 'connect', stands)
      return
    }
    openTunnel(socket, proxy, host, port).then(() => {
      if (!secure) {
        stands()
        return
      }
      socket = connectTls({ ...tlsOptions(destination), socket })
      socket.on('error', fail).once('secureConnect', stands)
    }, fail)
  })
}
