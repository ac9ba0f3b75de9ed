import type { Headers } from '../core/headers.ts'

/** Fields that end at each hop, whichever way they come (RFC 9110 section 7.6.1). Lower case. */
export const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

const NONE: readonly string[] = []

/** What the Connection fields of a request name, in lower case: fields of those names end here (RFC 9110 section 7.6.1). */
export function namedByConnection(headers: Headers): readonly string[] {
  const value = headers.one('connection')
  // Nearly all say one of these, which name no field that goes on.
  if (value === undefined || value === 'close' || value === 'keep-alive') return NONE
  return connectionMembers(headers.all('connection').join(','))
}

/** The names in the values of Connection fields, in lower case. @param list of several fields, joined by commas */
export function connectionMembers(list: string): readonly string[] {
  return list
    .toLowerCase()
    .split(',')
    .map(name => name.trim())
}
