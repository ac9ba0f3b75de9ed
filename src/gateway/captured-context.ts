import { Readable } from 'node:stream'
import { parseAddress } from '../core/address.ts'
import type { CapturedRequest } from '../core/captured.ts'
import type { ClientCertificate } from '../core/client-certificate.ts'
import { Headers } from '../core/headers.ts'
import type { BodySource } from '../pipeline/body.ts'
import { RequestContext } from '../pipeline/context.ts'
import type { ClientTrust } from '../tls/trust.ts'
import { judgeCertificate } from '../tls/verdicts.ts'
import { checkHead, PolicyFault } from './policy.ts'

/** What is different from how it was received. */
export interface Again {
  readonly id?: string
  readonly receivedAt?: number
  /** What client certificates are judged by; absent: there are none. */
  readonly trust?: ClientTrust | undefined
}

/** A captured request as the pipeline sees it; the policy's fault where it is no request that could be routed. */
export function contextOf(captured: CapturedRequest, again: Again = {}): RequestContext | PolicyFault {
  const headers = new Headers(captured.rawHeaders)
  const facts = checkHead(captured.method, captured.target, '1.1', headers, Number.POSITIVE_INFINITY)
  const source = parseAddress(captured.source)
  if (facts instanceof PolicyFault) return facts
  if (source === undefined) return new PolicyFault('the source is no address', 'no-source')
  const receivedAt = again.receivedAt ?? captured.receivedAt
  const context = new RequestContext({
    id: again.id ?? captured.id,
    receivedAt,
    listener: captured.listener,
    encrypted: captured.encrypted,
    method: captured.method,
    target: captured.target,
    path: facts.path,
    query: facts.query,
    host: facts.host,
    authority: facts.authority,
    serverName: captured.serverName,
    headers,
    source,
    peer: captured.peer === undefined ? undefined : parseAddress(captured.peer),
    contentLength: facts.contentLength,
    certificate: () => certificateOf(captured, again.trust, receivedAt),
  })
  return context
}

function certificateOf(
  { clientCertificates }: CapturedRequest,
  trust: ClientTrust | undefined,
  now: number,
): ClientCertificate | undefined {
  const [leaf, ...chain] = clientCertificates
  return leaf && trust ? judgeCertificate(leaf, chain, trust, now).certificate : undefined
}

/** A body that is at hand, read as from a connection. */
export function bodyOf(body: Buffer): BodySource {
  return {
    read: cap => Promise.resolve(body.length > cap ? 'too-large' : body),
    stream: () =>
      body.length === 0
        ? undefined
        : { length: body.length, readable: Readable.from([body]), onBroken: () => undefined },
    upgrading: false,
    fault: undefined,
  }
}
