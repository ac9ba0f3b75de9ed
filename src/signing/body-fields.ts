import { checkJson } from '../core/json.ts'
import { jsonScalar } from '../core/json-scalar.ts'
import type { MediaType } from '../core/media-type.ts'
import { type FormField, readUrlencoded } from '../core/urlencoded.ts'

export const FORM = 'application/x-www-form-urlencoded'
const MAX_FIELDS = 1000

/** A body, and what its sender says that it is. */
export interface TypedBody {
  readonly raw: Buffer
  readonly mediaType: MediaType | undefined
}

/** A field of the body: a member of the JSON, or a field of the form. */
export type FieldPlace = { readonly json: readonly string[] } | { readonly form: string }

/** As templates and the config write it. */
export function fieldName(place: FieldPlace): string {
  return 'json' in place ? `json:${place.json.join('.')}` : `form:${place.form}`
}

interface Read {
  json: boolean | undefined
  form: readonly FormField[] | string | undefined
}

// A scheme may name several fields of one body, which is checked and read once.
const read = new WeakMap<Buffer, Read>()

function readOf(raw: Buffer): Read {
  const known = read.get(raw)
  if (known) return known
  const made: Read = { json: undefined, form: undefined }
  read.set(raw, made)
  return made
}

/**
 * The text of the one field at `place`; `undefined` where there is none, or where readers could disagree about it: JSON
 * that is not strict, a body that is not announced as a form, a form's field that comes twice.
 */
export function fieldOf(body: TypedBody, place: FieldPlace): string | undefined {
  if ('json' in place) {
    const known = readOf(body.raw)
    known.json ??= checkJson(body.raw) === undefined
    return known.json ? jsonScalar(body.raw, place.json) : undefined
  }
  const fields = formOf(body)
  if (typeof fields === 'string') return undefined
  const [one, another] = fields.filter(([name]) => name === place.form)
  return another === undefined ? one?.[1] : undefined
}

/** The form's fields in their order; a text says why there are none. */
export function formOf({ raw, mediaType }: TypedBody): readonly FormField[] | string {
  // Else a captured form could come again as text that only reads like its fields.
  if (mediaType?.essence !== FORM) return `the body is not announced as ${FORM}`
  const known = readOf(raw)
  known.form ??= readUrlencoded(raw, MAX_FIELDS)
  return known.form
}

/**
 * Name and value of every field with nothing between them, sorted by name in the order of their bytes; of one name, as
 * sent. One byte a character.
 */
export function sortedForm(fields: readonly FormField[]): string {
  return fields
    .map(([name, value]): FormField => [latin1(name), latin1(value)])
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => name + value)
    .join('')
}

/** A text as its UTF-8 bytes, one byte a character. */
export function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
