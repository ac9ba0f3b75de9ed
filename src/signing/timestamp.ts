export type TimestampUnit = 's' | 'ms' | 'iso'

/** Epoch milliseconds of a sender's timestamp; `undefined` where it is not written exactly as the unit says. */
export function readTimestamp(text: string, unit: TimestampUnit): number | undefined {
  if (unit === 'iso') return isoMs(text)
  const value = digits(text)
  return value === undefined || unit === 'ms' ? value : value * 1000
}

/** RFC 3339, exactly: `Date.parse` takes much more, and carries 30 February and 24:00 over into the next day. */
function isoMs(text: string): number | undefined {
  const year = number(text, 0, 4)
  const month = number(text, 5, 7)
  const day = number(text, 8, 10)
  const hour = number(text, 11, 13)
  const minute = number(text, 14, 16)
  const second = number(text, 17, 19)
  const marked = text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':' && text[16] === ':'
  if (!marked || !(year >= 1000 && hour < 24 && minute < 60 && second < 60)) return undefined
  let at = 19
  let ms = 0
  if (text[at] === '.') {
    const from = ++at
    while (isDigit(text.charCodeAt(at))) at++
    if (at === from || at - from > 9) return undefined
    ms = Math.floor((number(text, from, at) * 1000) / 10 ** (at - from))
  }
  const offset = offsetMinutes(text, at)
  const date = Date.UTC(year, month - 1, day)
  // A day or month that there is not would be carried over.
  if (offset === undefined || !(month >= 1 && month <= 12 && day >= 1) || new Date(date).getUTCDate() !== day)
    return undefined
  return date + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms
}

/** `Z` or `+01:00`, with nothing behind it. */
function offsetMinutes(text: string, at: number): number | undefined {
  if (text[at] === 'Z') return text.length === at + 1 ? 0 : undefined
  const hours = number(text, at + 1, at + 3)
  const minutes = number(text, at + 4, at + 6)
  const sign = text[at] === '-' ? -1 : 1
  const whole = (text[at] === '+' || sign < 0) && text[at + 3] === ':' && text.length === at + 6
  return whole && hours < 24 && minutes < 60 ? sign * (hours * 60 + minutes) : undefined
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

/** NaN where anything between the two is no digit. */
function number(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (!isDigit(code)) return Number.NaN
    value = value * 10 + (code - 0x30)
  }
  return value
}

/** Without sign, space, point, exponent or leading zero: one moment has one spelling. */
function digits(text: string): number | undefined {
  if (text.length < 1 || text.length > 15 || text.charCodeAt(0) === 0x30) return undefined
  const value = number(text, 0, text.length)
  return Number.isNaN(value) ? undefined : value
}

/** A moment as the unit writes it. */
export function writeTimestamp(epochMs: number, unit: TimestampUnit): string {
  if (unit === 'iso') return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
  return String(unit === 's' ? Math.floor(epochMs / 1000) : epochMs)
}
