import { unlink } from 'node:fs/promises'
import type { RequestListener, Server } from 'node:http'
import { createConnection } from 'node:net'
import { http } from '../core/http.ts'
import { CannotListen } from '../gateway/cannot-listen.ts'

export type AdminBind = { readonly host: string; readonly port: number } | { readonly unix: string }

export interface AdminServer {
  /** The address, or the socket's path. */
  readonly address: string
  /** The port it really got; 0 on a Unix socket. */
  readonly port: number
  /** Stops listening, lets answers under way end, and closes. */
  close(): Promise<void>
}

// Few people ask, and briefly: what holds a connection longer is not one of them.
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  insecureHTTPParser: false,
  requireHostHeader: true,
}
const CONNECTIONS = 64
const GRACE_MS = 2_000

/** Listens for the admin. @throws CannotListen */
export async function createAdminServer(bind: AdminBind, handler: RequestListener): Promise<AdminServer> {
  const server = http.createServer(LIMITS, handler)
  server.maxConnections = CONNECTIONS
  // No count: Node drops the fields beyond it unseen, an Origin among them. The size of the head bounds them.
  server.maxHeadersCount = 0
  server.maxRequestsPerSocket = 1000
  // `Expect: 100-continue` announces a body; the handler refuses it unread.
  server.on('checkContinue', handler)
  server.on('checkExpectation', handler)
  server.on('upgrade', (_request, socket) => socket.destroy())
  server.on('connect', (_request, socket) => socket.destroy())
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  if ('unix' in bind) await removeDeadSocket(bind.unix)
  await listen(server, bind).catch((error: unknown) => {
    throw CannotListen.of(error, bind)
  })
  const address = server.address()
  return {
    address: address === null || typeof address === 'string' ? (address ?? '') : address.address,
    port: address === null || typeof address === 'string' ? 0 : address.port,
    close: () => close(server),
  }
}

function listen(server: Server, bind: AdminBind): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      server.off('error', reject)
      resolve()
    }
    if ('unix' in bind) server.listen({ path: bind.unix }, done)
    else server.listen({ host: bind.host, port: bind.port }, done)
  })
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    const late = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections()
  })
}

/** Removes a socket that a crash left behind: one that nobody answers. */
async function removeDeadSocket(path: string): Promise<void> {
  const dead = await new Promise<boolean>(resolve => {
    const probe = createConnection({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
  if (dead) await unlink(path)
}
