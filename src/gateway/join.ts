import { pipeline } from 'node:stream/promises'
import type { UpstreamResult } from '../forward/upstream.ts'
import type { Tunnel } from '../forward/websocket.ts'
import { acceptOf } from '../forward/websocket-handshake.ts'
import { answerHead } from './http/answer-head.ts'
import type { Incoming } from './http/incoming.ts'

/** For how long one end may go on once the other has ended. Milliseconds. */
const LAST_MS = 5_000

/**
 * Answers a WebSocket handshake and joins the two connections; ends both with the first that ends.
 *
 * @param key of the handshake
 */
export async function joinWebSocket(
  req: Incoming,
  key: string,
  answer: UpstreamResult | undefined,
  tunnel: Tunnel,
  requestId: string,
): Promise<{ readonly received: number; readonly sent: number }> {
  const { socket } = req
  const upstream = tunnel.socket
  // What is idle here may be waiting on purpose: the two ends have pings of their own.
  const head = req.connection.detach()
  const fields = [
    ...['Connection', 'Upgrade', 'Upgrade', 'websocket'],
    ...['Sec-WebSocket-Accept', acceptOf(key), 'X-Request-Id', requestId],
    ...(answer?.ok ? answer.headers : []),
  ]
  socket.write(answerHead(101, fields, ''), 'latin1')
  if (tunnel.rest.length > 0) socket.write(tunnel.rest)
  if (head.length > 0) upstream.write(head)
  const before = socket.bytesRead
  const ways = [pipeline(socket, upstream), pipeline(upstream, socket)]
  // An end that does not mind that the other has gone would hold its connection for good.
  const cut = (): void => {
    setTimeout(() => {
      socket.destroy()
      upstream.destroy()
    }, LAST_MS).unref()
  }
  for (const way of ways) way.then(cut, cut)
  await Promise.allSettled(ways)
  return {
    received: head.length + socket.bytesRead - before,
    sent: upstream.bytesRead,
  }
}
