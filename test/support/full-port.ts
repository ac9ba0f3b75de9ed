import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'

/** Listens with room for one, and then never again looks at its connections. */
const LISTENER = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  process.stdout.write(this.address().port + '\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`
/** Milliseconds after which a connection on the loopback is taken to wait for ever. */
const HANGS_MS = 1000
const MOST = 32

/**
 * A port where nothing answers, not even that it is closed, as behind a firewall that drops: its queue of connections is
 * full, and the system drops whatever else comes (Linux, unless tcp_abort_on_overflow is set).
 */
export async function startFullPort(): Promise<{ readonly port: number; close(): void }> {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'ignore'] })
  const port = await new Promise<number>(resolve => child.stdout.once('data', (text: Buffer) => resolve(Number(text))))
  const held: Socket[] = []
  const close = (): void => {
    for (const socket of held) socket.destroy()
    child.kill('SIGKILL')
  }
  for (let made = 0; made < MOST; made++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    held.push(socket)
    const stands = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      setTimeout(() => resolve(false), HANGS_MS)
    })
    if (!stands) return { port, close }
  }
  close()
  throw new Error(`${MOST} connections to a queue of one stand`)
}
