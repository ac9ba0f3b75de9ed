import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Command, findProgram, freePort, pinned, type Running, startServer } from './processes.ts'

/** What every upstream of the benchmark answers. */
export const ANSWER = '{"received":true}'

/** The upstream under load: nginx with one fixed answer where it is installed, else a small Node server. */
export async function startUpstream(folder: string, core: number): Promise<Running & { port: number; kind: string }> {
  const port = await freePort()
  const nginx = findProgram('nginx')
  const command: Command =
    nginx === undefined
      ? { program: process.execPath, args: [join(import.meta.dirname, 'apps/upstream.ts'), String(port), ANSWER] }
      : { program: nginx, args: ['-c', nginxConfig(folder, port), '-e', join(folder, 'error.log')] }
  const server = await startServer(pinned([core], command), port, join(folder, 'upstream.log'))
  return { ...server, port, kind: nginx === undefined ? 'node:http' : 'nginx' }
}

function nginxConfig(folder: string, port: number): string {
  const names = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  for (const name of names) mkdirSync(join(folder, name))
  const file = join(folder, 'upstream.conf')
  writeFileSync(
    file,
    `daemon off;
worker_processes 1;
pid ${join(folder, 'upstream.pid')};
error_log ${join(folder, 'error.log')} error;
events { worker_connections 2048; }
http {
${names.map(name => `  ${name}_temp_path ${join(folder, name)};`).join('\n')}
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  default_type application/json;
  server { listen 127.0.0.1:${port}; location / { return 200 '${ANSWER}'; } }
}
`,
  )
  return file
}

export interface Witness {
  readonly port: number
  /** The bodies that arrived since the last call. */
  take(): Buffer[]
  close(): Promise<void>
}

/** An upstream that keeps what it receives, to prove what a peer lets through. */
export async function startWitness(): Promise<Witness> {
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks))
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(ANSWER)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the loopback gave no port')
  return {
    port: address.port,
    take: () => bodies.splice(0),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
