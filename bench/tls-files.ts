import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueCa, issueLeaf } from '../src/tls/issue.ts'
import type { Trusted } from './apps/job.ts'

/** PEM files of a server's certificate (ECDSA P-256) and of the CA that signed it. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** The certificate and its key in one, as HAProxy takes them. */
  readonly bundle: string
  /** A client's certificate and key; given, the server lets in nobody without one. */
  readonly client?: { readonly cert: string; readonly key: string }
}

/** The name in the certificate, and the one that the load generators ask for. */
export const SERVER_NAME = 'gate.test'

/** The name in the client's certificate. */
export const CLIENT_NAME = 'sender.test'

/** Issues a certificate that lives as long as the folder does. */
export async function issueTlsFiles(folder: string, mutual: boolean): Promise<TlsFiles> {
  const now = Date.now()
  const ca = await issueCa('The benchmark', now)
  const leaf = await issueLeaf(ca, {
    commonName: SERVER_NAME,
    use: 'server',
    names: { dns: [SERVER_NAME], ips: ['127.0.0.1'] },
    now,
  })
  const client = mutual
    ? await issueLeaf(ca, { commonName: 'sender', use: 'client', names: { dns: [CLIENT_NAME] }, now })
    : undefined
  const file = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  return {
    ...(client && { client: { cert: file('client.pem', client.certificate), key: file('client.key', client.key) } }),
    ca: file('ca.pem', ca.certificate),
    cert: file('server.pem', leaf.certificate),
    key: file('server.key', leaf.key),
    bundle: file('bundle.pem', `${leaf.certificate.trim()}\n${leaf.key}`),
  }
}

/** What a client needs to verify the server, and to be let in. */
export function trusted({ ca, client }: TlsFiles): Trusted {
  const pair = client && { cert: readFileSync(client.cert, 'utf8'), key: readFileSync(client.key, 'utf8') }
  return { ca: readFileSync(ca, 'utf8'), serverName: SERVER_NAME, ...pair }
}
