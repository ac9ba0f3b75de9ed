import { spawn } from 'node:child_process'
import { freePort } from './ports.ts'

/** `openssl s_server` on a port of its own, answering every GET with what it knows of the connection. */
export async function startSServer(args: readonly string[]): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const port = await freePort()
  const child = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, '-www', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const look = (text: Buffer): void => {
      said += text
      if (said.includes('ACCEPT')) resolve()
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    void exited.then(() => reject(new Error(`s_server does not listen: ${said}`)))
  })
  return {
    port,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
