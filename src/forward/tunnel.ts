import { isIP, type Socket } from 'node:net'
import type { Secret } from '../core/secret.ts'

/** A proxy between the gate and the upstream. */
export interface ProxyWay {
  readonly kind: 'http' | 'socks5'
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: Secret | undefined
}

/** Why there is no way through the proxy, as a sentence for the operator. */
export class TunnelFault extends Error {
  override readonly name = 'TunnelFault'
}

const MAX_HEAD = 8 * 1024

/**
 * Asks the proxy that stands at the other end of `socket` for a way to the upstream; from then on the socket's bytes are
 * the upstream's. The name is the proxy's to resolve.
 *
 * @throws TunnelFault, or the socket's error
 */
export async function openTunnel(socket: Socket, proxy: ProxyWay, host: string, port: number): Promise<void> {
  const reader = new Reader(socket)
  try {
    if (proxy.kind === 'http') await connectHttp(socket, reader, proxy, host, port)
    else await connectSocks(socket, reader, proxy, host, port)
    // Who speaks before being asked is no HTTP or TLS server, and its bytes are nobody's answer.
    if (reader.left > 0) throw new TunnelFault('the proxy sent more than its answer')
  } finally {
    reader.close()
  }
}

/** RFC 9110 section 9.3.6. */
async function connectHttp(socket: Socket, reader: Reader, proxy: ProxyWay, host: string, port: number): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  let head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`
  if (proxy.password) {
    const pair = Buffer.concat([Buffer.from(`${proxy.username}:`), proxy.password.bytes()])
    head += `Proxy-Authorization: Basic ${pair.toString('base64')}\r\n`
  }
  socket.write(`${head}\r\n`, 'latin1')
  const answer = (await reader.until('\r\n\r\n')).toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n)/.exec(answer)?.[1]
  if (status === undefined) throw new TunnelFault('the proxy does not answer as an HTTP proxy')
  if (!status.startsWith('2')) throw new TunnelFault(`the proxy answered ${status} to CONNECT`)
}

const VERSION = 5
const NO_AUTHENTICATION = 0
const USER_AND_PASSWORD = 2
const REPLIES: readonly string[] = [
  'succeeded',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
]

/** RFC 1928, with RFC 1929 for user and password. */
async function connectSocks(
  socket: Socket,
  reader: Reader,
  proxy: ProxyWay,
  host: string,
  port: number,
): Promise<void> {
  const { password } = proxy
  const method = password ? USER_AND_PASSWORD : NO_AUTHENTICATION
  socket.write(Buffer.from([VERSION, 1, method]))
  const [version, chosen] = await reader.take(2)
  if (version !== VERSION) throw new TunnelFault('the proxy does not answer as a SOCKS5 proxy')
  if (chosen !== method) throw new TunnelFault('the proxy takes no such authentication')
  if (password) {
    socket.write(Buffer.concat([Buffer.from([1]), counted(Buffer.from(proxy.username)), counted(password.bytes())]))
    const [, status] = await reader.take(2)
    if (status !== 0) throw new TunnelFault('the proxy does not take the user name and password')
  }
  socket.write(Buffer.concat([Buffer.from([VERSION, 1, 0]), addressOf(host), Buffer.from([port >> 8, port & 0xff])]))
  const [, reply = 1, , type] = await reader.take(4)
  if (reply !== 0) throw new TunnelFault(`the proxy says: ${REPLIES[reply] ?? `error ${reply}`}`)
  const length = type === 1 ? 4 : type === 4 ? 16 : (await reader.take(1))[0]
  await reader.take((length ?? 0) + 2)
}

function addressOf(host: string): Buffer {
  if (isIP(host) === 4) return Buffer.from([1, ...host.split('.').map(Number)])
  // A name, also for an IPv6 address: every proxy reads one from it.
  return Buffer.concat([Buffer.from([3]), counted(Buffer.from(host))])
}

const counted = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length]), bytes])

/** Reads a socket piece by piece, as a handshake needs it. */
class Reader {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #look: (() => void) | undefined
  #error: Error | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#data)
    socket.on('close', this.#closed)
  }

  get left(): number {
    return this.#bytes.length
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#more()
    return this.#cut(count)
  }

  async until(end: string): Promise<Buffer> {
    for (;;) {
      const at = this.#bytes.indexOf(end, 0, 'latin1')
      if (at >= 0) return this.#cut(at + end.length)
      if (this.#bytes.length > MAX_HEAD) throw new TunnelFault('the answer of the proxy does not end')
      await this.#more()
    }
  }

  close(): void {
    this.#socket.off('data', this.#data)
    this.#socket.off('close', this.#closed)
    this.#socket.pause()
  }

  #cut(count: number): Buffer {
    const piece = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return piece
  }

  async #more(): Promise<void> {
    if (this.#error) throw this.#error
    await new Promise<void>(resolve => {
      this.#look = resolve
    })
    if (this.#error) throw this.#error
  }

  readonly #data = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#look?.()
  }

  readonly #closed = (): void => {
    this.#error = new TunnelFault('the proxy closed the connection')
    this.#look?.()
  }
}
