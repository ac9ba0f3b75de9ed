import { charCodeAt } from '../core/char-code.ts'

/** `hex-upper`: as the few services that write hexadecimal digits in upper case do. */
export type Encoding = 'hex' | 'hex-upper' | 'base64' | 'base64url'

export const ENCODINGS = ['hex', 'hex-upper', 'base64', 'base64url'] as const

/** The value of each character; -1 for all others, whose sign marks what they are mixed with. */
function table(alphabet: string): Int8Array {
  const values = new Int8Array(256).fill(-1)
  for (let i = 0; i < alphabet.length; i++) values[alphabet.charCodeAt(i)] = i
  return values
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const HEX = table('0123456789abcdef')
const UPPER_HEX = table('0123456789ABCDEF')
const BASE64 = table(`${LETTERS}+/`)
const BASE64URL = table(`${LETTERS}-_`)
const PAD = 0x3d

/**
 * Fills `out` from `text` between `from` and `to`. False, with `out` spoilt, where that is not the one canonical way to
 * write exactly as many bytes: another length, alphabet or padding, or spare bits that are not zero (RFC 4648 section
 * 3.5), so that one signature has one spelling. Hexadecimal digits are lower case (of `hex-upper`, upper case), base64 is
 * padded (RFC 4648 section 4), base64url is not (RFC 7515 section 2).
 */
export function decodeInto(encoding: Encoding, text: string, from: number, to: number, out: Uint8Array): boolean {
  if (encoding === 'hex') return decodeHex(HEX, text, from, to, out)
  if (encoding === 'hex-upper') return decodeHex(UPPER_HEX, text, from, to, out)
  const end = from + Math.ceil((out.length * 4) / 3)
  if (encoding === 'base64url') return end === to && decode64(BASE64URL, text, from, end, out)
  if (to - from !== 4 * Math.ceil(out.length / 3)) return false
  for (let at = end; at < to; at++) if (charCodeAt(text, at) !== PAD) return false
  return decode64(BASE64, text, from, end, out)
}

/** As `decodeInto`, with a buffer of its own. */
export function decodeExactly(text: string, encoding: Encoding, bytes: number): Buffer | undefined {
  const out = Buffer.alloc(bytes)
  return decodeInto(encoding, text, 0, text.length, out) ? out : undefined
}

/** As many bytes as the text holds; `undefined` where there are none, more than `most`, or another spelling of them. */
export function decodeUpTo(
  encoding: Encoding,
  text: string,
  from: number,
  to: number,
  most: number,
): Buffer | undefined {
  const length = to - from
  let bytes = Math.floor((length * 3) / 4)
  if (encoding === 'hex' || encoding === 'hex-upper') bytes = length >> 1
  else if (encoding === 'base64')
    for (let at = to - 1; at >= to - 2 && at >= from && charCodeAt(text, at) === PAD; at--) bytes--
  if (bytes < 1 || bytes > most) return undefined
  const out = Buffer.alloc(bytes)
  return decodeInto(encoding, text, from, to, out) ? out : undefined
}

/** The one text that `decodeInto` reads as these bytes. */
export function encode(bytes: Buffer, encoding: Encoding): string {
  return encoding === 'hex-upper' ? bytes.toString('hex').toUpperCase() : bytes.toString(encoding)
}

/** Fills `out` from lower-case hex of our own making: nothing is checked. */
export function bytesOfHex(text: string, out: Uint8Array): void {
  for (let i = 0, at = 0; i < out.length; i++, at += 2)
    out[i] = (digit(charCodeAt(text, at)) << 4) | digit(charCodeAt(text, at + 1))
}

/** A digit's low bits are its value; a letter's, nine less. */
const digit = (code: number): number => (code & 15) + 9 * (code >> 6)

function decodeHex(values: Int8Array, text: string, from: number, to: number, out: Uint8Array): boolean {
  if (to - from !== out.length * 2) return false
  let seen = 0
  for (let i = 0, at = from; i < out.length; i++, at += 2) {
    const byte = ((values[charCodeAt(text, at)] ?? -1) << 4) | (values[charCodeAt(text, at + 1)] ?? -1)
    seen |= byte
    out[i] = byte
  }
  return seen >= 0
}

function decode64(values: Int8Array, text: string, from: number, to: number, out: Uint8Array): boolean {
  let seen = 0
  let held = 0
  let bits = 0
  let size = 0
  for (let at = from; at < to; at++) {
    const value = values[charCodeAt(text, at)] ?? -1
    seen |= value
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    out[size++] = held >> bits
  }
  return seen >= 0 && (held & ((1 << bits) - 1)) === 0
}
