import { charCodeAt } from './char-code.ts'

const UNFIT = /[^\t\x20-\x7e\x80-\xff]/
/** Up to here a loop is cheaper than the call of a regular expression. */
const SHORT = 24

/**
 * Whether a header field's value, one byte a character, may stand in a message: visible characters, spaces, tabs and the
 * bytes 80-ff (RFC 9110 section 5.5). A line break in one would begin another field or message.
 */
export function isFieldValue(text: string): boolean {
  if (text.length > SHORT) return !UNFIT.test(text)
  for (let i = 0; i < text.length; i++) {
    const code = charCodeAt(text, i)
    if (code < 0x20 ? code !== 0x09 : code === 0x7f || code > 0xff) return false
  }
  return true
}
