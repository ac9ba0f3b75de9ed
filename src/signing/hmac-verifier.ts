import { timingSafeEqual } from 'node:crypto'
import type { Headers } from '../core/headers.ts'
import type { BodyRequest, HeadRequest } from '../core/request.ts'
import type { HmacDescription } from './hmac.ts'
import { MAC_BYTES, MacKey } from './mac.ts'
import { fault, type SignatureFault, type SignatureMatch, type SigningKey, triedKeys, type Verifier } from './scheme.ts'
import { SignatureList } from './signature-list.ts'
import type { Template } from './template.ts'
import { readTimestamp } from './timestamp.ts'

/** A signed id: long enough for any service; without the dot, which would let it be shifted against the timestamp. */
const ID = /^[A-Za-z0-9_:=+/@-]{1,256}$/

type PreparedKey = SigningKey & { readonly mac: MacKey }

/**
 * One route's HMAC verifier. What `#read` finds of a head stands in fields, which the next head overwrites: nothing is made
 * for a request that need not outlive it, and every call answers before the next begins.
 */
export class HmacVerifier implements Verifier {
  readonly #description: HmacDescription
  readonly #template: Template
  readonly #keys: readonly PreparedKey[]
  readonly #toleranceMs: number | undefined
  readonly #header: string
  readonly #timestampHeader: string | undefined
  readonly #idHeader: string | undefined
  /** What else of the head is signed. */
  readonly #signed: readonly { readonly header: string; readonly lower: string }[]
  readonly #list: SignatureList
  /** The MAC of this side. */
  readonly #computed: Buffer
  /** Whose head the fields below are of. Mostly the body is there with the head, so that it need not be read again. */
  #readOf: Headers | undefined
  #unread: SignatureFault | undefined
  #timestamp = ''
  #at = 0
  #id = ''

  constructor(
    description: HmacDescription,
    template: Template,
    keys: readonly SigningKey[],
    toleranceMs: number | undefined,
  ) {
    const bytes = MAC_BYTES[description.algorithm]
    this.#description = description
    this.#template = template
    this.#keys = keys.map(key => ({ ...key, mac: new MacKey(description.algorithm, key.bytes) }))
    this.#toleranceMs = toleranceMs
    this.#header = description.header.toLowerCase()
    this.#timestampHeader = description.timestamp?.header?.toLowerCase()
    this.#idHeader = description.id?.header.toLowerCase()
    this.#signed = template.headers.map(header => ({ header, lower: header.toLowerCase() }))
    this.#list = new SignatureList(description, bytes)
    this.#computed = Buffer.alloc(bytes)
  }

  foresee(request: HeadRequest, nowMs: number): SignatureFault | undefined {
    this.#unread = this.#read(request.headers)
    this.#readOf = request.headers
    return this.#unread ?? this.#outOfTime(nowMs)
  }

  verify(request: BodyRequest, nowMs: number): SignatureMatch | SignatureFault {
    const unread = this.#readOf === request.headers ? this.#unread : this.#read(request.headers)
    this.#readOf = undefined
    // Asked again, as a slow body may have taken longer than the tolerance left.
    const refused = unread ?? this.#outOfTime(nowMs)
    if (refused) return refused
    const before = this.#template.before(request, this.#timestamp, this.#id)
    const after = this.#template.after(request, this.#timestamp, this.#id)
    for (const { name, mac, expires } of this.#keys) {
      if (expires !== undefined && expires < nowMs) continue
      const nonce = mac.hex(before, request.raw, after)
      this.#computed.write(nonce, 0, 'hex')
      if (this.#isReceived())
        return {
          ok: true,
          key: name,
          nonce,
          id: this.#id === '' ? undefined : this.#id,
          timestamp: this.#description.timestamp ? this.#at : undefined,
        }
    }
    return fault('signature.mismatch', {
      header: this.#description.header,
      ...triedKeys(this.#keys, nowMs),
      ...(this.#description.timestamp ? { 'timestamp-skew-s': Math.round((nowMs - this.#at) / 1000) } : {}),
      'body-bytes': request.raw.length,
    })
  }

  #isReceived(): boolean {
    const { signatures, count } = this.#list
    for (let i = 0; i < count; i++) {
      const signature = signatures[i]
      if (signature && timingSafeEqual(this.#computed, signature)) return true
    }
    return false
  }

  /** Why the head can't be read, whatever the time. */
  #read(headers: Headers): SignatureFault | undefined {
    const { header, timestamp, id } = this.#description
    const value = only(headers, this.#header, header)
    if (typeof value !== 'string') return value
    if (this.#idHeader !== undefined && id) {
      const text = only(headers, this.#idHeader, id.header)
      if (typeof text !== 'string') return text
      if (!ID.test(text))
        return malformed(id.header, 'the id is longer than 256 characters, or holds a character that ids do not')
      this.#id = text
    }
    for (const { header: name, lower } of this.#signed) {
      const text = only(headers, lower, name)
      if (typeof text !== 'string') return text
    }
    const why = this.#list.read(value)
    if (why !== undefined) return malformed(header, why)
    if (!timestamp) return undefined
    const text =
      this.#timestampHeader === undefined
        ? this.#list.timestamp
        : only(headers, this.#timestampHeader, timestamp.header ?? '')
    if (typeof text !== 'string') return text
    if (text === '') return malformed(header, 'it holds no timestamp')
    const at = readTimestamp(text, timestamp.unit)
    if (at === undefined)
      return malformed(timestamp.header ?? header, `the timestamp is not written in unit ${timestamp.unit}`)
    this.#timestamp = text
    this.#at = at
    return undefined
  }

  #outOfTime(nowMs: number): SignatureFault | undefined {
    const { header, timestamp } = this.#description
    if (!timestamp || this.#toleranceMs === undefined) return undefined
    // Senders cut to whole seconds: so must we, or a request of exactly the tolerance's age would be refused.
    const now = timestamp.unit === 'ms' ? nowMs : Math.floor(nowMs / 1000) * 1000
    if (Math.abs(now - this.#at) <= this.#toleranceMs) return undefined
    return fault('signature.expired', {
      header: timestamp.header ?? header,
      'timestamp-skew-s': Math.round((nowMs - this.#at) / 1000),
      'tolerance-s': this.#toleranceMs / 1000,
    })
  }
}

/** The one value of a header, or why there is none. */
function only(headers: Headers, lower: string, header: string): string | SignatureFault {
  const value = headers.one(lower)
  if (value === undefined || value === '') return fault('signature.missing', { header })
  return value === null ? malformed(header, 'the header comes more than once') : value
}

function malformed(header: string, why: string): SignatureFault {
  return fault('signature.malformed', { header, why })
}
