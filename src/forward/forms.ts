import type { MediaType } from '../core/media-type.ts'
import { readUrlencoded } from '../core/urlencoded.ts'
import { faultOfParts } from './part-heads.ts'

/**
 * The documented rule by which a form becomes a JSON object: a field is a member of that exact name (brackets and dots
 * mean nothing), in the order of its first appearance; its value is a string, or an array of strings where the name
 * comes more than once. A file field is an object: `filename`, `type`, `base64`.
 */
export type FieldValue = string | { readonly filename: string; readonly type: string; readonly base64: string }

export const MAX_FIELDS = 1000

/** A form that can't be read, as a sentence for the operator. */
export class FormFault {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

/** Builds the JSON text member by member: no object ever has a sender's name as its key. */
function toJson(fields: Iterable<readonly [name: string, value: FieldValue]>): string | FormFault {
  const members = new Map<string, FieldValue[]>()
  let count = 0
  for (const [name, value] of fields) {
    if (++count > MAX_FIELDS) return new FormFault(`the form has more than ${MAX_FIELDS} fields`)
    const values = members.get(name)
    if (values) values.push(value)
    else members.set(name, [value])
  }
  const parts: string[] = []
  for (const [name, values] of members)
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`)
  return `{${parts.join(',')}}`
}

/** application/x-www-form-urlencoded, as `readUrlencoded` reads it. */
export function urlencodedToJson(body: Buffer): string | FormFault {
  const fields = readUrlencoded(body, MAX_FIELDS)
  return typeof fields === 'string' ? new FormFault(fields) : toJson(fields)
}

/** multipart/form-data (RFC 7578), read by the platform's own parser, once it is known to be readable in one way alone. */
export async function multipartToJson(body: Buffer, type: MediaType, contentType: string): Promise<string | FormFault> {
  if (type.boundary === undefined) return new FormFault('the multipart Content-Type names no boundary')
  const fault = faultOfParts(body, type.boundary)
  if (fault !== undefined) return new FormFault(fault)
  let form: FormData
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData()
  } catch {
    return new FormFault('the multipart body can not be read: a boundary, a header or the end is missing')
  }
  const fields: [string, FieldValue][] = []
  for (const [name, value] of form) {
    if (fields.length > MAX_FIELDS) break
    if (typeof value === 'string') fields.push([name, value])
    else {
      const base64 = Buffer.from(await value.arrayBuffer()).toString('base64')
      fields.push([name, { filename: value.name, type: value.type, base64 }])
    }
  }
  return toJson(fields)
}
