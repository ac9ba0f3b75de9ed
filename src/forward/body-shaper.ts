import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { formatSize } from '../core/units.ts'
import type { BodyConfig } from './body-config.ts'
import type { UpstreamFailure } from './exchange.ts'
import { itemsOf, memberAt, membersOf } from './json-spans.ts'
import type { Outbound } from './normalise.ts'

/** Names that a refusal tells, the largest first. */
const NAMED = 8

/** Brings bodies to the form and size that an upstream takes. */
export class BodyShaper {
  readonly #config: BodyConfig

  constructor(config: BodyConfig) {
    this.#config = config
  }

  /** @param outbound with a JSON body, or none */
  async shape(outbound: Outbound): Promise<Outbound | UpstreamFailure> {
    const { as, compress: coding, max = Number.POSITIVE_INFINITY, truncate } = this.#config
    if (outbound.body === undefined) return outbound
    let { body, headers } = outbound
    if (body.length > max && truncate) body = Buffer.from(shorten(body.toString('utf8'), max, truncate))
    if (as === 'form') {
      const form = toForm(body.toString('utf8'))
      if (typeof form !== 'string') return form
      body = Buffer.from(form)
      headers = withType(headers, 'application/x-www-form-urlencoded')
    }
    if (body.length > max) return tooLarge(outbound.body.toString('utf8'), body.length, max)
    if (coding && body.length > coding.above) {
      const smaller = await promisify(gzip)(body)
      if (smaller.length < body.length) {
        body = smaller
        headers = [...headers, 'Content-Encoding', coding.coding]
      }
    }
    return { ...outbound, headers, body }
  }
}

/** Cuts the texts of the named members, one after the other, until it fits; every other byte stays as it is. */
function shorten(json: string, max: number, { fields, marker }: { fields: readonly string[]; marker: string }): string {
  let text = json
  for (const field of fields) {
    const over = Buffer.byteLength(text) - max
    if (over <= 0) break
    const member = memberAt(text, field.split('.'))
    if (member === undefined || text[member.start] !== '"') continue
    const written = text.slice(member.start, member.end)
    const cut = cutText(String(JSON.parse(written)), Buffer.byteLength(written) - over, marker)
    // A short text that its marker would make longer stays.
    if (cut.length < written.length) text = text.slice(0, member.start) + cut + text.slice(member.end)
  }
  return text
}

/** As JSON: the longest beginning that with the marker takes at most so many bytes; the marker alone where none does. */
function cutText(value: string, bytes: number, marker: string): string {
  const characters = [...value]
  const written = (count: number): string => JSON.stringify(characters.slice(0, count).join('') + marker)
  let low = 0
  let high = characters.length
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (Buffer.byteLength(written(middle)) <= bytes) low = middle
    else high = middle - 1
  }
  return written(low)
}

/**
 * The inverse of the rule by which forms become JSON: a member is a field of its name, an array of values the same name
 * several times; numbers keep their digits, and null has an empty value.
 */
function toForm(json: string): string | UpstreamFailure {
  const form = new URLSearchParams()
  if (json.trimStart()[0] !== '{') return unfit('its body is no JSON object')
  for (const { name, start, end } of membersOf(json, 0)) {
    const values = json[start] === '[' ? [...itemsOf(json, start)] : [{ start, end }]
    for (const value of values) {
      const written = json.slice(value.start, value.end)
      if (written[0] === '{' || written[0] === '[')
        return unfit(`the member "${name.slice(0, 64)}" holds a value that is no text and no number`)
      form.append(name, written[0] === '"' ? String(JSON.parse(written)) : written === 'null' ? '' : written)
    }
  }
  return form.toString()
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
