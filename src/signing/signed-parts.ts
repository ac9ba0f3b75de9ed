import type { Evidence } from '../core/decision.ts'
import type { Headers } from '../core/headers.ts'
import type { BodyRequest } from '../core/request.ts'
import { type FieldPlace, fieldName, fieldOf } from './body-fields.ts'
import { fault, type SignatureFault, type SignatureMatch } from './scheme.ts'
import { SignatureList } from './signature-list.ts'
import { carrierOf, type SignedForm } from './signed-form.ts'
import { type Template, TemplateGap } from './template.ts'
import { readTimestamp } from './timestamp.ts'

/** Characters of a signed id; not the dot, which would let it be shifted against the timestamp. */
const OF_ID = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9_:=+/@-]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/** Long enough for any service. By a table, which costs less than a regular expression does. */
function isId(text: string): boolean {
  if (text.length < 1 || text.length > 256) return false
  for (let at = 0; at < text.length; at++) if (OF_ID[text.charCodeAt(at)] !== 1) return false
  return true
}

/**
 * What a form finds of one request: signatures, timestamp, id, and the text around the body. It stands in fields, which
 * the next request overwrites: nothing is made for a request that need not outlive it, and every call answers before the
 * next begins.
 */
export class SignedParts {
  readonly #form: SignedForm
  readonly #template: Template
  readonly #toleranceMs: number | undefined
  /** For messages: where the signature and the timestamp stand. */
  readonly #carrier: string
  readonly #timestampCarrier: string
  readonly #header: string | undefined
  readonly #timestampHeader: string | undefined
  readonly #idHeader: string | undefined
  readonly #timestampField: FieldPlace | undefined
  readonly #idField: FieldPlace | undefined
  readonly #inBody: boolean
  /** What else of the head is signed. */
  readonly #signed: readonly { readonly header: string; readonly lower: string }[]
  readonly list: SignatureList
  /** What is signed before and behind the body, one byte a character. */
  before = ''
  after = ''
  /** Whose head the fields below are of. Mostly the body is there with the head, so that it need not be read again. */
  #readOf: Headers | undefined
  #unread: SignatureFault | undefined
  #mismatch: { readonly tried: Evidence; readonly bodyBytes: number; readonly fault: SignatureFault } | undefined
  #timestamp = ''
  #at = 0
  #id = ''

  /** @param bytes of one signature; `undefined` where they differ. */
  constructor(form: SignedForm, template: Template, toleranceMs: number | undefined, bytes: number | undefined) {
    const { timestamp, id } = form
    this.#form = form
    this.#template = template
    this.#toleranceMs = toleranceMs
    this.#carrier = carrierOf(form)
    this.#timestampField = fieldOfTimestamp(timestamp)
    this.#idField = id && !('header' in id) ? id : undefined
    this.#timestampCarrier = timestamp?.header ?? shown(this.#timestampField) ?? this.#carrier
    this.#header = form.header?.toLowerCase()
    this.#timestampHeader = timestamp?.header?.toLowerCase()
    this.#idHeader = id && 'header' in id ? id.header.toLowerCase() : undefined
    this.#inBody = [form.field, this.#timestampField, this.#idField].some(place => place !== undefined)
    this.#signed = template.headers.map(header => ({ header, lower: header.toLowerCase() }))
    this.list = new SignatureList(form, bytes)
  }

  /** What the head alone rules out. */
  foresee(headers: Headers, nowMs: number): SignatureFault | undefined {
    this.#unread = this.#readHead(headers)
    this.#readOf = headers
    if (this.#unread || (this.#inBody && this.#form.timestamp?.header === undefined)) return this.#unread
    return this.#outOfTime(nowMs)
  }

  /** Why there is nothing to verify; `undefined` where the fields are of this request. */
  read(request: BodyRequest, nowMs: number): SignatureFault | undefined {
    const unread = this.#readOf === request.headers ? this.#unread : this.#readHead(request.headers)
    this.#readOf = undefined
    const unfit = unread ?? (this.#inBody ? this.#readBody(request) : undefined)
    // Asked again, as a slow body may have taken longer than the tolerance left.
    return unfit ?? this.#outOfTime(nowMs) ?? this.#fill(request)
  }

  match(key: string, nonce: string): SignatureMatch {
    return {
      ok: true,
      key,
      nonce,
      id: this.#id === '' ? undefined : this.#id,
      timestamp: this.#form.timestamp ? this.#at : undefined,
    }
  }

  /** The same object where it says the same, so that a flood of forgeries is not told anew for each. */
  mismatch(tried: Evidence, bodyBytes: number, nowMs: number): SignatureFault {
    if (this.#form.timestamp)
      return fault('signature.mismatch', {
        ...this.#place(),
        ...tried,
        'timestamp-skew-s': Math.round((nowMs - this.#at) / 1000),
        'body-bytes': bodyBytes,
      })
    const last = this.#mismatch
    if (last?.tried === tried && last.bodyBytes === bodyBytes) return last.fault
    const said = fault('signature.mismatch', { ...this.#place(), ...tried, 'body-bytes': bodyBytes })
    this.#mismatch = { tried, bodyBytes, fault: said }
    return said
  }

  /** Why the head can't be read, whatever the time. */
  #readHead(headers: Headers): SignatureFault | undefined {
    const { header = '', timestamp, id } = this.#form
    const value = this.#header === undefined ? '' : only(headers, this.#header, header)
    if (typeof value !== 'string') return value
    if (this.#idHeader !== undefined && id && 'header' in id) {
      const text = only(headers, this.#idHeader, id.header)
      if (typeof text !== 'string') return text
      if (!isId(text)) return malformed({ header: id.header }, BAD_ID)
      this.#id = text
    }
    for (const { header: name, lower } of this.#signed) {
      const text = only(headers, lower, name)
      if (typeof text !== 'string') return text
    }
    const why = this.#header === undefined ? undefined : this.list.read(value)
    if (why !== undefined) return malformed({ header }, why)
    if (timestamp === undefined || (this.#timestampHeader === undefined && this.#inBody)) return undefined
    const text =
      this.#timestampHeader === undefined
        ? this.list.timestamp
        : only(headers, this.#timestampHeader, timestamp.header ?? '')
    return typeof text === 'string' ? this.#takeTimestamp(text) : text
  }

  /** What stands in fields of the body. */
  #readBody(request: BodyRequest): SignatureFault | undefined {
    const { field, timestamp } = this.#form
    if (field) {
      const value = fieldOf(request, field)
      if (value === undefined || value === '') return fault('signature.missing', { field: this.#carrier })
      const why = this.list.read(value)
      if (why !== undefined) return malformed({ field: this.#carrier }, why)
    }
    if (this.#idField) {
      const text = fieldOf(request, this.#idField)
      const place = { field: shown(this.#idField) ?? '' }
      if (text === undefined || text === '') return fault('signature.missing', place)
      if (!isId(text)) return malformed(place, BAD_ID)
      this.#id = text
    }
    if (timestamp === undefined || this.#timestampHeader !== undefined) return undefined
    if (this.#timestampField === undefined) return this.#takeTimestamp(this.list.timestamp)
    const text = fieldOf(request, this.#timestampField)
    return text === undefined
      ? fault('signature.missing', { field: this.#timestampCarrier })
      : this.#takeTimestamp(text)
  }

  #takeTimestamp(text: string): SignatureFault | undefined {
    const unit = this.#form.timestamp?.unit ?? 's'
    if (text === '') return malformed(this.#place(), 'it holds no timestamp')
    const at = readTimestamp(text, unit)
    if (at === undefined) return malformed(this.#timestampPlace(), `the timestamp is not written in unit ${unit}`)
    this.#timestamp = text
    this.#at = at
    return undefined
  }

  #fill(request: BodyRequest): SignatureFault | undefined {
    const before = this.#template.before(request, this.#timestamp, this.#id)
    const after = this.#template.after(request, this.#timestamp, this.#id)
    if (before instanceof TemplateGap) return fault('signature.malformed', { why: before.why })
    if (after instanceof TemplateGap) return fault('signature.malformed', { why: after.why })
    this.before = before
    this.after = after
    return undefined
  }

  #outOfTime(nowMs: number): SignatureFault | undefined {
    const { timestamp } = this.#form
    if (!timestamp || this.#toleranceMs === undefined) return undefined
    // Senders cut to whole seconds: so must we, or a request of exactly the tolerance's age would be refused.
    const now = timestamp.unit === 'ms' ? nowMs : Math.floor(nowMs / 1000) * 1000
    if (Math.abs(now - this.#at) <= this.#toleranceMs) return undefined
    return fault('signature.expired', {
      ...this.#timestampPlace(),
      'timestamp-skew-s': Math.round((nowMs - this.#at) / 1000),
      'tolerance-s': this.#toleranceMs / 1000,
    })
  }

  #place(): SignatureFault['evidence'] {
    return this.#form.header === undefined ? { field: this.#carrier } : { header: this.#carrier }
  }

  #timestampPlace(): SignatureFault['evidence'] {
    const { timestamp } = this.#form
    if (timestamp?.header !== undefined) return { header: timestamp.header }
    return this.#timestampField === undefined ? this.#place() : { field: this.#timestampCarrier }
  }
}

function fieldOfTimestamp(timestamp: SignedForm['timestamp']): FieldPlace | undefined {
  if (timestamp?.json !== undefined) return { json: timestamp.json }
  return timestamp?.form === undefined ? undefined : { form: timestamp.form }
}

/** For evidence: a member of the JSON by its path alone. */
function shown(place: FieldPlace | undefined): string | undefined {
  return place && ('json' in place ? place.json.join('.') : fieldName(place))
}

const BAD_ID = 'the id is longer than 256 characters, or holds a character that ids do not'

/** The one value of a header, or why there is none. */
function only(headers: Headers, lower: string, header: string): string | SignatureFault {
  const value = headers.one(lower)
  if (value === undefined || value === '') return fault('signature.missing', { header })
  return value === null ? malformed({ header }, 'the header comes more than once') : value
}

function malformed(place: SignatureFault['evidence'], why: string): SignatureFault {
  return fault('signature.malformed', { ...place, why })
}
