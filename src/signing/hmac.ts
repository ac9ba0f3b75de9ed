import { timingSafeEqual } from 'node:crypto'
import { Headers } from '../core/headers.ts'
import type { BodyRequest } from '../core/request.ts'
import { decodeExactly, type Encoding } from './encoding.ts'
import { MAC_BYTES, type MacAlgorithm, MacKey } from './mac.ts'
import {
  currentKeys,
  fault,
  type Scheme,
  type SignatureFault,
  type SignatureMatch,
  type SigningKey,
  triedKeys,
} from './scheme.ts'
import { Template } from './template.ts'
import { readTimestamp, type TimestampUnit, writeTimestamp } from './timestamp.ts'

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
/** Of a list, so many are tried; a longer list is a stranger's. */
const MAX_SIGNATURES = 10
/** A signed id: long enough for any service; without the dot, which would let it be shifted against the timestamp. */
const ID = /^[A-Za-z0-9_:=+/@-]{1,256}$/

const NO_HEADERS = new Headers([])

/** What the head says of a signature. */
interface Claimed {
  readonly ok: true
  readonly signatures: readonly Buffer[]
  readonly timestamp: string
  readonly at: number | undefined
  readonly id: string
}

/** @throws TemplateFault where the payload can't be compiled. */
export function hmacScheme(description: HmacDescription): Scheme {
  const engine = new HmacEngine(description)
  const { tolerance = FIVE_MINUTES } = description
  const carriers = [description.header, description.timestamp?.header, description.id?.header]
  return {
    kind: `hmac-${description.algorithm}`,
    headers: carriers.filter(header => header !== undefined),
    tolerance: engine.hasTimestamp ? tolerance : undefined,
    verifier(keys, toleranceMs) {
      const prepared = keys.map(key => ({ ...key, mac: new MacKey(description.algorithm, key.bytes) }))
      // Mostly the body is there with the head, so that what the head said need not be read again.
      let foreseen: Headers | undefined
      let known: Claimed | SignatureFault | undefined
      return {
        foresee(request, nowMs) {
          const claimed = engine.read(request.headers, nowMs, toleranceMs)
          foreseen = request.headers
          known = claimed
          return claimed.ok ? undefined : claimed
        },
        verify(request, nowMs) {
          const claimed =
            known !== undefined && foreseen === request.headers
              ? known
              : engine.read(request.headers, nowMs, toleranceMs)
          foreseen = undefined
          known = undefined
          return claimed.ok ? engine.verify(request, claimed, prepared, nowMs) : claimed
        },
      }
    },
    sign: (key, message) => engine.sign(new MacKey(description.algorithm, key), message),
  }
}

type PreparedKey = SigningKey & { readonly mac: MacKey }

class HmacEngine {
  readonly #description: HmacDescription
  readonly #template: Template
  readonly #header: string
  readonly #timestampHeader: string | undefined
  readonly #idHeader: string | undefined
  readonly #bytes: number

  constructor(description: HmacDescription) {
    this.#description = description
    this.#template = new Template(description.payload)
    this.#header = description.header.toLowerCase()
    this.#timestampHeader = description.timestamp?.header?.toLowerCase()
    this.#idHeader = description.id?.header.toLowerCase()
    this.#bytes = MAC_BYTES[description.algorithm]
  }

  get hasTimestamp(): boolean {
    return this.#description.timestamp !== undefined
  }

  /** Everything that can be said without the body. */
  read(headers: Headers, nowMs: number, toleranceMs: number | undefined): Claimed | SignatureFault {
    const description = this.#description
    const header = headers.one(this.#header)
    if (header === undefined || header === '') return fault('signature.missing', { header: description.header })
    if (header === null) return this.#malformed(description.header, 'the header comes more than once')

    let id = ''
    if (this.#idHeader !== undefined) {
      const name = description.id?.header ?? ''
      const value = headers.one(this.#idHeader)
      if (value === undefined || value === '') return fault('signature.missing', { header: name })
      if (value === null) return this.#malformed(name, 'the header comes more than once')
      if (!ID.test(value))
        return this.#malformed(name, 'the id is longer than 256 characters, or holds a character that ids do not')
      id = value
    }

    const list = description.list === undefined ? undefined : this.#readList(header)
    if (list && !list.ok) return list
    let timestamp = list?.timestamp ?? ''
    let at: number | undefined
    if (description.timestamp) {
      const name = description.timestamp.header ?? description.header
      if (this.#timestampHeader !== undefined) {
        const value = headers.one(this.#timestampHeader)
        if (value === undefined || value === '') return fault('signature.missing', { header: name })
        if (value === null) return this.#malformed(name, 'the header comes more than once')
        timestamp = value
      } else if (timestamp === '') return this.#malformed(description.header, 'it holds no timestamp')
      at = readTimestamp(timestamp, description.timestamp.unit)
      if (at === undefined)
        return this.#malformed(name, `the timestamp is not written in unit ${description.timestamp.unit}`)
      // Senders cut to whole seconds: so must we, or a request of exactly the tolerance's age would be refused.
      const now = description.timestamp.unit === 'ms' ? nowMs : Math.floor(nowMs / 1000) * 1000
      if (toleranceMs !== undefined && Math.abs(now - at) > toleranceMs)
        return fault('signature.expired', {
          header: name,
          'timestamp-skew-s': Math.round((nowMs - at) / 1000),
          'tolerance-s': toleranceMs / 1000,
        })
    }
    if (list) return { ok: true, signatures: list.signatures, timestamp, at, id }

    const { prefix = '' } = description
    if (!header.startsWith(prefix)) return this.#malformed(description.header, `it does not begin with "${prefix}"`)
    const signature = decodeExactly(header.slice(prefix.length), description.encoding, this.#bytes)
    if (signature === undefined) return this.#unreadable()
    return { ok: true, signatures: [signature], timestamp, at, id }
  }

  verify(
    request: BodyRequest,
    claimed: Claimed,
    keys: readonly PreparedKey[],
    nowMs: number,
  ): SignatureMatch | SignatureFault {
    const before = this.#template.before(request, claimed.timestamp, claimed.id)
    const after = this.#template.after(request, claimed.timestamp, claimed.id)
    if (before === undefined || after === undefined)
      return fault('signature.missing', { why: 'a header that is signed is not there once' })
    for (const key of currentKeys(keys, nowMs) as readonly PreparedKey[]) {
      const mac = key.mac.mac(before, request.raw, after)
      for (const signature of claimed.signatures) {
        if (timingSafeEqual(mac, signature))
          return {
            ok: true,
            key: key.name,
            nonce: mac.toString('hex'),
            id: claimed.id === '' ? undefined : claimed.id,
            timestamp: claimed.at,
          }
      }
    }
    return fault('signature.mismatch', {
      header: this.#description.header,
      ...triedKeys(keys, nowMs),
      ...(claimed.at === undefined ? {} : { 'timestamp-skew-s': Math.round((nowMs - claimed.at) / 1000) }),
      'body-bytes': request.raw.length,
    })
  }

  sign(
    key: MacKey,
    message: {
      readonly method: string
      readonly url: string
      readonly body: Buffer
      readonly nowMs: number
      readonly id: string
    },
  ): [string, string][] {
    const { header, encoding, prefix = '', list, timestamp } = this.#description
    const headers: [string, string][] = []
    const when = timestamp ? writeTimestamp(message.nowMs, timestamp.unit) : ''
    if (this.#description.id) headers.push([this.#description.id.header, message.id])
    if (timestamp?.header !== undefined) headers.push([timestamp.header, when])
    const url = new URL(message.url)
    const input = {
      method: message.method,
      publicUrl: message.url,
      path: url.pathname,
      query: url.search.slice(1),
      headers: NO_HEADERS,
    }
    const mac = key.mac(
      this.#template.before(input, when, message.id) ?? '',
      message.body,
      this.#template.after(input, when, message.id) ?? '',
    )
    const text = mac.toString(encoding)
    if (list === undefined) headers.push([header, `${prefix}${text}`])
    else
      headers.push([
        header,
        `${list.timestampTag === undefined ? '' : `${list.timestampTag}${when}${list.separator}`}${list.tag}${text}`,
      ])
    return headers
  }

  #readList(
    header: string,
  ): { readonly ok: true; readonly signatures: readonly Buffer[]; readonly timestamp: string } | SignatureFault {
    const { list, encoding } = this.#description
    const signatures: Buffer[] = []
    let timestamp = ''
    let tagged = 0
    const { separator = ',', tag = '', timestampTag } = list ?? {}
    for (let from = 0; from <= header.length; ) {
      const next = header.indexOf(separator, from)
      const end = next < 0 ? header.length : next
      // Some write a blank after the comma.
      while (header.charCodeAt(from) === 0x20 && from < end) from++
      if (timestampTag !== undefined && header.startsWith(timestampTag, from)) {
        if (timestamp !== '') return this.#malformed(this.#description.header, 'it holds two timestamps')
        timestamp = header.slice(from + timestampTag.length, end)
      } else if (header.startsWith(tag, from) && tagged < MAX_SIGNATURES) {
        tagged++
        const signature = decodeExactly(header.slice(from + tag.length, end), encoding, this.#bytes)
        if (signature) signatures.push(signature)
      }
      from = end + 1
    }
    if (signatures.length > 0) return { ok: true, signatures, timestamp }
    return tagged > 0
      ? this.#unreadable()
      : this.#malformed(this.#description.header, `it holds no signature that begins with "${list?.tag}"`)
  }

  #unreadable(): SignatureFault {
    const { header, algorithm, encoding } = this.#description
    return this.#malformed(header, `the signature is not ${this.#bytes} bytes (${algorithm}) in ${encoding}`)
  }

  #malformed(header: string, why: string): SignatureFault {
    return fault('signature.malformed', { header, why })
  }
}
