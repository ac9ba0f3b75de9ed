/** One element of a DER encoding (X.690): a view of the bytes, not a copy. */
export interface Element {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number
  /** The element whole, header included. */
  readonly raw: Buffer
  /** Its contents. */
  readonly value: Buffer
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** The bytes are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** The element that starts at `offset`. @throws DerError where it does not fit or has a form that DER forbids. */
export function elementAt(bytes: Buffer, offset: number): Element {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) throw new DerError('the encoding ends early')
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag number above 30')
  let start = offset + 2
  let length = first
  if (first > 0x7f) {
    const octets = first & 0x7f
    if (octets === 0 || octets > 4) throw new DerError('a length that DER forbids')
    if (start + octets > bytes.length) throw new DerError('the encoding ends early')
    length = bytes.readUIntBE(start, octets)
    if (length < 0x80 || (octets > 1 && bytes[start] === 0)) throw new DerError('a length that DER forbids')
    start += octets
  }
  if (start + length > bytes.length) throw new DerError('the encoding ends early')
  return { tag, raw: bytes.subarray(offset, start + length), value: bytes.subarray(start, start + length) }
}

/** The one element that `bytes` are; nothing may follow it. @throws DerError */
export function readElement(bytes: Buffer, tag?: number): Element {
  const element = elementAt(bytes, 0)
  if (element.raw.length !== bytes.length) throw new DerError('bytes follow the encoding')
  return expectTag(element, tag)
}

/** The elements inside a constructed one. @throws DerError */
export function childrenOf(element: Element): Element[] {
  if ((element.tag & 0x20) === 0) throw new DerError('a constructed element was expected')
  const children: Element[] = []
  for (let offset = 0; offset < element.value.length; ) {
    const child = elementAt(element.value, offset)
    children.push(child)
    offset += child.raw.length
  }
  return children
}

/** The element, which must be there and have this tag. @throws DerError */
export function expectTag(element: Element | undefined, tag: number | undefined): Element {
  if (element === undefined) throw new DerError('an element is missing')
  if (tag !== undefined && element.tag !== tag) throw new DerError(`tag ${element.tag} where ${tag} was expected`)
  return element
}

/** Dotted form of an object identifier. @throws DerError */
export function readOid(element: Element | undefined): string {
  const { value } = expectTag(element, TAG.oid)
  const arcs: number[] = []
  let arc = 0
  let open = false
  for (const octet of value) {
    arc = arc * 128 + (octet & 0x7f)
    open = octet > 0x7f
    if (!Number.isSafeInteger(arc)) throw new DerError('an object identifier out of range')
    if (open) continue
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - Math.min(Math.floor(arc / 40), 2) * 40)
    else arcs.push(arc)
    arc = 0
  }
  if (open || arcs.length === 0) throw new DerError('an object identifier that ends early')
  return arcs.join('.')
}

/** A positive integer as hex without leading zeros; a negative one with a minus sign before its two's complement. */
export function readIntegerHex(element: Element | undefined): string {
  const { value } = expectTag(element, TAG.integer)
  const first = value[0]
  if (first === undefined) throw new DerError('an empty integer')
  const hex = value.toString('hex').replace(/^(00)+(?=..)/, '')
  return first > 0x7f ? `-${hex}` : hex
}

/** @throws DerError */
export function readBoolean(element: Element | undefined): boolean {
  const { value } = expectTag(element, TAG.boolean)
  if (value.length !== 1) throw new DerError('a boolean of another length than one')
  return value[0] !== 0
}

/** Epoch milliseconds of a UTCTime or GeneralizedTime in the form that RFC 5280 section 4.1.2.5 demands. @throws DerError */
export function readTime(element: Element | undefined): number {
  const { tag, value } = expectTag(element, undefined)
  const text = value.toString('latin1')
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw new DerError('a time was expected')
  const short = tag === TAG.utcTime
  if (!(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) throw new DerError('a time that RFC 5280 forbids')
  const full = short ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const part = (from: number, to: number) => full.slice(from, to)
  const iso = `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}T${part(8, 10)}:${part(10, 12)}:${part(12, 14)}Z`
  const at = Date.parse(iso)
  if (Number.isNaN(at)) throw new DerError('no such time')
  return at
}

/** A bit string's octets; unused bits stay as they are. @throws DerError */
export function readBits(element: Element | undefined): Buffer {
  const { value } = expectTag(element, TAG.bitString)
  if (value.length === 0 || (value[0] ?? 0) > 7) throw new DerError('a bit string that DER forbids')
  return value.subarray(1)
}
