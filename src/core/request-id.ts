import { randomBytes } from 'node:crypto'
import { drawn } from './drawn.ts'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DIGITS = Buffer.from(ALPHABET, 'latin1')
/** Random digits of an id: five bits each. */
const RANDOM = 16
const digits = drawn(() => {
  const bytes = randomBytes(RANDOM * 256)
  for (let i = 0; i < bytes.length; i++) bytes[i] = DIGITS[(bytes[i] ?? 0) & 31] ?? 0
  return bytes.toString('latin1')
})
let lastMs = -1
let prefix = ''

/** A ULID: 48 bits of time, 80 random bits, Crockford's base 32; sorts by time. */
export function requestId(epochMs: number): string {
  if (epochMs !== lastMs) {
    lastMs = epochMs
    prefix = ''
    for (let rest = epochMs, i = 0; i < 10; i++, rest = Math.floor(rest / 32))
      prefix = ALPHABET.charAt(rest % 32) + prefix
  }
  return prefix + digits(RANDOM)
}
