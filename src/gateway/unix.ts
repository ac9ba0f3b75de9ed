import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import type { Bind } from '../config/model.ts'
import { CannotListen } from './cannot-listen.ts'

/** Connections that the kernel holds until they are accepted. */
export const BACKLOG = 1024

/** Of workers that listen on one address: the kernel shares the connections out among them (SO_REUSEPORT). */
export interface SharedPort {
  /** The one that was got, where the config lets the system choose; `undefined`: the config's, or a new one. */
  readonly port: number | undefined
}

/** Listens on an address or a Unix socket. @throws CannotListen */
export async function listenOn(server: Server, bind: Bind, sharing?: SharedPort): Promise<void> {
  try {
    await open(server, bind, sharing)
  } catch (error) {
    throw CannotListen.of(error, bind)
  }
}

async function open(server: Server, bind: Bind, sharing: SharedPort | undefined): Promise<void> {
  if ('unix' in bind) await removeStale(bind.unix)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      server.removeListener('error', reject)
      resolve()
    }
    if ('unix' in bind) server.listen(bind.unix, done)
    else {
      const port = bind.port === 0 ? (sharing?.port ?? 0) : bind.port
      server.listen({ host: bind.host, port, backlog: BACKLOG, reusePort: sharing !== undefined }, done)
    }
  })
  // Owner and group: whoever may connect is trusted to be local.
  if ('unix' in bind) chmodSync(bind.unix, 0o660)
}

/** Removes a socket file that nobody listens on any more, and nothing else. */
async function removeStale(path: string): Promise<void> {
  try {
    if (!lstatSync(path).isSocket()) return
  } catch {
    return
  }
  const alive = await new Promise<boolean>(resolve => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (!alive) unlinkSync(path)
}
