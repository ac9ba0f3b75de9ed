import { timingSafeEqual } from 'node:crypto'
import { Headers } from '../core/headers.ts'
import type { BodyRequest } from '../core/request.ts'
import type { Encoding } from './encoding.ts'
import { HmacHead } from './hmac-head.ts'
import { type MacAlgorithm, MacKey } from './mac.ts'
import {
  currentKeys,
  fault,
  type Message,
  type Scheme,
  type SignatureFault,
  type SignatureMatch,
  type SignedHeaders,
  type SigningKey,
  triedKeys,
} from './scheme.ts'
import { Template } from './template.ts'
import { type TimestampUnit, writeTimestamp } from './timestamp.ts'

/** How a service signs with an HMAC, as data. */
export interface HmacDescription {
  readonly algorithm: MacAlgorithm
  readonly header: string
  readonly encoding: Encoding
  /** What stands before the signature's text, e.g. `sha256=`. */
  readonly prefix?: string
  /** Several signatures, or signature and timestamp, in the one header. */
  readonly list?: {
    readonly separator: ',' | ' '
    /** Before each signature: `v1=`, `v1,`. Entries that start otherwise are other versions, and ignored. */
    readonly tag: string
    /** Before the timestamp, where it stands in the same list: `t=`. */
    readonly timestampTag?: string
  }
  /** See `Template`, e.g. `{timestamp}.{body}`. */
  readonly payload: string
  readonly timestamp?: { readonly header?: string; readonly unit: TimestampUnit }
  /** A header whose value is signed as the event's id. */
  readonly id?: { readonly header: string }
  /** Milliseconds either way; default 5 minutes where there is a timestamp. */
  readonly tolerance?: number
}

const FIVE_MINUTES = 300_000
const NO_HEADERS = new Headers([])

/** @throws TemplateFault where the payload can't be compiled. */
export function hmacScheme(description: HmacDescription): Scheme {
  const { algorithm, header, timestamp, id, payload, tolerance = FIVE_MINUTES } = description
  const template = new Template(payload)
  const head = new HmacHead(description, template.headers)
  const carriers = [header, timestamp?.header, id?.header]
  return {
    kind: `hmac-${algorithm}`,
    headers: carriers.filter(carrier => carrier !== undefined),
    tolerance: timestamp === undefined ? undefined : tolerance,
    verifier(keys, toleranceMs) {
      const prepared = keys.map(key => ({ ...key, mac: new MacKey(algorithm, key.bytes) }))
      return {
        foresee(request, nowMs) {
          const claimed = head.read(request, nowMs, toleranceMs)
          return claimed.ok ? undefined : claimed
        },
        verify: (request, nowMs) => verify(head, template, request, prepared, nowMs, toleranceMs),
      }
    },
    sign: (key, message) => sign(description, template, new MacKey(algorithm, key), message),
  }
}

type PreparedKey = SigningKey & { readonly mac: MacKey }

function verify(
  head: HmacHead,
  template: Template,
  request: BodyRequest,
  keys: readonly PreparedKey[],
  nowMs: number,
  toleranceMs: number | undefined,
): SignatureMatch | SignatureFault {
  const claimed = head.read(request, nowMs, toleranceMs)
  if (!claimed.ok) return claimed
  const { timestamp, at, id } = claimed
  const before = template.before(request, timestamp, id)
  const after = template.after(request, timestamp, id)
  for (const key of currentKeys(keys, nowMs)) {
    const mac = key.mac.mac(before, request.raw, after)
    for (const signature of claimed.signatures) {
      if (timingSafeEqual(mac, signature))
        return { ok: true, key: key.name, mac, id: id === '' ? undefined : id, timestamp: at }
    }
  }
  return fault('signature.mismatch', {
    scheme: keys[0] === undefined ? 'hmac' : `hmac-${keys[0].mac.algorithm}`,
    ...triedKeys(keys, nowMs),
    ...(at === undefined ? {} : { 'timestamp-skew-s': Math.round((nowMs - at) / 1000) }),
    'body-bytes': request.raw.length,
  })
}

function sign(description: HmacDescription, template: Template, key: MacKey, message: Message): SignedHeaders {
  const { header, encoding, prefix = '', list, timestamp, id } = description
  const when = timestamp ? writeTimestamp(message.nowMs, timestamp.unit) : ''
  const url = new URL(message.url)
  const input = {
    method: message.method,
    publicUrl: message.url,
    path: url.pathname,
    query: url.search.slice(1),
    headers: NO_HEADERS,
  }
  const before = template.before(input, when, message.id)
  const text = key.mac(before, message.body, template.after(input, when, message.id)).toString(encoding)
  const stamped = list?.timestampTag === undefined ? '' : `${list.timestampTag}${when}${list.separator}`
  return [
    ...(id ? [[id.header, message.id] as const] : []),
    ...(timestamp?.header === undefined ? [] : [[timestamp.header, when] as const]),
    [header, list === undefined ? `${prefix}${text}` : `${stamped}${list.tag}${text}`],
  ]
}
