import type { Socket } from 'node:net'
import { ProxyFault, type ProxyHeader, readProxyHeader } from './proxy-protocol.ts'

/** What the proxies of one listener said of its connections. */
export class Proxied {
  readonly #said = new WeakMap<Socket, ProxyHeader>()
  /** By both ends of the proxy's connection, until TLS is through: the secured socket is another object. */
  readonly #pending = new Map<string, ProxyHeader>()

  /**
   * Reads the header from a connection that nobody has read from, and hands the connection on.
   * @param waitMs for the header, milliseconds
   * @param refused is told why there is none; the connection ends without an answer
   */
  await(socket: Socket, waitMs: number, accept: () => void, refused: (fault: ProxyFault) => void): void {
    let bytes = Buffer.alloc(0)
    const refuse = (rule: string): void => {
      done()
      refused(new ProxyFault(rule))
      socket.destroy()
    }
    const take = (header: ProxyHeader): void => {
      done()
      this.#keep(socket, header)
      if (header.length < bytes.length) socket.unshift(bytes.subarray(header.length))
      accept()
    }
    const read = (): void => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      bytes = Buffer.concat([bytes, chunk])
      const header = readProxyHeader(bytes)
      if (header instanceof ProxyFault) refuse(header.rule)
      else if (header !== undefined) take(header)
    }
    const ended = (): void => {
      done()
      socket.destroy()
    }
    const timer = setTimeout(() => refuse('the PROXY header did not arrive in time'), waitMs)
    const done = (): void => {
      clearTimeout(timer)
      socket.off('readable', read).off('end', ended).off('error', ended).off('close', done)
    }
    socket.on('readable', read).on('end', ended).on('error', ended).on('close', done)
  }

  #keep(socket: Socket, header: ProxyHeader): void {
    const key = endsOf(socket)
    this.#said.set(socket, header)
    this.#pending.set(key, header)
    socket.once('close', () => {
      if (this.#pending.get(key) === header) this.#pending.delete(key)
    })
  }

  /** What was said of a connection, by its own socket or by the one that TLS made of it. */
  of(socket: Socket): ProxyHeader | undefined {
    const known = this.#said.get(socket)
    if (known !== undefined || this.#pending.size === 0) return known
    const header = this.#pending.get(endsOf(socket))
    if (header !== undefined) this.#said.set(socket, header)
    return header
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
