import { isUtf8 } from 'node:buffer'
import { checkJson } from '../core/json.ts'
import { isJson, type MediaType } from '../core/media-type.ts'
import type { Content } from '../core/request.ts'
import { FormFault, multipartToJson, urlencodedToJson } from './forms.ts'

/** A body that can't be understood, as a sentence for the operator. */
export class ContentFault {
  readonly message: string
  /** `json`, `form` or `text`. */
  readonly form: string
  constructor(message: string, form: string) {
    this.message = message
    this.form = form
  }
}

class JsonContent implements Content {
  readonly bytes: Buffer
  #value: unknown
  #parsed = false

  constructor(bytes: Buffer, parsed?: { readonly value: unknown }) {
    this.bytes = bytes
    if (parsed) {
      this.#value = parsed.value
      this.#parsed = true
    }
  }

  value(): unknown {
    if (!this.#parsed) {
      this.#value = this.bytes.length === 0 ? undefined : JSON.parse(this.bytes.toString('utf8'))
      this.#parsed = true
    }
    return this.#value
  }
}

const EMPTY = Buffer.alloc(0)

/**
 * What the upstream will get of a decoded body. JSON stays the bytes it is, once they are known to be unambiguous; forms
 * follow the rule of `forms.ts`; any other text becomes one JSON string.
 *
 * @param peeked the value, where it was parsed (and so checked) before.
 */
export function toContent(
  body: Buffer,
  type: MediaType | undefined,
  contentType: string,
  peeked?: { readonly value: unknown },
): Content | ContentFault | Promise<Content | ContentFault> {
  if (type === undefined) {
    if (body.length === 0) return new JsonContent(EMPTY)
  } else if (isJson(type)) {
    if (peeked) return new JsonContent(body, peeked)
    const fault = checkJson(body)
    return fault ? new ContentFault(fault.message, 'json') : new JsonContent(body)
  } else if (type.essence === 'application/x-www-form-urlencoded') {
    return ofForm(urlencodedToJson(body))
  } else if (type.essence === 'multipart/form-data') {
    return multipartToJson(body, type, contentType).then(ofForm)
  }
  if (!isUtf8(body)) return new ContentFault('the body is neither JSON nor a form, and not UTF-8 text', 'text')
  return new JsonContent(Buffer.from(JSON.stringify(body.toString('utf8'))))
}

function ofForm(json: string | FormFault): Content | ContentFault {
  return json instanceof FormFault ? new ContentFault(json.message, 'form') : new JsonContent(Buffer.from(json))
}
