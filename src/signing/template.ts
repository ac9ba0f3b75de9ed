import type { Headers } from '../core/headers.ts'

/** What a template may be filled from, besides the body. Every text is as sent, one byte a character. */
export interface TemplateInput {
  readonly method: string
  /** The whole public URL. */
  readonly publicUrl: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
}

type Piece = string | ((input: TemplateInput, timestamp: string, id: string) => string)

/** A payload template that can't be compiled. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault'
}

const FIELDS: Readonly<Record<string, Piece>> = {
  timestamp: (_input, timestamp) => timestamp,
  id: (_input, _timestamp, id) => id,
  method: input => input.method,
  url: input => input.publicUrl,
  path: input => input.path,
  query: input => input.query,
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** `{timestamp}.{body}`, compiled: the text before and after the body, made from prepared pieces. */
export class Template {
  readonly #before: readonly Piece[]
  readonly #after: readonly Piece[]
  /** The headers that it names, as written: each must come once, or there is nothing to sign. */
  readonly headers: readonly string[]

  /** @throws TemplateFault */
  constructor(text: string) {
    // Even: text; odd: the name between a pair of braces.
    const parts = text.split(/\{([^{}]*)\}/)
    const names = parts.filter((_part, at) => at % 2 === 1)
    const bodies = names.filter(name => name === 'body').length
    const pieces = parts.map((part, at) => (at % 2 === 0 ? literal(part) : field(part)))
    if (bodies === 0)
      throw new TemplateFault('{body} is missing, and a signature without it would sign anything: add {body}')
    if (bodies > 1) throw new TemplateFault(`{body} stands there ${bodies} times: leave one`)
    const split = parts.findIndex((part, at) => at % 2 === 1 && part === 'body')
    this.#before = pieces.slice(0, split).filter(piece => piece !== '')
    this.#after = pieces.slice(split + 1).filter(piece => piece !== '')
    this.headers = names.filter(name => name.startsWith('header:')).map(name => name.slice('header:'.length))
  }

  /** What is signed before the body, one byte a character. */
  before(input: TemplateInput, timestamp: string, id: string): string {
    return fill(this.#before, input, timestamp, id)
  }

  /** What is signed behind the body, one byte a character. */
  after(input: TemplateInput, timestamp: string, id: string): string {
    return fill(this.#after, input, timestamp, id)
  }
}

function literal(text: string): string {
  if (/[{}]/.test(text)) throw new TemplateFault('a brace has no partner: write {name}, without braces inside')
  // Signers write UTF-8; here every character stands for one byte.
  return Buffer.from(text).toString('latin1')
}

function field(name: string): Piece {
  if (name === 'body') return ''
  if (name.startsWith('header:')) {
    const header = name.slice('header:'.length)
    if (!TOKEN.test(header)) throw new TemplateFault(`{${name}} names no header: write e.g. {header:X-Request-Id}`)
    const lower = header.toLowerCase()
    return input => input.headers.one(lower) ?? ''
  }
  const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  if (known === undefined)
    throw new TemplateFault(
      `{${name}} is not known: use {body}, {${Object.keys(FIELDS).join('}, {')}} or {header:NAME}`,
    )
  return known
}

function fill(pieces: readonly Piece[], input: TemplateInput, timestamp: string, id: string): string {
  let text = ''
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(input, timestamp, id)
  return text
}
