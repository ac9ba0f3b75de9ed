/** How a text is written in a body, and what that takes. */
export interface TextWriting {
  /** Bytes of a text that is written alone. */
  bytesOf(text: string): number
  /** Bytes that one character adds, wherever it stands. */
  add(codePoint: number): number
}

/** A string of JSON, as `JSON.stringify` writes it. */
export const JSON_TEXT: TextWriting = {
  bytesOf: text => Buffer.byteLength(JSON.stringify(text)),
  add(codePoint) {
    if (codePoint < 0x20) return SHORT_ESCAPES.includes(codePoint) ? 2 : 6
    if (codePoint === 0x22 || codePoint === 0x5c) return 2
    return isSurrogate(codePoint) ? 6 : utf8Bytes(codePoint)
  },
}

/** \b, \t, \n, \f and \r */
const SHORT_ESCAPES: readonly number[] = [8, 9, 10, 12, 13]

/** A name or value of application/x-www-form-urlencoded (WHATWG URL section 5.2). */
export const FORM_TEXT: TextWriting = {
  // Counted, since to write a large one takes much longer.
  bytesOf(text) {
    const utf8 = Buffer.from(text)
    let bytes = 0
    for (let at = 0; at < utf8.length; at++) bytes += FORM_BYTES[utf8[at] ?? 0] ?? 0
    return bytes
  },
  // What is no character is written as U+FFFD, which takes three bytes as it does.
  add: codePoint => (codePoint < 0x80 ? (FORM_BYTES[codePoint] ?? 0) : 3 * utf8Bytes(codePoint)),
}

/** By byte of the text in UTF-8, what it takes. */
const FORM_BYTES = new Uint8Array(256).fill(3)
for (const char of ' *-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
  FORM_BYTES[char.charCodeAt(0)] = 1

const isSurrogate = (codePoint: number): boolean => codePoint >= 0xd800 && codePoint <= 0xdfff

function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}

/**
 * The longest beginning of a text that with the marker takes at most so many bytes as it is written; the marker alone where
 * none does. It looks at no more of the text than it keeps.
 */
export function cutText(text: string, bytes: number, marker: string, writing: TextWriting): string {
  let left = bytes - writing.bytesOf(marker)
  let end = 0
  while (end < text.length) {
    const codePoint = text.codePointAt(end) ?? 0
    left -= writing.add(codePoint)
    if (left < 0) break
    end += codePoint > 0xffff ? 2 : 1
  }
  return text.slice(0, end) + marker
}
