import type { HeadRequest } from '../core/request.ts'
import { decodeExactly } from './encoding.ts'
import type { HmacDescription } from './hmac.ts'
import { MAC_BYTES } from './mac.ts'
import { fault, type SignatureFault } from './scheme.ts'
import { readTimestamp } from './timestamp.ts'

/** Of a list, so many are tried; a longer list is a stranger's. */
const MAX_SIGNATURES = 10
const MAX_ENTRIES = 20
/** A signed id: long enough for any service; without the dot, which would let it be shifted against the timestamp. */
const ID = /^[A-Za-z0-9_:=+/@-]{1,256}$/

/** What the head says of a signature. */
export interface Claimed {
  readonly ok: true
  readonly signatures: readonly Buffer[]
  /** As sent; empty where the scheme has none. */
  readonly timestamp: string
  /** Epoch milliseconds. */
  readonly at: number | undefined
  /** Empty where the scheme has none. */
  readonly id: string
}

interface Field {
  readonly name: string
  readonly lower: string
}

const fieldOf = (name: string): Field => ({ name, lower: name.toLowerCase() })

/** Everything that can be said of a signed request without its body. */
export class HmacHead {
  readonly #description: HmacDescription
  readonly #signature: Field
  readonly #timestamp: Field | undefined
  readonly #id: Field | undefined
  readonly #signed: readonly Field[]
  readonly #bytes: number

  /** @param signed further headers that the payload names */
  constructor(description: HmacDescription, signed: readonly string[]) {
    this.#description = description
    this.#signature = fieldOf(description.header)
    this.#timestamp = description.timestamp?.header === undefined ? undefined : fieldOf(description.timestamp.header)
    this.#id = description.id && fieldOf(description.id.header)
    this.#signed = signed.map(fieldOf)
    this.#bytes = MAC_BYTES[description.algorithm]
  }

  read(request: HeadRequest, nowMs: number, toleranceMs: number | undefined): Claimed | SignatureFault {
    const { list, timestamp: stamp } = this.#description
    const header = one(request, this.#signature)
    if (typeof header !== 'string') return header
    let id = ''
    if (this.#id !== undefined) {
      const value = one(request, this.#id)
      if (typeof value !== 'string') return value
      if (!ID.test(value))
        return malformed(this.#id, 'the id is longer than 256 characters, or holds a character that ids do not')
      id = value
    }
    for (const field of this.#signed) {
      const value = one(request, field)
      if (typeof value !== 'string') return value
    }

    const found = list === undefined ? this.#readOne(header) : this.#readList(header, list)
    if (!found.ok) return found
    if (stamp === undefined) return { ok: true, signatures: found.signatures, timestamp: '', at: undefined, id }
    const timestamp = this.#timestamp === undefined ? found.timestamp : one(request, this.#timestamp)
    if (typeof timestamp === 'object') return timestamp
    const carrier = this.#timestamp ?? this.#signature
    if (timestamp === undefined) return malformed(carrier, 'it holds no timestamp')
    const at = readTimestamp(timestamp, stamp.unit)
    if (at === undefined) return malformed(carrier, `the timestamp is not written in unit ${stamp.unit}`)
    // Senders cut to whole seconds: so must we, or a request of exactly the tolerance's age would be refused.
    const now = stamp.unit === 'ms' ? nowMs : Math.floor(nowMs / 1000) * 1000
    if (toleranceMs !== undefined && Math.abs(now - at) > toleranceMs)
      return fault('signature.expired', {
        'timestamp-skew-s': Math.round((nowMs - at) / 1000),
        'tolerance-s': toleranceMs / 1000,
      })
    return { ok: true, signatures: found.signatures, timestamp, at, id }
  }

  #readOne(header: string): Found | SignatureFault {
    const { prefix = '', encoding } = this.#description
    if (!header.startsWith(prefix)) return malformed(this.#signature, `it does not begin with "${prefix}"`)
    const signature = decodeExactly(header.slice(prefix.length), encoding, this.#bytes)
    return signature === undefined ? this.#unreadable() : { ok: true, signatures: [signature], timestamp: undefined }
  }

  #readList(header: string, { separator, tag, timestampTag }: List): Found | SignatureFault {
    const signatures: Buffer[] = []
    let timestamp: string | undefined
    let tagged = 0
    for (let from = 0, entries = 0; from <= header.length && entries < MAX_ENTRIES; entries++) {
      const end = header.indexOf(separator, from)
      const entry = (end < 0 ? header.slice(from) : header.slice(from, end)).trim()
      from = end < 0 ? header.length + 1 : end + 1
      if (timestampTag !== undefined && entry.startsWith(timestampTag)) {
        if (timestamp !== undefined) return malformed(this.#signature, 'it holds two timestamps')
        timestamp = entry.slice(timestampTag.length)
      } else if (entry.startsWith(tag) && tagged < MAX_SIGNATURES) {
        tagged++
        const signature = decodeExactly(entry.slice(tag.length), this.#description.encoding, this.#bytes)
        if (signature) signatures.push(signature)
      }
    }
    if (signatures.length > 0) return { ok: true, signatures, timestamp }
    return tagged > 0
      ? this.#unreadable()
      : malformed(this.#signature, `it holds no signature that begins with "${tag}"`)
  }

  #unreadable(): SignatureFault {
    const { algorithm, encoding } = this.#description
    return malformed(this.#signature, `the signature is not ${this.#bytes} bytes (${algorithm}) in ${encoding}`)
  }
}

type List = NonNullable<HmacDescription['list']>

interface Found {
  readonly ok: true
  readonly signatures: readonly Buffer[]
  readonly timestamp: string | undefined
}

/** The one value of a header that the scheme needs. */
function one(request: HeadRequest, { name, lower }: Field): string | SignatureFault {
  const value = request.headers.one(lower)
  if (value === undefined || value === '') return fault('signature.missing', { header: name })
  return value ?? fault('signature.malformed', { header: name, why: 'the header comes more than once' })
}

function malformed({ name }: Field, why: string): SignatureFault {
  return fault('signature.malformed', { header: name, why })
}
