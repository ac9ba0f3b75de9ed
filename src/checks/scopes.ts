import { z } from 'zod'

/** Scope names, as RFC 6749 section 3.3 writes them, without the comma that joins them in a tokens file. */
export const scopeList = z.array(z.string().regex(/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/, 'is no scope'))

/** The first scope that is needed and not there. */
export function lackingScope(needed: readonly string[], has: readonly string[]): string | undefined {
  for (const scope of needed) if (!has.includes(scope)) return scope
  return undefined
}
