import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import type { Bind } from '../config/model.ts'

/** Connections that the kernel holds until they are accepted. */
export const BACKLOG = 1024

/** Listens on an address or a Unix socket. @throws the system's error. */
export async function listenOn(server: Server, bind: Bind): Promise<void> {
  if ('unix' in bind) await removeStale(bind.unix)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const done = (): void => {
      server.removeListener('error', reject)
      resolve()
    }
    if ('unix' in bind) server.listen(bind.unix, done)
    else server.listen({ host: bind.host, port: bind.port, backlog: BACKLOG }, done)
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
