import type { Server } from 'node:net'

/**
 * Lets `next` accept from the TCP socket that `before` listens on: there is no moment at which a connection finds it closed.
 * What `before` has accepted stays its own.
 * (Node would open a Unix socket's handle a second time, and both would accept.)
 * @param backlog connections that the kernel holds for it
 */
export function takeOver(next: Server, before: Server, backlog: number): void {
  next.listen(before, backlog)
  // Node closes the socket together with any server that has it, this one as well.
  Object.assign(before, { _handle: null })
}
