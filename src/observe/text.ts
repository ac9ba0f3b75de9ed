/** Untrusted text, made safe for a log line and for the terminal that may show it. */
import { charCodeAt } from '../core/char-code.ts'

// Printable ASCII that JSON leaves as it is: by far the commonest text, told by one pass.
const PLAIN = /^[ !#-[\]-~]*$/
/** Up to here a loop is cheaper than the call of a regular expression. */
const SHORT = 32

// What JSON.stringify lets through and a terminal or a reader is fooled by: DEL and C1 (escape sequences of 8-bit
// terminals), line and paragraph separators, bidirectional controls (Unicode TR #36), invisible spaces and marks.
const DECEPTIVE = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

const hex = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Escapes, inside JSON text, every character that could break a line or fool its reader. The JSON means the same. */
export function escapeDeceptive(json: string): string {
  return json.replace(DECEPTIVE, hex)
}

/** `text` as a JSON string, safe to print. */
export function quote(text: string): string {
  return isPlain(text) ? `"${text}"` : escapeDeceptive(JSON.stringify(text))
}

function isPlain(text: string): boolean {
  if (text.length > SHORT) return PLAIN.test(text)
  for (let i = 0; i < text.length; i++) {
    const code = charCodeAt(text, i)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}

/** At most `max` characters of `text`, and how many were cut: `/a/very/long...(+8100)`. */
export function bounded(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}...(+${text.length - max})`
}
