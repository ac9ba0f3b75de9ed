import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(24 * 128)
let used = pool.length

/** Random bytes as lower-case hex, from a pool: a call of the system's generator costs more than all the rest. */
export function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
