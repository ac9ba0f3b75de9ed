import { bodyLimit } from '../checks/body-limit.ts'
import type { Content } from '../core/request.ts'
import { formatSize } from '../core/units.ts'
import { ContentFault, toContent } from '../forward/content.ts'
import { decode } from '../forward/decode.ts'
import type { StreamedBody } from '../forward/streamed-body.ts'
import type { RequestContext } from './context.ts'
import type { Route } from './route.ts'
import { type Refusal, refuse } from './walk.ts'

/** Why a body could not be read to its end. */
export type BodyFault = 'too-large' | 'incomplete' | 'timeout' | 'malformed' | 'overlong'

/** The connection's side of reading a body; the gateway has it. */
export interface BodySource {
  /** Reads the body once, to its end, at most `cap` bytes. Says 100 Continue first where the sender waits for it. */
  read(cap: number): Promise<Buffer | BodyFault>
  /** The body as it comes, at most `cap` bytes; `undefined` where there is none. In place of `read`. */
  stream(cap: number): StreamedBody | undefined
  /** Whether the connection was handed over, so that it can become a WebSocket. */
  readonly upgrading: boolean
  /** Why the body did not come whole; `undefined` where it did, or still comes. */
  readonly fault: BodyFault | undefined
}

/** The refusal that a body's fault stands for. @param limit bytes that were to be read at most */
export function unreadBody(fault: BodyFault, limit: number): Refusal {
  if (fault === 'too-large') return tooLarge(limit, 'the body as sent')
  if (fault === 'timeout') return refuse('request.timeout', { while: 'reading the body' })
  if (fault === 'overlong')
    return refuse('request.too-large', { what: 'the chunk extensions and trailers of the body' })
  return refuse('request.malformed', {
    rule: fault === 'incomplete' ? 'the body ended before its announced length' : 'the chunked body is malformed',
  })
}

function tooLarge(limit: number, what: string): Refusal {
  const code = 'body-limit.exceeded'
  return {
    kind: 'refusal',
    code,
    spec: bodyLimit.denials[code],
    evidence: { limit: formatSize(limit), what },
    headers: undefined,
  }
}

/** Decompresses and understands what the body checks have passed; synchronously where nothing is compressed. */
export function readContent(request: RequestContext, route: Route): Refusal | undefined | Promise<Refusal | undefined> {
  return request.coding === '' ? understand(request, request.raw) : decompress(request, route)
}

async function decompress(request: RequestContext, route: Route): Promise<Refusal | undefined> {
  const decoded = await decode(request.raw, request.coding, route.limits.decoded)
  if (Buffer.isBuffer(decoded)) return understand(request, decoded)
  return decoded.fault === 'too-large'
    ? tooLarge(route.limits.decoded, 'the body decompressed')
    : refuse('body.coding', { coding: request.coding, fault: decoded.fault, detail: decoded.detail })
}

/** Requests that mostly have no body (RFC 9110 section 9.3); many clients set Content-Type on them all the same. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

function understand(request: RequestContext, bytes: Buffer): Refusal | undefined | Promise<Refusal | undefined> {
  const type = bytes.length === 0 && BODILESS.has(request.method) ? undefined : request.mediaType
  const content = toContent(bytes, type, request.contentType, request.alreadyPeeked())
  return content instanceof Promise ? content.then(late => take(request, late, bytes)) : take(request, content, bytes)
}

function take(request: RequestContext, content: Content | ContentFault, bytes: Buffer): Refusal | undefined {
  if (content instanceof ContentFault)
    return refuse('body.malformed', { 'read-as': content.form, fault: content.message, bytes: bytes.length })
  request.content = content
  return undefined
}
