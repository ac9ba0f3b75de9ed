import { isUtf8 } from 'node:buffer'

export type FormField = readonly [name: string, value: string]

/**
 * The fields of application/x-www-form-urlencoded (WHATWG URL section 5) in their order, read strictly: a broken escape
 * refuses, nothing is replaced. A text says why it can't be read.
 */
export function readUrlencoded(body: Buffer, most: number): readonly FormField[] | string {
  if (!isUtf8(body)) return 'the form is not valid UTF-8'
  const fields: FormField[] = []
  const pairs = body.toString('utf8').split('&', most * 2 + 2)
  // Empty pairs are none; a field behind too many of them would be lost without a word.
  if (pairs.length > most * 2 + 1) return `the form has more than ${most} fields`
  for (const pair of pairs) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeComponent(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decodeComponent(pair.slice(equals + 1))
    if (name === undefined || value === undefined)
      return `form field ${fields.length + 1} holds a broken percent escape or bytes that are not UTF-8`
    if (fields.length >= most) return `the form has more than ${most} fields`
    fields.push([name, value])
  }
  return fields
}

function decodeComponent(text: string): string | undefined {
  try {
    // Throws on a broken escape and on bytes that are not UTF-8.
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
