import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Received } from './upstream.ts'

export interface TlsReceived extends Received {
  /** Common name of the client's certificate; empty where it showed none that verifies. */
  readonly client: string
  /** The address that it came from. */
  readonly source: string
}

/** The external service: TLS, client certificates of the development CA, and what it received. */
export interface TlsReceiver {
  readonly url: string
  readonly port: number
  readonly received: TlsReceived[]
  close(): void
}

/** @param folder as `certs init` fills it. @param answer what to answer; default: 200 and `{}`. */
export async function startTlsReceiver(
  folder: string,
  answer: (req: IncomingMessage, res: ServerResponse, seen: TlsReceived) => void = (_req, res) =>
    void res.setHeader('content-type', 'application/json').end('{}'),
  port = 0,
  upgrade?: (req: IncomingMessage, socket: Duplex) => void,
): Promise<TlsReceiver> {
  const received: TlsReceived[] = []
  const file = (name: string): Buffer => readFileSync(join(folder, name))
  const server = createServer(
    {
      cert: file('server.crt'),
      key: file('server.key'),
      ca: file('clients-ca.crt'),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        const socket = req.socket as TLSSocket
        const seen: TlsReceived = {
          method: req.method ?? '',
          url: req.url ?? '',
          headers: req.headers,
          rawHeaders: req.rawHeaders,
          body: Buffer.concat(chunks),
          source: socket.remoteAddress ?? '',
          client: socket.authorized ? String(socket.getPeerCertificate().subject.CN) : '',
        }
        received.push(seen)
        answer(req, res, seen)
      })
    },
  )
  const upgraded = new Set<Duplex>()
  if (upgrade)
    server.on('upgrade', (req, socket) => {
      upgraded.add(socket.on('error', () => undefined))
      upgrade(req, socket)
    })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `https://localhost:${bound}`,
    port: bound,
    received,
    close() {
      server.close()
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
    },
  }
}
