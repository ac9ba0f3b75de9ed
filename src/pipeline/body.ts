import { bodyLimit } from '../checks/body-limit.ts'
import { formatSize } from '../core/units.ts'
import { ContentFault, toContent } from '../forward/content.ts'
import { decode } from '../forward/decode.ts'
import type { RequestContext } from './context.ts'
import type { Route } from './route.ts'
import { type Refusal, refuse } from './walk.ts'

/** Why a body could not be read to its end. */
export type BodyFault = 'too-large' | 'incomplete' | 'timeout' | 'malformed'

/** The connection's side of reading a body; the gateway has it. */
export interface BodySource {
  /** Reads the body once, to its end, at most `cap` bytes. Says 100 Continue first where the sender waits for it. */
  read(cap: number): Promise<Buffer | BodyFault>
}

/** The exact bytes, or why not. */
export async function readBody(source: BodySource, route: Route): Promise<Buffer | Refusal> {
  const read = await source.read(route.limits.body)
  if (typeof read !== 'string') return read
  if (read === 'too-large') return tooLarge(route.limits.body, 'the body as sent')
  if (read === 'timeout') return refuse('request.timeout', { while: 'reading the body' })
  return refuse('request.malformed', {
    rule: read === 'incomplete' ? 'the body ended before its announced length' : 'the chunked body is malformed',
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

/** Decompresses and understands what the body checks have passed. */
export async function readContent(request: RequestContext, route: Route): Promise<Refusal | undefined> {
  let bytes = request.raw
  if (request.coding !== '' && request.coding !== 'identity') {
    const decoded = await decode(bytes, request.coding, route.limits.decoded)
    if (!Buffer.isBuffer(decoded)) {
      return decoded.fault === 'too-large'
        ? tooLarge(route.limits.decoded, 'the body decompressed')
        : refuse('body.coding', { coding: request.coding, fault: decoded.fault, detail: decoded.detail })
    }
    bytes = decoded
  }
  const content = toContent(bytes, request.mediaType, request.contentType, request.alreadyPeeked())
  const understood = content instanceof Promise ? await content : content
  if (understood instanceof ContentFault)
    return refuse('body.malformed', { 'read-as': understood.form, fault: understood.message, bytes: bytes.length })
  request.content = understood
  return undefined
}
