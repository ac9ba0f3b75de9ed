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

type Piece = string | ((input: TemplateInput, timestamp: string, id: string) => string | undefined)

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

/** `{timestamp}.{body}`, compiled: the text before and after the body, made from prepared pieces. */
export class Template {
  readonly #before: readonly Piece[]
  readonly #after: readonly Piece[]
  readonly usesTimestamp: boolean
  readonly usesId: boolean

  /** @throws TemplateFault */
  constructor(text: string) {
    const pieces: (Piece | { readonly body: true })[] = []
    let at = 0
    for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
      if (match.index > at) pieces.push(literal(text.slice(at, match.index)))
      pieces.push(match[1] === 'body' ? { body: true } : field(match[1] ?? ''))
      at = match.index + match[0].length
    }
    if (at < text.length) pieces.push(literal(text.slice(at)))
    const bodies = pieces.filter(piece => typeof piece === 'object').length
    if (bodies !== 1)
      throw new TemplateFault(
        `the payload must hold {body} once, not ${bodies} times: a signature without the body would sign anything`,
      )
    const split = pieces.findIndex(piece => typeof piece === 'object')
    const isPiece = (piece: Piece | { readonly body: true }): piece is Piece => typeof piece !== 'object'
    this.#before = pieces.slice(0, split).filter(isPiece)
    this.#after = pieces.slice(split + 1).filter(isPiece)
    this.usesTimestamp = text.includes('{timestamp}')
    this.usesId = text.includes('{id}')
  }

  /** `undefined` where the request lacks a header that the template names. */
  before(input: TemplateInput, timestamp: string, id: string): string | undefined {
    return fill(this.#before, input, timestamp, id)
  }

  after(input: TemplateInput, timestamp: string, id: string): string | undefined {
    return fill(this.#after, input, timestamp, id)
  }
}

function literal(text: string): string {
  if (/[{}]/.test(text)) throw new TemplateFault('the payload holds a brace without its partner')
  // Senders sign UTF-8; what is filled in is one byte a character.
  return Buffer.from(text).toString('latin1')
}

function field(name: string): Piece {
  if (name.startsWith('header:')) {
    const lower = name.slice(7).toLowerCase()
    return input => input.headers.one(lower) ?? undefined
  }
  const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  if (known === undefined)
    throw new TemplateFault(
      `the payload names {${name}}; it takes {body}, {${Object.keys(FIELDS).join('}, {')}} and {header:NAME}`,
    )
  return known
}

function fill(pieces: readonly Piece[], input: TemplateInput, timestamp: string, id: string): string | undefined {
  let text = ''
  for (const piece of pieces) {
    const filled = typeof piece === 'string' ? piece : piece(input, timestamp, id)
    if (filled === undefined) return undefined
    text += filled
  }
  return text
}
