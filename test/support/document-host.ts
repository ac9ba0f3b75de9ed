import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Agent, buildConnector } from 'undici'
import type { DocumentSource } from '../../src/gateway/fetch-document.ts'
import { issueCa, issueLeaf } from '../../src/tls/issue.ts'

/** Hosts of providers, each by its own name and over TLS with a certificate of its own; only the way there is bent. */
export interface DocumentHost {
  /** What a gate fetches with, in place of the system's names and CAs. */
  readonly source: DocumentSource
  /** `HOST/PATH` of each request. */
  readonly asked: string[]
  /** PEM, of the CA that vouches for the names. */
  readonly ca: string
  readonly port: number
  close(): Promise<void>
}

export async function startDocumentHost(names: readonly string[], answer: RequestListener): Promise<DocumentHost> {
  const now = Date.now()
  const ca = await issueCa('documents', now)
  const [commonName = ''] = names
  const leaf = await issueLeaf(ca, { commonName, use: 'server', names: { dns: [...names] }, now })
  const asked: string[] = []
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (req, res) => {
    asked.push(`${req.headers.host}${req.url}`)
    answer(req, res)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connect = buildConnector({ ca: ca.certificate })
  const agent = new Agent({
    connect: (options, done) =>
      connect({ ...options, hostname: '127.0.0.1', port: String(port), servername: options.hostname }, done),
  })
  return {
    source: { dispatcher: agent, destroy: () => agent.destroy() },
    asked,
    ca: ca.certificate,
    port,
    async close() {
      await agent.destroy()
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
