import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { usualCode } from './handshake.ts'
import { readServerFlight, type ServerFlight } from './server-flight.ts'
import { WireTap } from './wire-tap.ts'

/** One handshake with a server, as its client saw it. */
export interface Shaken {
  readonly flight: ServerFlight
  /** Where it came to an end: the connection, to be destroyed by whoever asked. */
  readonly socket: TLSSocket | undefined
  /** `TLSv1.3`; `undefined` where it failed. */
  readonly version: string | undefined
  /** Why the library does not trust the server: its code, or a sentence; `undefined` where it does. */
  readonly untrusted: string | undefined
  /** Why it failed. */
  readonly fault: { readonly code: string; readonly message: string } | undefined
}

const LABEL = 'SERVER_HANDSHAKE_TRAFFIC_SECRET '

/**
 * Shakes hands over a connection that stands, trusts nobody and says what came. Nothing may be sent over the socket where
 * `untrusted` is set: its server is not known.
 * @param options as for `tls.connect`, with the name that is asked for
 * @param ms milliseconds until it has to be done
 */
export function shakeHands(raw: Duplex, options: ConnectionOptions, ms: number): Promise<Shaken> {
  return new Promise(resolve => {
    const tap = new WireTap(raw)
    let secret: Buffer | undefined
    const socket = connect({ ...options, socket: tap, rejectUnauthorized: false })
    const flight = (): ServerFlight => readServerFlight(tap.received(), secret)
    const failed = (code: string, message: string): void => {
      clearTimeout(timer)
      socket.on('error', () => undefined).destroy()
      resolve({
        flight: flight(),
        socket: undefined,
        version: undefined,
        untrusted: undefined,
        fault: { code, message },
      })
    }
    const timer = setTimeout(() => failed('ETIMEDOUT', `no handshake within ${ms} ms`), ms)
    const onError = (error: NodeJS.ErrnoException): void => failed(usualCode(error.code ?? 'unknown'), error.message)
    const onClose = (): void => failed('ECONNRESET', 'the connection ended in the handshake')
    socket.on('keylog', (line: Buffer) => {
      const text = line.toString('latin1')
      if (text.startsWith(LABEL)) secret = Buffer.from(text.trim().split(' ')[2] ?? '', 'hex')
    })
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      // One that fails while nobody listens must not end the process.
      socket
        .off('error', onError)
        .off('close', onClose)
        .on('error', () => undefined)
      const said: unknown = socket.authorizationError
      resolve({
        flight: flight(),
        socket,
        version: socket.getProtocol() ?? undefined,
        untrusted: socket.authorized ? undefined : said instanceof Error ? said.message : String(said),
        fault: undefined,
      })
    })
  })
}
