import type { BodyRequest } from '../../core/request.ts'
import { fieldName, fieldOf } from '../body-fields.ts'
import { type Encoding, encode } from '../encoding.ts'
import type { SignedForm } from '../signed-form.ts'

const MOST_PLACES = 64
const LONGEST_VALUE = 4096
const LONGEST_TEXT = 1400
const MOST_TOKENS = 24
/** Bytes of the hashes that MACs are made with. */
const MAC_LENGTHS: ReadonlySet<number> = new Set([16, 20, 32, 48, 64])
export const isMacLength = (bytes: number): boolean => MAC_LENGTHS.has(bytes)
/** Of Ed25519, ECDSA in either form, and RSA. */
export const isKeySignatureLength = (bytes: number): boolean =>
  bytes === 64 || (bytes >= 68 && bytes <= 72) || bytes >= 256
/** Fields whose values are never a webhook's signature. */
const OTHERS: ReadonlySet<string> = new Set(['cookie', 'host', 'user-agent', 'traceparent', 'accept', 'content-length'])

/** A text of the request that may be a signature, and how it is written. */
export interface Found {
  /** The header, `json:...` or `form:...` of the body, or `query:NAME`. */
  readonly place: string
  /** `base64-of-hex`: the digits, encoded once more. */
  readonly encoding:
    | Encoding
    | 'hex-mixed'
    | 'base64-unpadded'
    | 'base64url-padded'
    | 'base64-of-hex'
    | 'percent-escaped'
  readonly bytes: Buffer
  /** What stands before and behind it in its value. */
  readonly before: string
  readonly after: string
}

/**
 * Everything in the request that may be a signature, the place where the form expects it first.
 * @param isLength of how many bytes one may be
 */
export function signaturesIn(
  request: BodyRequest,
  form: SignedForm,
  isLength: (bytes: number) => boolean = isMacLength,
): readonly Found[] {
  return placesOf(request, form).flatMap(([place, value]) =>
    [...tokensOf(value)].flatMap(token => readings(place, value, token, isLength)),
  )
}

/** The text where the form expects the signature; `undefined` where there is none. */
export function expectedValue(request: BodyRequest, form: SignedForm): string | undefined {
  if (form.header !== undefined) return request.headers.all(form.header.toLowerCase())[0]
  return form.field ? fieldOf(request, form.field) : undefined
}

/** As `placesOf` names it. */
export const expectedPlace = (form: SignedForm): string =>
  form.header?.toLowerCase() ?? (form.field ? fieldName(form.field) : '')

function placesOf(request: BodyRequest, form: SignedForm): readonly (readonly [place: string, value: string])[] {
  const places: [string, string][] = []
  const expected = expectedPlace(form)
  const value = expectedValue(request, form)
  if (value !== undefined) places.push([expected, value])
  const { headers } = request
  for (let at = 0; at < headers.size; at++)
    if (!OTHERS.has(headers.nameAt(at))) places.push([headers.nameAt(at), headers.valueAt(at)])
  for (const [name, text] of new URLSearchParams(request.query)) places.push([`query:${name}`, text])
  return places.filter(([, text]) => text.length <= LONGEST_VALUE).slice(0, MOST_PLACES)
}

/** Where a signature may stand in a value: all of it, an entry of a list, what follows a tag. */
function* tokensOf(value: string): Generator<readonly [from: number, to: number]> {
  const seen = new Set<string>()
  const one = function* (from: number, to: number): Generator<readonly [number, number]> {
    const key = `${from}-${to}`
    if (to <= from || seen.has(key) || seen.size >= MOST_TOKENS) return
    seen.add(key)
    yield [from, to]
  }
  yield* one(0, value.length)
  for (const match of value.matchAll(/[^\s,;&"']+/g)) {
    const from = match.index
    const to = from + match[0].length
    yield* one(from, to)
    const tag = /^[A-Za-z][A-Za-z0-9_.-]{0,31}[=:]/.exec(match[0])
    if (tag) yield* one(from + tag[0].length, to)
    // v1,SIGNATURE is split above; v1=SIGNATURE: ends in the = of its padding.
  }
}

function readings(
  place: string,
  value: string,
  [from, to]: readonly [number, number],
  isLength: (bytes: number) => boolean,
): Found[] {
  const text = value.slice(from, to)
  if (text.length < 20 || text.length > LONGEST_TEXT) return []
  const around = { place, before: value.slice(0, from), after: value.slice(to) }
  const found: Found[] = []
  const add = (bytes: Buffer, encoding: Found['encoding']): void => {
    if (isLength(bytes.length)) found.push({ ...around, bytes, encoding })
  }
  if (/^[0-9a-fA-F]+$/.test(text) && text.length % 2 === 0) {
    const bytes = Buffer.from(text, 'hex')
    add(bytes, text === encode(bytes, 'hex') ? 'hex' : text === encode(bytes, 'hex-upper') ? 'hex-upper' : 'hex-mixed')
  }
  if (/%[0-9A-Fa-f]{2}/.test(text)) {
    const plain = text.replace(/%([0-9A-Fa-f]{2})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(plain)) add(Buffer.from(plain, 'base64'), 'percent-escaped')
  }
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return found
  const bytes = Buffer.from(text, 'base64')
  add(bytes, encodingOf(text, bytes))
  const inner = bytes.toString('latin1')
  if (/^[0-9a-fA-F]{32,128}$/.test(inner)) add(Buffer.from(inner, 'hex'), 'base64-of-hex')
  return found
}

function encodingOf(text: string, bytes: Buffer): Found['encoding'] {
  if (text === encode(bytes, 'base64')) return 'base64'
  if (text === encode(bytes, 'base64url')) return /[-_]/.test(text) ? 'base64url' : 'base64-unpadded'
  return 'base64url-padded'
}
