import { checkJson } from '../../core/json.ts'
import type { BodyRequest } from '../../core/request.ts'

/** A copy of a request with other values. Field by field, as a request may be an object of a class with private parts. */
export function varied(
  request: BodyRequest,
  changes: Partial<
    Pick<
      BodyRequest,
      | 'raw'
      | 'publicUrl'
      | 'headers'
      | 'path'
      | 'query'
      | 'method'
      | 'encrypted'
      | 'authority'
      | 'mediaType'
      | 'host'
      | 'target'
    >
  >,
): BodyRequest {
  const raw = changes.raw ?? request.raw
  return {
    id: request.id,
    receivedAt: request.receivedAt,
    listener: request.listener,
    encrypted: request.encrypted,
    method: request.method,
    target: request.target,
    path: request.path,
    query: request.query,
    host: request.host,
    authority: request.authority,
    serverName: request.serverName,
    headers: request.headers,
    source: request.source,
    peer: request.peer,
    contentLength: raw.length,
    mediaType: request.mediaType,
    publicUrl: request.publicUrl,
    clientCertificate: () => request.clientCertificate(),
    peekJson: changes.raw === undefined ? () => request.peekJson() : () => strictJson(raw),
    ...changes,
    raw,
  }
}

function strictJson(raw: Buffer): unknown {
  return checkJson(raw) === undefined ? JSON.parse(raw.toString('utf8')) : undefined
}
