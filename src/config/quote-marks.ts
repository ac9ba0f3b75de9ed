import { describeCharacter } from './characters.ts'
import type { Spot } from './syntax.ts'

/** YAML's lexer writes it before every scalar that stands in no quotes. */
const UNQUOTED = '\u001f'
const MARKERS: ReadonlySet<string> = new Set(['\u0002', '\u0018', UNQUOTED])
/** How the message begins of quotes that word processors, wikis and chats make of straight ones. */
export const TYPOGRAPHIC = 'typographic quotes'
const CURLY = /[\u2018-\u201f\u2039\u203a\u00ab\u00bb\uff02\uff07]/

/**
 * Quotes that are opened and never closed, at the place where they are opened, which the parser does not tell; and
 * typographic ones before a key or a value, which to YAML are letters of it.
 * @param tokens of YAML's lexer, all of them
 */
export function* scanQuotes(text: string, tokens: Iterable<string>): Generator<Spot> {
  let at = 0
  let unquoted = false
  let block = false
  for (const token of tokens) {
    if (MARKERS.has(token)) {
      unquoted = token === UNQUOTED
      continue
    }
    if (!unquoted && /^["']/.test(token) && !isClosed(token)) yield openQuote(text, at, token.charAt(0))
    // A block's own text may begin with anything.
    if (unquoted && !block && isCurly(token)) yield curlyQuote(at, token)
    if (unquoted) block = false
    else if (/^[|>]/.test(token)) block = true
    unquoted = false
    at += token.length
  }
}

function isClosed(token: string): boolean {
  const inner = token.slice(1)
  // Inside, a single quote is written twice.
  if (token.startsWith("'")) return (inner.match(/'/g)?.length ?? 0) % 2 === 1
  const escapes = /(\\*)"$/.exec(inner)?.[1]
  return escapes !== undefined && escapes.length % 2 === 0
}

function openQuote(text: string, start: number, quote: string): Spot {
  const next = text.indexOf('\n', start)
  const rest = text.slice(start, next < 0 ? text.length : next).trimEnd()
  const other = quote === '"' ? 'single' : 'double'
  const mend = /[\u2018-\u201f\u00ab\u00bb]/.test(rest)
    ? `type the typographic quote behind it anew, as ${quote}`
    : `write ${quote} at the end of the value too; where it belongs to the value, put the whole into ${other} quotes`
  return {
    start,
    end: start + rest.length,
    message: `YAML: a quote (${quote}) is opened here and not closed`,
    mend,
    fatal: true,
  }
}

/** Around all of it, or before a single word: a sentence may begin with a quotation. */
function isCurly(token: string): boolean {
  if (!CURLY.test(token.charAt(0))) return false
  const text = token.trimEnd()
  return !/\s/.test(text) || CURLY.test(text.charAt(text.length - 1))
}

function curlyQuote(start: number, token: string): Spot {
  const [first = ''] = token.split('\n')
  return {
    start,
    end: start + first.trimEnd().length,
    message: `${TYPOGRAPHIC} stand around this, ${describeCharacter(token.charAt(0))} first, and YAML takes them for a part of it`,
    mend: 'type them anew as straight ones, " or \', or leave them out; where they are meant, put the whole into straight quotes',
    fatal: false,
  }
}
