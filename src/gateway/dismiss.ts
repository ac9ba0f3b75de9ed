import { isEncrypted } from '../tls/encrypted.ts'
import { isDistrusted } from '../tls/identity.ts'
import type { ClientTrust } from '../tls/trust.ts'
import type { HttpConnection } from './http/connection.ts'

/** Milliseconds for which certificates are judged before others get their turn. */
const SLICE_MS = 10
/** Milliseconds that a connection has to end by itself: with the judging of the others, it is gone within a second. */
const LAST_MS = 500

/**
 * Ends the connections of clients that today's trust no longer accepts: idle ones now, others with the answer that is
 * due, and at the latest after half a second.
 * @param inForce gives the trust that the listener has now: a later one makes this call moot
 */
export async function dismissDistrusted(
  connections: Iterable<HttpConnection>,
  trust: ClientTrust,
  inForce: () => ClientTrust | undefined,
): Promise<void> {
  let from = performance.now()
  for (const connection of [...connections]) {
    const { socket } = connection
    if (isEncrypted(socket) && !socket.destroyed && isDistrusted(socket, trust)) dismiss(connection)
    if (performance.now() - from < SLICE_MS) continue
    await new Promise(resolve => setImmediate(resolve))
    if (inForce() !== trust) return
    from = performance.now()
  }
}

function dismiss(connection: HttpConnection): void {
  const { socket } = connection
  // Nothing more is read as a request, and the answer that is due says that the connection ends.
  connection.broken = true
  if (!connection.busy) socket.end()
  setTimeout(() => socket.destroy(), LAST_MS)
}
