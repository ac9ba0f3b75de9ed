import type { TLSSocket } from 'node:tls'

/** Whether a connection speaks TLS. `instanceof` would load node:tls, which reads Node's CA certificates at once. */
export function isEncrypted(socket: unknown): socket is TLSSocket {
  return typeof socket === 'object' && socket !== null && 'encrypted' in socket && socket.encrypted === true
}
