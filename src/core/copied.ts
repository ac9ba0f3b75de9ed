/**
 * The same text in memory of its own, one byte a character, for who keeps it: a field of a request is a slice, and would hold
 * the whole head that it was cut from.
 */
export function copied(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
