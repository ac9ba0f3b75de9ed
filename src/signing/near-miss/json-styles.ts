import type { JsonStyle } from './json-tokens.ts'

const plain = (text: string): string => JSON.stringify(JSON.parse(text))
const unit = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, '0')
const ascii = (text: string): string => plain(text).replace(/[\u007f-\uffff]/g, char => `\\u${unit(char)}`)
const slashes = (text: string): string => text.replaceAll('/', '\\/')
/** Go's encoding/json. */
const html = (text: string): string => plain(text).replace(/[<>&\u2028\u2029]/g, char => `\\u${unit(char)}`)
/** System.Text.Json with its default encoder. */
const dotnet = (text: string): string => {
  const inner = plain(text).slice(1, -1).replaceAll('\\"', '\\u0022')
  return `"${inner.replace(/[<>&'+`\u007f-\uffff]/g, char => `\\u${unit(char).toUpperCase()}`)}"`
}
/** Gson, with its default of escaping for HTML. */
const gson = (text: string): string => plain(text).replace(/[<>&='\u2028\u2029]/g, char => `\\u${unit(char)}`)
/** A text as Python's repr writes it, if it holds no apostrophe. */
const repr = (text: string): string => `'${plain(text).slice(1, -1).replaceAll('\\"', '"')}'`
const PYTHON: Readonly<Record<string, string>> = { true: 'True', false: 'False', null: 'None' }
/** What a program that reads numbers as doubles writes. */
const double = (text: string): string => {
  const value = Number(text)
  return Number.isFinite(value) ? String(value) : text
}

/** An amount with two places, of which a program that reads it as a double drops the last. */
const money = (text: string): string => (/^-?\d+\.\d$/.test(text) ? `${text}0` : text)

export const COMPACT = { comma: ',', colon: ':' } as const
export const SPACED = { comma: ', ', colon: ': ' } as const
const pretty = (indent: string, newline = '\n'): Pick<JsonStyle, 'comma' | 'colon' | 'indent' | 'newline'> => ({
  comma: ',',
  colon: ': ',
  indent,
  newline,
})

/** How programs write JSON, in words, the likeliest first. What is said of strings holds for names too. */
export const JSON_STYLES: readonly (readonly [words: string, style: JsonStyle])[] = [
  ['without blanks', COMPACT],
  ['as JSON.stringify writes it', { ...COMPACT, string: plain, number: double }],
  ['with a blank behind each comma and colon, as Python writes it', SPACED],
  ['as json.dumps of Python writes it', { ...SPACED, string: ascii }],
  ['as json_encode of PHP writes it', { ...COMPACT, string: text => slashes(ascii(text)) }],
  ['without blanks, other characters than ASCII as \\u escapes', { ...COMPACT, string: ascii }],
  ['without blanks, slashes escaped', { ...COMPACT, string: text => slashes(plain(text)) }],
  ['without blanks, nothing escaped that need not be', { ...COMPACT, string: plain }],
  ['as encoding/json of Go writes it', { ...COMPACT, string: html }],
  ['as System.Text.Json of .NET writes it', { ...COMPACT, string: dotnet }],
  ['as Gson of Java writes it', { ...COMPACT, string: gson }],
  ['as str() of Python writes a dict', { ...SPACED, string: repr, word: text => PYTHON[text] ?? text }],
  ['indented by two blanks', pretty('  ')],
  ['indented by two blanks, nothing escaped that need not be', { ...pretty('  '), string: plain }],
  ['indented by four blanks', pretty('    ')],
  [
    'as json_encode of PHP writes it with JSON_PRETTY_PRINT',
    { ...pretty('    '), string: text => slashes(ascii(text)) },
  ],
  ['indented by tabs', pretty('\t')],
  ['indented by two blanks, with a line feed at the end', { ...pretty('  '), end: '\n' }],
  ['indented by two blanks, with Windows line ends', pretty('  ', '\r\n')],
  ['without blanks, its members sorted by name', { ...COMPACT, sorted: true }],
  [
    'as JSON.stringify writes it, its members sorted by name',
    { ...COMPACT, string: plain, number: double, sorted: true },
  ],
  ['as json.dumps of Python writes it with sort_keys', { ...SPACED, string: ascii, sorted: true }],
  ['as json.dumps of Python writes it with sort_keys and without blanks', { ...COMPACT, string: ascii, sorted: true }],
  ['without blanks, with a line feed at the end', { ...COMPACT, end: '\n' }],
  ['without blanks, amounts with two places', { ...COMPACT, string: plain, number: money }],
  ['with a blank behind each comma and colon, amounts with two places', { ...SPACED, number: money }],
]
