import { Headers } from '../core/headers.ts'
import { parseMediaType } from '../core/media-type.ts'
import { type FieldPlace, fieldName } from './body-fields.ts'
import { encode } from './encoding.ts'
import type { Message, SignedHeaders } from './scheme.ts'
import type { SignatureForm } from './signature-list.ts'
import { Template, TemplateGap, type TemplateInput } from './template.ts'
import { type TimestampUnit, writeTimestamp } from './timestamp.ts'

/** What a service signs and where it writes it, as data: the same for every kind of key. */
export interface SignedForm extends SignatureForm {
  /** The header that holds the signature. */
  readonly header?: string | undefined
  /** The field of the body that holds the signature, where no header does. */
  readonly field?: FieldPlace | undefined
  /** See `Template`, e.g. `{timestamp}.{body}`. */
  readonly payload: string
  /** How the service writes the URL that it signs, where that is not as it was called. */
  readonly url?: (publicUrl: string) => string
  /** The signed timestamp: a header, a field of the body; without any it stands in the list. */
  readonly timestamp?: {
    readonly header?: string | undefined
    readonly json?: readonly string[] | undefined
    readonly form?: string | undefined
    readonly unit: TimestampUnit
  }
  /** A header, or a field of the body, whose value is signed as the event's id. */
  readonly id?: { readonly header: string } | FieldPlace
  /** Milliseconds either way; default 5 minutes where there is a timestamp. */
  readonly tolerance?: number
  /**
   * The service signs only a part of the body, and whoever captures a request can change the rest: without this word a
   * payload that does not bind the whole body is refused.
   */
  readonly partOfBody?: boolean
  /**
   * Other headers in which the service's signature may stand. `counts`: one that verifies there is enough; else they are
   * looked at where `header` is not sent.
   */
  readonly beside?: { readonly headers: readonly string[]; readonly counts: boolean }
}

/** A message that lacks what its scheme signs: the message says what. */
export class UnsignableFault extends Error {
  override readonly name = 'UnsignableFault'
}

const FIVE_MINUTES = 300_000

export const templateOf = ({ payload, partOfBody, url }: SignedForm): Template =>
  new Template(payload, { partOfBody, url })

/** As the service writes it, for messages and evidence. */
export const carrierOf = ({ header, field }: SignedForm): string => header ?? (field ? fieldName(field) : '')

export function headersOf({ header, timestamp, id }: SignedForm): string[] {
  const idHeader = id && 'header' in id ? id.header : undefined
  return [header, timestamp?.header, idHeader].filter(name => name !== undefined)
}

export function toleranceOf({ timestamp, tolerance = FIVE_MINUTES }: SignedForm): number | undefined {
  return timestamp === undefined ? undefined : tolerance
}

/** What is signed, one byte a character, and the headers that go with it: the sender's side of a form. */
export interface Signing {
  readonly before: string
  readonly after: string
  /** The body where the template holds it, else nothing. */
  readonly body: Buffer
  /** The headers that carry this signature. */
  carry(signature: Buffer): SignedHeaders
}

/** @throws UnsignableFault where the message lacks what the form signs. */
export function beginSigning(form: SignedForm, template: Template, message: Message): Signing {
  const { header, encoding, prefix = '', list, timestamp, id } = form
  const when = timestamp ? writeTimestamp(message.nowMs, timestamp.unit) : ''
  const signed: (readonly [string, string])[] = []
  if (id && 'header' in id) signed.push([id.header, message.id])
  if (timestamp?.header !== undefined) signed.push([timestamp.header, when])
  const input = inputOf(message, signed)
  const whole = template.wholeBody
  const first = list?.timestampTag === undefined ? '' : `${list.timestampTag}${when}${list.separator}`
  return {
    before: filled(template.before(input, when, message.id)),
    after: filled(template.after(input, when, message.id)),
    body: whole ? message.body : Buffer.alloc(0),
    carry(signature) {
      const text = encode(signature, encoding)
      // A signature in the body is written by the scheme's own `body`.
      if (header === undefined) return signed
      return [...signed, [header, list === undefined ? `${prefix}${text}` : `${first}${list.tag}${text}`]]
    },
  }
}

function inputOf(message: Message, signed: SignedHeaders): TemplateInput {
  const { pathname, search } = new URL(message.url)
  return {
    method: message.method,
    publicUrl: message.url,
    path: pathname,
    query: search.slice(1),
    headers: new Headers([...signed.flat(), 'Content-Type', message.contentType]),
    raw: message.body,
    mediaType: parseMediaType(message.contentType),
  }
}

function filled(text: string | TemplateGap): string {
  if (text instanceof TemplateGap) throw new UnsignableFault(text.why)
  return text
}
