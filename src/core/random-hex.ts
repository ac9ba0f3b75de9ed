import { randomBytes } from 'node:crypto'

/** Bytes that are drawn at a time: a call of the system's generator costs more than all the rest. */
const DRAWN = 24 * 128
let pool = ''
let used = 0

/** Random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  const digits = bytes * 2
  if (used + digits > pool.length) {
    pool = randomBytes(DRAWN).toString('hex')
    used = 0
  }
  used += digits
  return pool.slice(used - digits, used)
}
