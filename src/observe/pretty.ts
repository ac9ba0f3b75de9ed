import { escapeDeceptive } from './text.ts'

// What needs no quotes: printable ASCII without a blank, an equals sign or a quote.
const WORD = /^[!#-<>-[\]-~]+$/
const MESSAGE_WIDTH = 12

/** One JSON line as one line for a person: `08:15:00.042  warn   refused       route=github code=signature.mismatch`. */
export function prettyLine(json: string): string {
  const line: unknown = JSON.parse(json)
  if (typeof line !== 'object' || line === null) return json
  let head = ''
  let tail = ''
  let level = ''
  let msg = ''
  for (const [key, value] of Object.entries(line)) {
    if (key === 'time') head = String(value).slice(11, 23)
    else if (key === 'level') level = word(value)
    else if (key === 'msg') msg = typeof value === 'string' ? inner(value) : word(value)
    else tail += ` ${word(key)}=${word(value)}`
  }
  return `${head}  ${level.padEnd(5)}  ${tail === '' ? msg : `${msg.padEnd(MESSAGE_WIDTH)} ${tail}`}\n`
}

const escaped = (value: unknown): string => escapeDeceptive(JSON.stringify(value))

/** A message without its quotes; what JSON escapes stays escaped. */
const inner = (text: string): string => escaped(text).slice(1, -1)

function word(value: unknown): string {
  return typeof value === 'string' && WORD.test(value) ? value : escaped(value)
}
