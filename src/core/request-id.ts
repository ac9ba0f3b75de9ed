import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const DIGITS = Buffer.from(ALPHABET, 'latin1')
/** Random digits of an id: five bits each. */
const RANDOM = 16
/** Random digits for many ids, drawn at once. */
const drawn = Buffer.alloc(RANDOM * 256)
let pool = ''
let used = 0
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
  if (used === pool.length) draw()
  used += RANDOM
  return prefix + pool.slice(used - RANDOM, used)
}

function draw(): void {
  randomFillSync(drawn)
  for (let i = 0; i < drawn.length; i++) drawn[i] = DIGITS[(drawn[i] ?? 0) & 31] ?? 0
  pool = drawn.toString('latin1')
  used = 0
}
