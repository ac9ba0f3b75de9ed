export type TimestampUnit = 's' | 'ms' | 'iso'

export const UNIT_WORDS: Readonly<Record<TimestampUnit, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  iso: 'the moment as RFC 3339 writes it',
}

/** The latest year whose seconds have ten digits is 2286; the first whose milliseconds have more than eleven is 1973. */
const MOST_SECONDS = 1e11

/** The unit that a sender's timestamp is written in, where it is one of these. */
export function unitOf(text: string): TimestampUnit | undefined {
  if (readTimestamp(text, 'iso') !== undefined) return 'iso'
  const value = readTimestamp(text, 'ms')
  if (value === undefined) return undefined
  return value < MOST_SECONDS ? 's' : 'ms'
}

/** Epoch milliseconds of a sender's timestamp; `undefined` where it is not written exactly as the unit says. */
export function readTimestamp(text: string, unit: TimestampUnit): number | undefined {
  if (unit === 'iso') return isoMs(text)
  const value = digits(text)
  return value === undefined || unit === 'ms' ? value : value * 1000
}

const DASH = 0x2d
const COLON = 0x3a
const POINT = 0x2e

/**
 * RFC 3339, exactly: `Date.parse` takes much more, and carries 30 February and 24:00 over into the next day. Character
 * codes and arithmetic alone, as a Date made for each request costs as much as hashing the webhook.
 */
function isoMs(text: string): number | undefined {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  const marked =
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === 0x54 &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  // NaN fails every comparison.
  if (!marked || !(year >= 1000 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)))
    return undefined
  if (!(hour < 24 && minute < 60 && second < 60)) return undefined
  let at = 19
  let ms = 0
  if (text.charCodeAt(at) === POINT) {
    const from = ++at
    while (isDigit(text.charCodeAt(at))) at++
    if (at === from || at - from > 9) return undefined
    ms = Math.floor((number(text, from, at) * 1000) / 10 ** (at - from))
  }
  const offset = offsetMinutes(text, at)
  if (offset === undefined) return undefined
  return ((daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute - offset) * 60_000 + second * 1000 + ms
}

/** `Z` or `+01:00`, with nothing behind it. */
function offsetMinutes(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at)
  if (sign === 0x5a) return text.length === at + 1 ? 0 : undefined
  const hours = twoDigits(text, at + 1)
  const minutes = twoDigits(text, at + 4)
  const whole = (sign === 0x2b || sign === DASH) && text.charCodeAt(at + 3) === COLON && text.length === at + 6
  if (!whole || !(hours < 24 && minutes < 60)) return undefined
  return sign === DASH ? -(hours * 60 + minutes) : hours * 60 + minutes
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Of the Gregorian calendar. The year is taken to begin in March, so that the leap day is its last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return years * 365 + leapDays + dayOfYear - 719_468
}

/** NaN where one of the two is no digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at)
  const ones = text.charCodeAt(at + 1)
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones - 528 : Number.NaN
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
