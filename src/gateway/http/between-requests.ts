import type { Socket } from 'node:net'

/** So many requests that came in one piece are begun in one turn of the event loop: other connections wait meanwhile. */
const AT_ONCE = 16

/**
 * Whether the next request of a connection waits: for a sender who does not read the answers that pile up, or for the turn
 * of others.
 *
 * @param begun how many requests of the piece that is parsed were begun in this turn
 * @param goOn is called when it need not wait any more
 */
export function waitsBetween(socket: Socket, begun: number, goOn: () => void): boolean {
  if (socket.writableNeedDrain) {
    socket.off('drain', goOn).once('drain', goOn)
    return true
  }
  if (begun < AT_ONCE) return false
  setImmediate(goOn)
  return true
}
