import type { YAMLParseError } from 'yaml'
import { characterAt, describeCharacter, indexOfHidden } from './characters.ts'

/** A problem of the YAML text itself, placed by UTF-16 offsets. */
export interface Spot {
  readonly start: number
  readonly end: number
  readonly message: string
  readonly mend: string
  /** Nothing of the file can be judged further. */
  readonly fatal: boolean
  /** Parsing the file would cost more than it may. */
  readonly deep?: boolean
}

/** Levels of nesting; a real config has about ten. */
export const DEEPEST = 100

const MARKERS: ReadonlySet<string> = new Set(['\u0002', '\u0018', '\u001f'])
// biome lets no control character stand in a regular expression, so they are compared by number.
const isControl = (code: number): boolean => (code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127

// A text of nothing but these hides nothing.
const PLAIN = /^[\n\r -~]*$/

/** Tabs, hidden characters and directives, wherever no comment hides them. @param tokens of YAML's lexer, all of them. */
export function* scanCharacters(text: string, tokens: Iterable<string>): Generator<Spot> {
  const plain = PLAIN.test(text)
  for (let at = 0; at < text.length; at++) {
    if (!isControl(text.charCodeAt(at))) continue
    yield {
      start: at,
      end: at + 1,
      message: `a control character, ${describeCharacter(text.charAt(at))}, stands in the file`,
      mend: 'delete it; in double quotes it can be written as an escape such as "\\x1b"',
      fatal: true,
    }
    return
  }
  let at = 0
  let depth = 0
  for (const token of tokens) {
    // The lexer's own marks are no part of the text.
    if (MARKERS.has(token)) continue
    if (token.startsWith('%') && at > 0 && text[at - 1] !== '\n')
      yield {
        start: at,
        end: at + 1,
        message: 'YAML: a value can not begin with "%"',
        mend: 'write the value in quotes',
        fatal: true,
      }
    else if (token.startsWith('%'))
      yield {
        start: at,
        end: at + token.length,
        message: `the directive ${token.trim()} is not read here`,
        mend: 'delete the line; the file is read as YAML 1.2',
        fatal: true,
      }
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    if (depth > DEEPEST) {
      const mend = 'write it with less nesting; check that every bracket is closed'
      yield {
        start: at,
        end: at + 1,
        message: `nested more than ${DEEPEST} levels deep`,
        mend,
        fatal: true,
        deep: true,
      }
      return
    }
    if (!plain && !token.startsWith('#') && !token.startsWith('%') && !(at === 0 && token === '\ufeff'))
      yield* inToken(token, at, text)
    at += token.length
  }
}

function* inToken(token: string, offset: number, text: string): Generator<Spot> {
  for (let from = 0; ; ) {
    const found = indexOfHidden(token.slice(from))
    if (found < 0) return
    const at = from + found
    const char = characterAt(token, at)
    from = at + char.length
    if (char === '\n' || char === '\r') continue
    const start = offset + at
    const indents = isBlank(char) && text.slice(text.lastIndexOf('\n', start - 1) + 1, start).trim() === ''
    // One of a row speaks for all.
    if (indents || char === '\t') while (token.startsWith(char, from)) from += char.length
    yield { start, end: offset + from, ...hiddenFault(char, indents) }
  }
}

/** To JavaScript a byte order mark is a blank. */
const isBlank = (char: string): boolean => char !== '\ufeff' && /\s/.test(char)

function hiddenFault(char: string, indents: boolean): Pick<Spot, 'message' | 'mend' | 'fatal'> {
  if (char === '\t')
    return indents
      ? { message: 'this line is indented with a tab, which YAML does not take', mend: TABS_MEND, fatal: true }
      : { message: 'a tab stands where nobody can see it', mend: 'write spaces instead of tabs', fatal: true }
  const name = describeCharacter(char)
  if (indents)
    return {
      message: `this line is indented with ${name}, which is no space to YAML`,
      mend: 'indent it with spaces: what was copied from a web page or a chat often has others',
      fatal: true,
    }
  return {
    message: `a hidden character, ${name}, stands in the file`,
    mend: `${isBlank(char) ? 'write a space in its place, or delete it' : 'delete it, or type the value by hand instead of pasting it'}; where it is meant, write it as an escape in double quotes`,
    fatal: false,
  }
}

const TABS_MEND = 'write spaces instead of tabs, two for each level'

const SENTENCES: Readonly<Record<string, readonly [message: string, mend: string]>> = {
  MULTIPLE_DOCS: ['a second YAML document begins here', 'write one document a file, without "---" between'],
  MISSING_CHAR: ['a closing character or a colon is missing here', 'close every quote and bracket; write "key: value"'],
  BAD_INDENT: ['the indentation does not fit what stands above', 'indent by the same spaces as the neighbouring keys'],
  UNCLOSED: [
    'a bracket that was opened above is not closed before this line',
    'close it with } or ], or indent this line deeper',
  ],
  TAB_AS_INDENT: ['a tab stands where spaces have to', 'write spaces instead of tabs'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second "key:" stands on one line',
    'begin a new line, or quote the value if its colon is part of it',
  ],
  MULTILINE_IMPLICIT_KEY: ['a key spans several lines', 'write "key: value", with the key on one line'],
  UNEXPECTED_TOKEN: ['this is not expected here', 'begin a new line with the right indentation, or quote the value'],
  BAD_SCALAR_START: ['a value can not begin with this character', 'write the value in quotes'],
  BAD_DQ_ESCAPE: ['this is no escape that YAML knows', 'write \\\\ for a backslash, or use single quotes'],
  BAD_ALIAS: ['this alias names nothing', 'write the value out, in quotes where it begins with "*"'],
  ALIAS_PROPS: ['an alias can have no anchor and no tag', 'write the value out where it is used'],
  TAG_RESOLVE_FAILED: ['this tag is not read here', 'leave the tag out; quote the value where it begins with "!"'],
  KEY_OVER_1024_CHARS: ['a key is longer than 1024 characters', 'check that every quote and bracket is closed'],
}

/** A value that YAML reads as another thing than was meant, told by what stands at and before the fault. */
function slip(code: string, text: string, start: number): Pick<Spot, 'start' | 'message' | 'mend'> | undefined {
  const line = text.lastIndexOf('\n', start - 1) + 1
  const [rest = ''] = text.slice(start).split('\n', 1)
  if (code === 'UNEXPECTED_TOKEN') {
    const address = /\[[0-9A-Fa-f:.]*\]$/.exec(text.slice(line, start))?.[0]
    const port = /^:\d+/.exec(rest)?.[0]
    if (address !== undefined && port !== undefined)
      return {
        start: start - address.length,
        message: 'an address in brackets stands without quotes, and to YAML brackets are a list',
        mend: `write it in quotes: "${address}${port}"`,
      }
    if (/["']/.test(text.charAt(start - 1)))
      return {
        start,
        message: 'the quote is closed before this, and more follows',
        mend: `put a value that holds ${text.charAt(start - 1)} into ${text[start - 1] === '"' ? 'single' : 'double'} quotes`,
      }
  }
  const [, mark] = /^[A-Za-z][\w-]*([:=])(?=\S)/.exec(rest) ?? []
  if (code === 'MISSING_CHAR' && mark !== undefined && text.slice(line, start).trim().replace('-', '') === '')
    return {
      start,
      message: 'this is no key with a value',
      mend: mark === ':' ? 'write a blank behind the colon' : 'write a colon and a blank in place of "="',
    }
  return undefined
}

/** The parser's code, told apart further where one code stands for several faults. */
function kindOf(code: string, cause: string): string {
  if (code === 'BAD_INDENT' && cause.startsWith('Flow')) return 'UNCLOSED'
  // A key between the columns of a list and of its entries' keys; to the parser it lacks the dash of an entry.
  return code === 'MISSING_CHAR' && cause.startsWith('Sequence item') ? 'BAD_INDENT' : code
}

/** What the YAML parser found, in this project's words. */
export function syntaxSpot({ code, pos: [from, to], message: cause }: YAMLParseError, text: string): Spot {
  const slipped = slip(code, text, from)
  const [message, mend] = SENTENCES[kindOf(code, cause)] ?? [
    'this is no YAML that can be read',
    'check the indentation, quotes and brackets',
  ]
  let start = Math.min(from, text.length)
  // The end of the file has nothing to underline: the last character that can be seen stands for it.
  if (start >= text.length) start = Math.max(0, text.trimEnd().length - 1)
  const line = text.indexOf('\n', start)
  const end = Math.max(start + 1, Math.min(to, line < 0 ? text.length : line))
  return { start, end, mend, fatal: true, ...slipped, message: `YAML: ${slipped?.message ?? message}` }
}
