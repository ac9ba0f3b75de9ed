import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { formatSize } from '../core/units.ts'
import type { BodyConfig } from './body-config.ts'
import type { UpstreamFailure } from './exchange.ts'
import { itemsOf, memberAt, membersOf } from './json-spans.ts'
import type { Outbound } from './normalise.ts'
import { cutText, FORM_TEXT, JSON_TEXT, type TextWriting } from './text-writing.ts'

/** Names that a refusal tells, the largest first. */
const NAMED = 8
const FORM = 'application/x-www-form-urlencoded'

/** Brings bodies to the form and size that an upstream takes. */
export class BodyShaper {
  readonly #config: BodyConfig

  constructor(config: BodyConfig) {
    this.#config = config
  }

  /** @param outbound with a JSON body, or none */
  async shape(outbound: Outbound): Promise<Outbound | UpstreamFailure> {
    const { as, compress: coding } = this.#config
    if (outbound.body === undefined) return outbound
    const body = this.#written(outbound.body)
    if ('ok' in body) return body
    const headers = as === 'form' ? withType(outbound.headers, FORM) : outbound.headers
    if (coding && body.length > coding.above) {
      const smaller = await promisify(gzip)(body)
      if (smaller.length < body.length)
        return {
          ...outbound,
          headers: [...headers, 'Content-Encoding', coding.coding],
          body: smaller,
          uncompressed: body,
        }
    }
    return { ...outbound, headers, body }
  }

  /** The body as it is sent, but for its compression. */
  #written(given: Buffer): Buffer | UpstreamFailure {
    const { as, max = Number.POSITIVE_INFINITY, truncate } = this.#config
    if (as === 'json' && given.length <= max) return given
    const json = given.toString('utf8')
    const bytes = as === 'form' ? formBytes(json) : given.length
    if (typeof bytes !== 'number') return bytes
    const writing = as === 'form' ? FORM_TEXT : JSON_TEXT
    const { text, left } =
      bytes > max && truncate ? shorten(json, bytes - max, truncate, writing) : { text: json, left: bytes - max }
    if (left > 0) return tooLarge(json, max + left, max)
    return as === 'form' ? formOf(text) : Buffer.from(text)
  }
}

/**
 * Cuts the texts of the named members, one after the other, until the body takes `excess` bytes less as it is written;
 * every other byte of the JSON stays as it is. `left` is what is still too much.
 */
function shorten(
  json: string,
  excess: number,
  { fields, marker }: NonNullable<BodyConfig['truncate']>,
  writing: TextWriting,
): { readonly text: string; readonly left: number } {
  let text = json
  let left = excess
  for (const field of fields) {
    if (left <= 0) break
    const member = memberAt(text, field.split('.'))
    if (member === undefined || text[member.start] !== '"') continue
    const written = text.slice(member.start, member.end)
    const value = String(JSON.parse(written))
    // The sender's JSON may write it in another way than ours.
    const bytes = writing === JSON_TEXT ? Buffer.byteLength(written) : writing.bytesOf(value)
    const cut = cutText(value, bytes - left, marker, writing)
    const saved = bytes - writing.bytesOf(cut)
    // A short text that its marker would make longer stays.
    if (saved <= 0) continue
    text = text.slice(0, member.start) + JSON.stringify(cut) + text.slice(member.end)
    left -= saved
  }
  return { text, left }
}

/**
 * The inverse of the rule by which forms become JSON: a member is a field of its name, an array of values the same name
 * several times; numbers keep their digits, and null has an empty value.
 */
function formFields(json: string): [name: string, value: string][] | UpstreamFailure {
  const fields: [string, string][] = []
  if (json.trimStart()[0] !== '{') return unfit('its body is no JSON object')
  for (const { name, start, end } of membersOf(json, 0)) {
    const values = json[start] === '[' ? [...itemsOf(json, start)] : [{ start, end }]
    for (const value of values) {
      const written = json.slice(value.start, value.end)
      if (written[0] === '{' || written[0] === '[')
        return unfit(`the member "${name.slice(0, 64)}" holds a value that is no text and no number`)
      fields.push([name, written[0] === '"' ? String(JSON.parse(written)) : written === 'null' ? '' : written])
    }
  }
  return fields
}

function formOf(json: string): Buffer | UpstreamFailure {
  const fields = formFields(json)
  return Array.isArray(fields) ? Buffer.from(new URLSearchParams(fields).toString()) : fields
}

/** Bytes of what `formOf` gives. */
function formBytes(json: string): number | UpstreamFailure {
  const fields = formFields(json)
  if (!Array.isArray(fields)) return fields
  // With "=" in each and "&" between.
  const signs = Math.max(0, 2 * fields.length - 1)
  return fields.reduce((sum, [name, value]) => sum + FORM_TEXT.bytesOf(name) + FORM_TEXT.bytesOf(value), signs)
}

function withType(headers: readonly string[], type: string): string[] {
  return headers.map((text, at) => (at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'content-type' ? type : text))
}

const unfit = (message: string): UpstreamFailure => ({
  ok: false,
  code: 'forward.no-form',
  message,
  unsent: true,
  detail: `The upstream takes a form, and ${message}.`,
})

function tooLarge(json: string, bytes: number, max: number): UpstreamFailure {
  const fields = [...membersOf(json, 0)]
    .map(({ name, start, end }) => ({ name: name.slice(0, 64), bytes: Buffer.byteLength(json.slice(start, end)) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, NAMED)
    .map(field => `${field.name}: ${formatSize(field.bytes)}`)
  return {
    ok: false,
    code: 'forward.too-large',
    message: `the body is ${formatSize(bytes)}`,
    unsent: true,
    evidence: { max: formatSize(max), fields },
    detail: `The body is ${formatSize(bytes)}, the upstream takes ${formatSize(max)}. ${fields.join(', ')}.`,
  }
}
