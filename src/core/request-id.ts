import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, i) => ALPHABET.charAt(i >> 5) + ALPHABET.charAt(i & 31))
const pool = Buffer.alloc(4096)
let used = pool.length
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
  if (used + 16 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let id = prefix
  // Ten random bits of every two bytes: 65,536 is a multiple of 1,024, so the remainder is unbiased.
  for (let i = 0; i < 8; i++, used += 2) id += PAIRS[(((pool[used] ?? 0) << 8) | (pool[used + 1] ?? 0)) & 1023] ?? ''
  return id
}
