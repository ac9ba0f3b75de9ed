import { isUtf8 } from 'node:buffer'
import type { Headers } from '../core/headers.ts'
import { bodyDigest } from './body-digest.ts'
import { fieldName, fieldOf, formOf, latin1, sortedForm, type TypedBody } from './body-fields.ts'

/** What a template may be filled from. Every text is as sent, one byte a character. */
export interface TemplateInput extends TypedBody {
  readonly method: string
  /** The whole public URL. */
  readonly publicUrl: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
}

/** Why a request can't fill a template: a field of the body is not there. */
export class TemplateGap {
  /** A sentence for the operator. */
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

type Fill = (input: TemplateInput, timestamp: string, id: string) => string | TemplateGap
type Piece = string | Fill

/** A payload template that can't be compiled. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
}

const FIELDS: Readonly<Record<string, Fill>> = {
  timestamp: (_input, timestamp) => timestamp,
  id: (_input, _timestamp, id) => id,
  method: input => input.method,
  url: input => input.publicUrl,
  path: input => input.path,
  query: input => input.query,
}

const KNOWN = `{body}, {${Object.keys(FIELDS).join('}, {')}}, {header:NAME}, {json:MEMBER}, {form:FIELD}, {form:sorted} or {sha256:body}`

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

export interface TemplateOptions {
  /** The service signs a part of the body only, or a digest that is no proof: a template without the body is taken. */
  readonly partOfBody?: boolean | undefined
  /** How the service writes the URL that it signs. */
  readonly url?: ((publicUrl: string) => string) | undefined
}

/** `{timestamp}.{body}`, compiled: the text before and after the body, made from prepared pieces. */
export class Template {
  readonly #before: readonly Piece[]
  readonly #after: readonly Piece[]
  /** Whether the body itself stands there; if not, `before` is all that is signed. */
  readonly wholeBody: boolean
  /** The headers that it names, as written: each must come once, or there is nothing to sign. */
  readonly headers: readonly string[]

  /** @throws TemplateFault */
  constructor(text: string, { partOfBody = false, url }: TemplateOptions = {}) {
    // Even: text; odd: the name between a pair of braces.
    const parts = text.split(/\{([^{}]*)\}/)
    const names = parts.filter((_part, at) => at % 2 === 1)
    const bodies = names.filter(name => name === 'body').length
    const pieces = parts.map((part, at) => (at % 2 === 0 ? literal(part) : field(part, url)))
    if (bodies > 1) throw new TemplateFault(`{body} stands there ${bodies} times: leave one`)
    if (bodies === 0 && !partOfBody && !names.some(binds))
      throw new TemplateFault('{body} is missing, and a signature without it would sign anything: add {body}')
    const split = parts.findIndex((part, at) => at % 2 === 1 && part === 'body')
    this.wholeBody = bodies === 1
    this.#before = pieces.slice(0, split < 0 ? pieces.length : split).filter(piece => piece !== '')
    this.#after = split < 0 ? [] : pieces.slice(split + 1).filter(piece => piece !== '')
    this.headers = names.filter(name => name.startsWith('header:')).map(name => name.slice('header:'.length))
  }

  /** What is signed before the body, one byte a character. */
  before(input: TemplateInput, timestamp: string, id: string): string | TemplateGap {
    return fill(this.#before, input, timestamp, id)
  }

  /** What is signed behind the body, one byte a character. */
  after(input: TemplateInput, timestamp: string, id: string): string | TemplateGap {
    return fill(this.#after, input, timestamp, id)
  }
}

/** Whether nobody can change the body without changing what this part of a template gives. */
function binds(name: string): boolean {
  return name === 'form:sorted' || bodyDigest(name)?.binds === true
}

function literal(text: string): string {
  if (/[{}]/.test(text)) throw new TemplateFault('a brace has no partner: write {name}, without braces inside')
  // Signers write UTF-8; here every character stands for one byte.
  return latin1(text)
}

function field(name: string, url: TemplateOptions['url']): Piece {
  if (name === 'body') return ''
  if (name === 'url' && url) return input => url(input.publicUrl)
  const [kind = '', ...rest] = name.split(':')
  const of = rest.join(':')
  if (kind === 'header' && rest.length > 0) return header(name, of)
  if (kind === 'json' && rest.length > 0) return json(name, of)
  if (kind === 'form' && rest.length > 0) return form(name, of)
  if (name === 'low-bytes:body') return lowBytes
  const digest = bodyDigest(name)
  if (digest) return input => digest.digest(input.raw)
  const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  if (known === undefined) throw new TemplateFault(`{${name}} is not known: use ${KNOWN}`)
  return known
}

/**
 * The low byte of each UTF-16 code unit of the body's text, which is what older JavaScript hashed of a string. Beyond
 * U+00FF many characters have one low byte, so it binds no body.
 */
const lowBytes: Fill = ({ raw }) =>
  isUtf8(raw) ? Buffer.from(raw.toString('utf8'), 'latin1').toString('latin1') : new TemplateGap('the body is no UTF-8')

function header(name: string, of: string): Piece {
  if (!TOKEN.test(of)) throw new TemplateFault(`{${name}} names no header: write e.g. {header:X-Request-Id}`)
  const lower = of.toLowerCase()
  return input => input.headers.one(lower) ?? ''
}

function json(name: string, of: string): Piece {
  if (!/^[^.]+(\.[^.]+)*$/.test(of))
    throw new TemplateFault(`{${name}} names no member of the JSON body: write e.g. {json:data.id}`)
  return fieldPiece({ json: of.split('.') })
}

function form(name: string, of: string): Piece {
  if (of === '')
    throw new TemplateFault(`{${name}} names no field of the form: write e.g. {form:token} or {form:sorted}`)
  if (of !== 'sorted') return fieldPiece({ form: of })
  return input => {
    const fields = formOf(input)
    return typeof fields === 'string' ? new TemplateGap(fields) : sortedForm(fields)
  }
}

function fieldPiece(place: Parameters<typeof fieldOf>[1]): Fill {
  const gap = new TemplateGap(`the body has no one ${fieldName(place)}`)
  return input => {
    const text = fieldOf(input, place)
    return text === undefined ? gap : latin1(text)
  }
}

function fill(pieces: readonly Piece[], input: TemplateInput, timestamp: string, id: string): string | TemplateGap {
  let text = ''
  for (const piece of pieces) {
    const part = typeof piece === 'string' ? piece : piece(input, timestamp, id)
    if (typeof part !== 'string') return part
    text += part
  }
  return text
}
