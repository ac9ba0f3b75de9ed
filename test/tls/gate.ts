import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../../src/core/client-certificate.ts'
import type { ServerTlsConfig } from '../../src/tls/config.ts'
import { clientCertificateOf } from '../../src/tls/identity.ts'
import type { LoadOptions } from '../../src/tls/loaded.ts'
import { loadServerTls, type ServerTls } from '../../src/tls/server.ts'
import { type Ran, run } from './craft.ts'

export interface Gate extends AsyncDisposable {
  readonly port: number
  readonly tls: ServerTls
  readonly server: Server
  /** The peer of every request, in order. */
  readonly peers: (ClientCertificate | undefined)[]
}

/** A real HTTPS server on loopback, made of what `loadServerTls` gives; it answers every request with 200. */
export async function openGate(
  config: Partial<ServerTlsConfig> & Pick<ServerTlsConfig, 'certificates'>,
  options: LoadOptions = {},
): Promise<Gate> {
  const tls = loadServerTls({ profile: 'intermediate', ...config }, path => readFileSync(path), options)
  const peers: (ClientCertificate | undefined)[] = []
  const server = createServer(tls.options, (request, response) => {
    if (request.socket instanceof TLSSocket && tls.trust !== undefined) {
      peers.push(clientCertificateOf(request.socket, tls.trust))
    }
    response.end('ok\n')
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    tls,
    server,
    peers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** curl's request to the gate: its status, or what it says of the failure. */
export function curl(gate: Gate, args: readonly string[]): Promise<Ran> {
  const url = `https://localhost:${gate.port}/`
  return run('curl', ['-sS', '--noproxy', '*', '-k', '-o', '/dev/null', '-w', '%{http_code}', ...args, url])
}
