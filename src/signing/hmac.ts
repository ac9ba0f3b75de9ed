import { Headers } from '../core/headers.ts'
import { HmacVerifier } from './hmac-verifier.ts'
import { type MacAlgorithm, MacKey } from './mac.ts'
import type { Message, Scheme, SignedHeaders } from './scheme.ts'
import type { SignatureForm } from './signature-list.ts'
import { Template } from './template.ts'
import { type TimestampUnit, writeTimestamp } from './timestamp.ts'

/** How a service signs with an HMAC, as data. */
export interface HmacDescription extends SignatureForm {
  readonly algorithm: MacAlgorithm
  readonly header: string
  /** See `Template`, e.g. `{timestamp}.{body}`. */
  readonly payload: string
  /** Without a header of its own it stands in the list. */
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
  const template = new Template(description.payload)
  const { algorithm, header, timestamp, id, tolerance = FIVE_MINUTES } = description
  return {
    kind: `hmac-${algorithm}`,
    headers: [header, timestamp?.header, id?.header].filter(name => name !== undefined),
    tolerance: timestamp === undefined ? undefined : tolerance,
    verifier: (keys, toleranceMs) => new HmacVerifier(description, template, keys, toleranceMs),
    sign: (key, message) => sign(description, template, new MacKey(algorithm, key), message),
  }
}

function sign(description: HmacDescription, template: Template, key: MacKey, message: Message): SignedHeaders {
  const { header, encoding, prefix = '', list, timestamp, id } = description
  const when = timestamp ? writeTimestamp(message.nowMs, timestamp.unit) : ''
  const { pathname, search } = new URL(message.url)
  const input = {
    method: message.method,
    publicUrl: message.url,
    path: pathname,
    query: search.slice(1),
    headers: NO_HEADERS,
  }
  const before = template.before(input, when, message.id)
  const after = template.after(input, when, message.id)
  const text = key.mac(before, message.body, after).toString(encoding)
  const first = list?.timestampTag === undefined ? '' : `${list.timestampTag}${when}${list.separator}`
  return [
    ...(id ? [[id.header, message.id] as const] : []),
    ...(timestamp?.header === undefined ? [] : [[timestamp.header, when] as const]),
    [header, list === undefined ? `${prefix}${text}` : `${first}${list.tag}${text}`],
  ]
}
