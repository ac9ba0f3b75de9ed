const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/**
 * The text of one scalar of a JSON text that `checkJson` found in order: a string's characters, a number exactly as it
 * is written, `true` or `false`. A step names a member, or counts the entries of an array from 0. `undefined` where there
 * is none, where it is null, an object or an array, or a string that no UTF-8 can write.
 */
export function jsonScalar(json: Buffer, path: readonly string[]): string | undefined {
  let at = white(json, 0)
  for (const step of path) {
    at = enter(json, at, step)
    if (at < 0) return undefined
  }
  const first = json[at]
  if (first === undefined || first === OPEN_BRACE || first === OPEN_BRACKET) return undefined
  const text = json.toString('utf8', at, endOf(json, at))
  if (first !== QUOTE) return text === 'null' ? undefined : text
  const value = textOf(text)
  return value.isWellFormed() ? value : undefined
}

/** Where the value of that member, or of that entry, begins; -1 where there is none. */
function enter(json: Buffer, at: number, step: string): number {
  const first = json[at]
  if (first === OPEN_BRACKET) return /^(0|[1-9]\d{0,5})$/.test(step) ? entry(json, at, Number(step)) : -1
  if (first !== OPEN_BRACE) return -1
  for (let name = white(json, at + 1); json[name] === QUOTE; ) {
    const end = endOf(json, name)
    const value = white(json, white(json, end) + 1)
    if (textOf(json.toString('utf8', name, end)) === step) return value
    const next = white(json, endOf(json, value))
    if (json[next] !== COMMA) return -1
    name = white(json, next + 1)
  }
  return -1
}

function entry(json: Buffer, open: number, index: number): number {
  let at = white(json, open + 1)
  if (json[at] === CLOSE_BRACKET) return -1
  for (let passed = 0; passed < index; passed++) {
    const next = white(json, endOf(json, at))
    if (json[next] !== COMMA) return -1
    at = white(json, next + 1)
  }
  return at
}

/** Behind the value that begins at `at`. */
function endOf(json: Buffer, at: number): number {
  let depth = 0
  for (let here = at; here < json.length; ) {
    const byte = json[here]
    if (byte === QUOTE) here = endOfString(json, here)
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++
      here++
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--
      here++
    } else if (depth > 0) {
      here++
      continue
    } else here = endOfWord(json, here)
    if (depth === 0) return here
  }
  return json.length
}

function endOfString(json: Buffer, quote: number): number {
  let at = quote + 1
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at + 1
}

/** A number or a literal ends where no letter, digit, sign or point follows. */
function endOfWord(json: Buffer, start: number): number {
  let at = start
  while (at < json.length && /[A-Za-z0-9+.-]/.test(String.fromCharCode(json[at] ?? 0))) at++
  return at
}

function textOf(token: string): string {
  const value: unknown = JSON.parse(token)
  return typeof value === 'string' ? value : ''
}

function white(json: Buffer, from: number): number {
  let at = from
  while (json[at] === 0x20 || json[at] === 0x09 || json[at] === 0x0a || json[at] === 0x0d) at++
  return at
}
